# ruff: noqa: E501 - lines of a page
"""Writes docs/reliability.md from the numbers of a run: `python -m tests.chaos.reliability`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.chaos.outcome import Outcome, read, total
from tests.chaos.report import AFTERWARDS, cells
from tests.chaos.rows import ROWS

RESULT = Path("build/chaos.json")
PAGE = Path("docs/reliability.md")

_HEAD = """\
# Exactly once under fire: what was measured

`make chaos` plays faults against the real service (two trackers, delivery, Kafka, Postgres, a mail server) while load
runs, and a checker that shares no code with what it judges reads topics, changelog and ledger afterwards. This page is
written by `python -m tests.chaos.reliability` from `build/chaos.json`; nothing in it is written by hand.

"""
_WAY = """
## What is checked, and how
After each row, and once more after the last one, with nobody's hand in between:

| promise | how it is checked |
|---|---|
| every acknowledged event is applied or set aside | the load's process counts what the broker acknowledged, and that must stand on the topic; each client's counted sessions and checked days in the changelog are those of its events; each broken record stands among the dead letters once, byte for byte |
| milestones are those of an independent oracle, none missing, none twice | the oracle hears the events topic and knows the rules by heart (`tests/chaos/oracle.py`); a read_committed reader compares tenant, client, rule, threshold and occurrence |
| one celebration a milestone | every expected milestone has one row in the ledger, and one message in the inbox at the most |
| at most one accepted mail a delivery | the mail server counts by Message-ID; what is called sent was accepted, what was accepted is called sent or unknown |
| nothing to erased people, and nobody else passed over | the mail server knows the addresses that were erased and counts what comes for them; only their mails may be skipped; of an erased client the state holds nothing |
| unknown only where nobody can know | unknown are the mails whose answer the server withheld, and those that were being sent when their sender was killed, and no others |
| lag returns to 0 without a hand | a row that has not settled after 180 s is a fault of its own |

States are read by their documented format (`agents/engine/header.py`, `streams/tracking/state.py`), as bytes. What is
done by hand: the leases of a sender that was killed end at once, instead of 2 and 15 minutes later. A "back" is the
time from a fault that kills or stops, or from the end of one that lasts, until every partition has committed again;
after a kill it must be below session time-out + 5 s = 15 s. Each of the checker's own faults is planted in
`tests/chaos/test_checker.py` and `test_ledger_judge.py`, and seen.

Load of every row: clients that come, check a habit and complete a session on forty days, and go; one client in seven
misses a day; 1 % of the records come twice and 1 % of the sessions under a second id, 0.1 % are no event. Milestones:
first and 36th session, 14 and 30 days in a row. Mails go to the clients of one tenant. In the rows of a tracker's clock
some sessions come from 23:57 hours ahead of the broker, and some from 24:08, which is too far by its time and by no other.
In the row of days that are easily counted wrong clients live in zones from UTC-11 to UTC+14, check by the wall clock, and
some begin their days later or send events with a zone of their own (`tests/chaos/calendars.py`).

A process whose clock is wrong runs until what it has planned is sent: what delivery plans by a clock that is ahead falls
due for another process when that one's clock is there.
"""


def page(found: dict[str, Any]) -> str:
    """The page about a run."""
    outcomes = [read(each) for each in found["rows"]]
    peer = read(found["peer"]) if found["peer"] else None
    return _HEAD + _summary(found, outcomes) + _rows(outcomes) + _beside(outcomes, peer) + _WAY + _again(found)


def _summary(found: dict[str, Any], outcomes: Sequence[Outcome]) -> str:
    played = [each for each in outcomes if each.row != AFTERWARDS]
    sums = total([each.verdict for each in played if each.verdict])
    faults = sum(each.faults for each in played)
    minutes = sum(each.seconds for each in played) / 60
    kept = sum(each.is_good for each in played)
    return f"""\
## One run
Seed {found["seed"]}, {found["events_per_second"]:,.0f} events/s asked of the load, {len(played)} rows with {faults} faults in {minutes:.0f} minutes. {_machine(found, played)}

