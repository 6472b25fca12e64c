"""`cairn why` on a real database: a coach who asks is told everything, and nobody is named."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.cli import load
from agents.ledger.brakes import suppress, unsuppress
from agents.ledger.story import read_story
from schemas.brake import Suppression
from tests.integration.commands import write_tenant
from tests.integration.ledger.ledger_practice import NOON, Practice, first_session, planned, reached, retracted

APP = load()


@pytest.fixture(autouse=True)
def _environment(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAIRN_DATABASE_URL", database)
    monkeypatch.setenv("COLUMNS", "200")


async def why(*words: str) -> tuple[int, str, str]:
    result = await asyncio.to_thread(CliRunner().invoke, APP, ["why", *words])
    return result.exit_code, result.stdout, result.stderr


async def test_what_was_sent_is_told_with_its_rule_its_reason_and_its_times(practice: Practice) -> None:
    await planned(practice)
    await practice.send()
    await practice.pool.execute("UPDATE deliveries SET opened_at = '2026-05-05 13:01Z' WHERE channel = 'email'")
    status, text, _ = await why("ana", "--tenant", "northstar")
    assert status == 0
    for part in (
        "northstar/ana",
        "30-Day Iron Streak (streak, rule iron-streak) reached 2026-05-05 12:00Z",
        f"milestone {reached().milestone_id}, revision 1",
        "The mail goes: nothing stood in its way.",
        "email sent (due 2026-05-05 12:00Z, left ",
        "opened 2026-05-05 13:01Z",
    ):
        assert part in text


async def test_what_was_not_sent_is_told_with_who_kept_it_back(practice: Practice) -> None:
    await practice.meet()
    quiet = Suppression(answer="drop", reason="bereavement", until=None)
    await suppress(
        practice.pool, tenant="northstar", client="ana", suppression=quiet, author="coach:jo", now=practice.now
    )
    await practice.hear(reached())
    _, text, _ = await why("northstar/ana")
    assert "by coach:jo: bereavement; what is planned is closed" in text
    assert "The mail does not go: automatic messages are switched off for this client (bereavement)." in text
    assert "email skipped: automatic messages are switched off for this client" in text
    assert "task for the coach" in text
    await unsuppress(practice.pool, tenant="northstar", client="ana", author="coach:mo", now=NOON)
    assert "by coach:mo" in (await why("northstar/ana"))[1]


async def test_the_newest_milestone_stands_first_and_a_withdrawn_one_says_so(practice: Practice) -> None:
    await practice.meet()
    later = reached("thirty-six", "major", "count", threshold=36, reached_at=NOON.replace(hour=13))
    await practice.hear(first_session(), later, retracted(first_session()))
    story = await read_story(practice.pool, "northstar", "ana")
    assert [chapter.rule for chapter in story.milestones] == ["thirty-six", "first-session"]
    assert "it was withdrawn" in (await why("northstar/ana"))[1]
    one = await read_story(practice.pool, "northstar", "ana", milestone=later.milestone_id)
    assert [chapter.rule for chapter in one.milestones] == ["thirty-six"]
    assert len((await read_story(practice.pool, "northstar", "ana", last=1)).milestones) == 1


async def test_what_was_pinned_and_merged_is_told_on_both_sides(practice: Practice) -> None:
    await practice.meet()
    first, second = first_session(), reached()
    await practice.hear(first, second)
    await practice.pool.execute(
        "UPDATE celebrations SET variant = 'words/short', gift_cents = 2500, next_step = 'check_in', mode = 'shadow' "
        "WHERE rule = 'iron-streak'"
    )
    await practice.pool.execute(
        "UPDATE celebrations SET merged_into = (SELECT celebration_id FROM celebrations WHERE rule = 'iron-streak') "
        "WHERE rule = 'first-session'"
    )
    _, text, _ = await why("northstar/ana")
    for part in (
        "answered as experiment/variant words/short",
        "a gift of 25.00 belongs to it",
        "it points to: check in",
        "planned in shadow mode",
        "told in the message for 30-Day Iron Streak",
        "its message also tells of first-session",
    ):
        assert part in text


async def test_nobody_is_named(practice: Practice) -> None:
    await practice.meet(phone="+436601234567")
    await practice.hear(reached(), first_session())
    await practice.send()
    for words in (("northstar/ana",), ("northstar/ana", "--json")):
        _, text, _ = await why(*words)
        assert text
        for private in ("Ana", "@", "4366"):
            assert private not in text


async def test_a_program_gets_the_same_as_one_object(practice: Practice) -> None:
    await planned(practice)
    _, text, _ = await why("northstar/ana", "--json")
    story = json.loads(text)
    (chapter,) = story["milestones"]
    assert chapter["decisions"][0]["sentence"].startswith("The mail goes")
    assert {delivery["channel"] for delivery in chapter["deliveries"]} == {"email", "in_app"}


async def test_an_erased_client_is_told_as_erased_and_without_details(practice: Practice) -> None:
    await planned(practice)
    await practice.erase()
    _, text, _ = await why("northstar/ana")
    assert "erased 20" in text
    assert "email skipped: the client was erased" in text


@pytest.mark.parametrize(
    ("words", "status", "advice"),
    [
        (("nobody", "--tenant", "northstar"), 1, "Ids are compared letter by letter. `cairn state northstar/nobody`"),
        (("ana", "--tenant", "northstar"), 1, "has reached nothing that a rule celebrates"),
        (
            ("ana", "--tenant", "northstar", "--milestone", "ff"),
            1,
            "no milestone ff: `cairn why northstar/ana` lists",
        ),
        (("ana", "--tenant", "northstar", "--milestone", "\x1b[2J" + "f" * 9_000), 1, "no milestone ?[2Jffff"),
        (("ana\x1b[2J", "--tenant", "northstar"), 2, "has 1 to 128 characters"),
        (("a" * 9_000, "--tenant", "northstar"), 2, "has 1 to 128 characters"),
        (("ana",), 2, "--tenant T, or TENANT/CLIENT"),
        (("northstar/ana", "--tenant", "other"), 2, "--tenant T, or TENANT/CLIENT"),
    ],
)
async def test_who_finds_nothing_is_told_what_to_check(
    practice: Practice, words: tuple[str, ...], status: int, advice: str
) -> None:
    await practice.meet()
    found, _, said = await why(*words)
    assert found == status
    assert advice in " ".join(said.split())
    assert "\x1b" not in said
    assert len(said) < 600


async def test_a_slip_in_a_tenants_name_is_named(
    practice: Practice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await practice.meet()
    monkeypatch.setenv("CAIRN_TENANTS_DIR", str(write_tenant(tmp_path)))
    status, _, said = await why("nortstar/ana")
    assert status == 1
    assert "no tenant has this name: the nearest is northstar" in " ".join(said.split())
