"""`cairn rules show`: a rulebook as a coach would read it, in plain sentences."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

from rich.console import Console
from rich.text import Text

from agents.answer_sentences import answer, money, tier_answer
from agents.experiment_sentences import experiment_sentence
from agents.rule_sentences import sentence
from schemas.policy import Policy
from schemas.rulebook import Rulebook, RulebookErrors, load_rulebook
from schemas.rules import Rule

EXIT_OK, EXIT_NO, EXIT_INVALID = 0, 1, 2

_INDENT = 2


def run_rules_show(rules: Path, *, out: Console, err: Console) -> int:
    """Print what a rulebook means.

    Returns:
        0, or 1 if it has errors, or 2 if it could not be read.
    """
    try:
        rulebook = load_rulebook(rules.read_text(encoding="utf-8"), str(rules))
    except RulebookErrors as errors:
        err.print(str(errors), markup=False, highlight=False, soft_wrap=True)
        return EXIT_NO
    except (OSError, UnicodeDecodeError) as error:
        err.print(f"{rules}: cannot be read: {error}", markup=False, highlight=False, soft_wrap=True)
        return EXIT_INVALID
    for paragraph in _paragraphs(rulebook, rules.name, out.width):
        out.print(paragraph)
    return EXIT_OK


def _paragraphs(rulebook: Rulebook, name: str, width: int) -> Iterator[Text]:
    on = [rule for rule in rulebook.rules if rule.enabled]
    yield Text.assemble((name, "bold"), f", version {rulebook.version}: {len(on)} rule{'' if len(on) == 1 else 's'}")
    if rulebook.policy.mode == "shadow":
        yield Text("Shadow mode: everything is planned and shown, and nothing is sent.", "yellow")
    yield Text()
    for rule in on:
        yield Text.assemble((rule.id, "bold"), ("  " + rule.tier, "cyan"))
        yield _indented(f"{sentence(rule, rulebook)}: {answer(rule, rulebook.policy)}.", width)
        for more in _beside(rule):
            yield _indented(more, width)
        yield Text()
    off = [rule.id for rule in rulebook.rules if not rule.enabled]
    if off:
        yield Text.assemble(("Switched off", "bold"))
        yield _indented(f"{', '.join(off)}.", width)
        yield Text()
    yield Text("Tiers", "bold")
    for tier in rulebook.policy.tiers:
        yield _indented(
            f"{tier}: {tier_answer(rulebook.policy.tiers[tier], rulebook.policy)}.", width, coloured=len(tier)
        )
    yield Text()
    if rulebook.policy.experiments:
        yield Text("Experiments", "bold")
        for experiment in rulebook.policy.experiments:
            yield _indented(experiment_sentence(experiment), width, coloured=len(experiment.id))
        yield Text()
    yield Text("Limits", "bold")
    for limit in _limits(rulebook.policy, rulebook):
        yield _indented(limit, width)


def _beside(rule: Rule) -> Iterator[str]:
    if rule.name:
        yield f"It is called \u201c{rule.name.replace('{threshold}', 'N')}\u201d."
    if rule.moment:
        yield f"Celebrated once per client and program, whichever rule of the moment {rule.moment} comes first."
    if rule.template:
        yield f"In words of its own: {rule.template}."


def _limits(policy: Policy, rulebook: Rulebook) -> Iterator[str]:
    budget, quiet, defaults = policy.budget, policy.quiet_hours, rulebook.defaults
    yield (
        f"Money: at most {money(budget.client_month_cents)} per client and "
        f"{money(budget.tenant_month_cents)} in all, per calendar month."
    )
    yield f"Quiet hours: {quiet.from_time:%H:%M} to {quiet.to_time:%H:%M} of the client's own day."
    if policy.hold_out.share:
        yield f"Left uncelebrated to measure the effect: {100 * policy.hold_out.share:g}% of the clients."
    yield (
        f"Days: they begin at {defaults.day_starts_at}, in {defaults.timezone} where a client's time zone is unknown; "
        f"a streak may be mended for {defaults.grace_hours} hours."
    )
    yield (
        f"Sessions: a booked one counts {defaults.session_hold_off_minutes} minutes after its end, unless cancelled."
    )


def _indented(text: str, width: int, *, coloured: int = 0) -> Text:
    """Lines that fit the width without trailing spaces, so that a pipe gets no more than words."""
    indent = " " * _INDENT
    wrapped = Text(fill(text, width=width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False))
    wrapped.stylize("cyan", _INDENT, _INDENT + coloured)
    return wrapped