| | |
|---|---|
| events acknowledged | {sums.events:,} |
| milestones expected / found | {sums.expected:,} / {sums.found:,} |
| missing / duplicated / wrong | {sums.missing:,} / {sums.duplicated:,} / {sums.wrong:,} |
| states compared / wrong | {sums.states:,} / {sums.wrong_states:,} |
| broken records set aside / wrongly | {sums.dead_letters:,} / {sums.wrong_dead_letters:,} |
| celebrations / missing / twice | {sums.celebrations:,} / {sums.uncelebrated:,} / {sums.celebrated_twice:,} |
| mails accepted / twice | {sums.mails:,} / {sums.mailed_twice:,} |
| unknown found / injected / without a cause | {sums.unknown:,} / {sums.injected_unknown:,} / {sums.wrong_unknown:,} |
| rows that kept every promise | {kept} of {len(played)} |
"""


def _machine(found: dict[str, Any], played: Sequence[Outcome]) -> str:
    loads = [each.machine_load for each in played if each.machine_load]
    if not loads:
        return ""
    return (
        f"All of it ran on one machine of {found['cores']} cores, servers, load and checker included, whose load average "
        f"was {min(loads):.0f} to {max(loads):.0f}, with the work of others."
    )


def _rows(outcomes: Sequence[Outcome]) -> str:
    """A line for each row."""
    texts = {row.name: row.injects for row in ROWS}
    lines = [
        "\n## Row by row",
        "`back`: median and worst, in seconds. `load`: events acknowledged a second. `unknown`: found of injected.",
        "",
        "| row | what happens | times | events | milestones | missing | twice | wrong | mails | unknown | back | load | kept |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for each in outcomes:
        name, faults, *rest = cells(each)
        injects = texts.get(name, "all rows since the last one that broke a promise, judged once more")
        kept = "yes" if each.is_good else f"**no**: {each.objections or 'not measured'}"
        speed = f"{each.events_per_second:,.0f}" if each.events_per_second else ""
        lines.append("| " + " | ".join([f"`{name}`", injects, faults, *rest, speed, kept]) + " |")
    return "\n".join(lines) + "\n"


def _beside(outcomes: Sequence[Outcome], peer: Outcome | None) -> str:
    ours = next((each for each in outcomes if each.row == "tracker-kill"), None)
    if peer is None or ours is None or peer.verdict is None or ours.verdict is None:
        return ""
    lines = [
        "\n## The same checker beside stock Faust",
        "A Faust application as its manual shows one (`tests/benchmarks/peers/faust_manual.py`): at_least_once, a table as",
        "a dict, the same `advance`, the same session time-out, two workers killed in turn. It is slower, so its load is",
        "lighter; it knows no dead letters, so nothing in its load is broken; clients whose events it had not all committed",
        "at the end are left out of the comparison.",
        "",
        "| | kills | load | events | milestones expected | missing | duplicated | wrong | states | wrong states | back |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, each in (("Cairn, row `tracker-kill`", ours), ("Faust, at_least_once", peer)):
        found = each.verdict
        assert found is not None
        counts = (found.events, found.expected, found.missing, found.duplicated, found.wrong, found.states)
        numbers = [f"{number:,}" for number in (*counts, found.wrong_states)]
        row = [name, str(each.faults), f"{each.events_per_second:,.0f}", *numbers, cells(each)[-1]]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def _again(found: dict[str, Any]) -> str:
    return f"""
## Again
```
make chaos                                                    # all rows, build/chaos.json, then the page:
python -m tests.chaos.reliability
python -m tests.chaos --row tracker-kill --seed {found["seed"]}             # one row, with the load and the chances of this run
python -m tests.chaos --long --seed 2                         # 200 kills, 40 stops; --resume after an interruption
```
A seed decides the load and everything that is left to chance; the moments at which processes meet are the machine's.
Exit status 0 if every promise was kept, 1 if not, 3 if something could not be measured. A short form runs in `make test`.
"""


if __name__ == "__main__":
    PAGE.write_text(page(json.loads(RESULT.read_text())))
