"""CPU time per event with fifty rules beside six, over the bench's own load.

Both rulebooks begin with the five rules of the bench. The fifty are those that a practice piles up over the years: half
of them ask about what the load tells (sessions in all and by kind, streaks of each habit and of any, long and longer),
the rest about what it never does. Rules that time alone decides are left out, as in the bench's own rulebook.
"""

from collections.abc import Iterator

from schemas.rulebook import load_rulebook
from schemas.topics import TRACKER_APP_ID
from tests.benchmarks import load, tracking
from tests.benchmarks import stage as stages
from tests.benchmarks.load import RULEBOOK, TENANT
from tests.benchmarks.stage import Stage

FEW, MANY = 6, 50
_KINDS = ("yoga", "pilates", "strength", "nutrition", "mobility")
_DAYS = ("[3]", "[7]", "[21]", "[45]", "[60, 90]")
_STEADY_DAYS = 25


async def measure(stage: Stage, rules: int, steady_days: int = _STEADY_DAYS) -> dict[str, float]:
    """Track the bench's load under so many rules."""
    path = stage.folder / "tenants" / TENANT / "rulebook.yaml"
    path.write_text(rulebook(rules))
    try:
        await stages.clear(stage, groups=[TRACKER_APP_ID])
        ends = await stages.fill(stage, load.log(steady_days=steady_days, partitions=stage.partitions))
        return (await tracking.track(stage, sum(ends.values()))).figures(f"rules_{rules}")
    finally:
        path.write_text(RULEBOOK.read_text())


def rulebook(rules: int) -> str:
    """The bench's rulebook with as many of the others as make it so many.

    Raises:
        RulebookError: a rule of this module is wrong.
    """
    text = RULEBOOK.read_text()
    missing = rules - len(load_rulebook(text, str(RULEBOOK)).rules)
    more = [line for line, _ in zip(_others(), range(missing), strict=False)]
    return text + "".join(f"  - {line}\n" for line in more)


def _others() -> Iterator[str]:
    yield _rule("every-ten", "micro", "{count: session.completed, every: 10}")
    for number, days in enumerate(_DAYS):
        yield _rule(f"any-{number}", "streak", f"{{streak: habit.checked, days: {days}}}", "repeat: per-streak")
        yield _rule(f"each-{number}", "streak", f"{{streak: habit.checked, per: habit_id, days: {days}}}")
    for kind in _KINDS:
        where = f"where: {{kind: [{kind}]}}"
        yield _rule(f"first-{kind}", "micro", "{count: session.completed, reaches: [1, 10]}", where)
        yield _rule(f"booked-{kind}", "micro", "{count: session.booked, reaches: [1]}", where)
        yield _rule(f"goal-{kind}", "major", "{count: goal.completed, per: goal_id, reaches: [1]}", where)
        yield _rule(f"lift-{kind}", "program", f"{{value: {kind}.logged, of: kilos, reaches: [60, 100]}}")
        yield _rule(f"walk-{kind}", "micro", f"{{sum: {kind}.done, of: steps, every: 100000}}")
        yield _rule(f"on-the-way-{kind}", "micro", f"{{percent: {kind}.read, of: done, per: book, reaches: [25, 75]}}")
    for number in (5, 25, 50, 100):
        yield _rule(f"sessions-{number}", "micro", f"{{count: session.completed, reaches: [{number}]}}")


def _rule(name: str, tier: str, when: str, *more: str) -> str:
    return f"{{{', '.join((f'id: {name}', f'tier: {tier}', f'when: {when}', *more))}}}"
