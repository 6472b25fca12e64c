"""A ledger that was restored from a backup sends nothing again: a real copy of the database is the backup."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from agents.approval_clock import ApprovalClock
from agents.embedded.smtp import SmtpSink
from agents.ledger.approvals import Decision, decide
from agents.ledger.brakes import held, pause, resume
from agents.ledger.migrate import migrate
from agents.ledger.recoveries import let_go, recover
from schemas.brake import Pause, Recovery
from schemas.celebration import celebration_id
from tests.integration.commands import cairn
from tests.integration.ledger.ledger_practice import reached, retracted
from tests.integration.ledger.restored_ledger import (
    AFTER,
    BEFORE,
    LONG_AGO,
    LOSS,
    LOST_AT,
    NOW,
    Restored,
    deliver,
    hear,
    mail_of,
    states_of,
    streak,
)
from tests.streams.planning.planning_cases import consent


async def test_after_a_restore_nothing_older_than_the_loss_is_sent_again_and_what_is_new_goes(
    restored: Restored, smtp_sink: SmtpSink
) -> None:
    async with restored.practice(restored.original) as practice:
        for client in ("ana", "bo", "cy", "dee"):
            await practice.meet(client)
        await hear(practice, (streak("ana"), LONG_AGO))
    await restored.back_up()
    async with restored.practice(restored.original) as practice:
        await hear(practice, (streak("bo"), BEFORE))
        assert sorted(await deliver(practice, smtp_sink)) == ["ana", "bo"]
    settings = {"CAIRN_DATABASE_URL": restored.backup}
    said = await cairn("ledger", "recovered", "--at", f"{LOST_AT:%Y-%m-%dT%H:%M:%S}", settings=settings)
    assert (said.status, said.err) == (0, "")
    assert "1 delivery is held by it now" in said.out
    async with restored.practice(restored.backup) as practice:
        await hear(practice, (streak("bo"), BEFORE), (streak("cy"), AFTER))
        assert sorted(await deliver(practice, smtp_sink)) == ["ana", "bo", "cy"], "each one mail"
        assert await states_of(practice, "ana") == {"email": "held:recovered", "in_app": "sent"}
        assert await states_of(practice, "bo") == {"email": "held:recovered", "in_app": "held:recovered"}
        assert await states_of(practice, "cy") == {"email": "sent", "in_app": "sent"}
        waiting = await held(practice.pool, tenant="northstar", now=practice.now)
        assert {(one.client, one.why) for one in waiting} == {
            (client, "the ledger was restored from a backup") for client in ("ana", "bo")
        }
    listed = await cairn("held", settings=settings)
    assert mail_of(streak("bo")) in listed.out
    assert "recovered the ledger was restored from a backup" in listed.out
    async with restored.practice(restored.backup) as practice:
        before = await practice.decisions()
        assert len(await deliver(practice, smtp_sink)) == 3
        assert await practice.decisions() == before, "what is held is not asked about again and again"


async def test_a_person_lets_one_go_and_it_goes_once(restored: Restored, smtp_sink: SmtpSink) -> None:
    async with restored.practice(restored.original) as practice:
        await practice.meet("ana")
        await hear(practice, (streak("ana"), BEFORE))
    settings = {"CAIRN_DATABASE_URL": restored.original}
    at = f"{LOST_AT:%Y-%m-%dT%H:%M:%S}"
    assert (await cairn("ledger", "recovered", "--at", at, settings=settings)).status == 0
    mail = mail_of(streak("ana"))
    released = await cairn("ledger", "release", mail[:8], "--author", "jo", settings=settings)
    assert (released.status, released.out) == (0, f"{mail} goes, if nothing else stands in its way.")
    assert (await cairn("ledger", "recovered", "--at", at, settings=settings)).out.count("0 deliveries are held") == 1
    async with restored.practice(restored.original) as practice:
        assert await deliver(practice, smtp_sink) == ["ana"]
        assert ("email", "send", "let_go") in await practice.decisions()
        assert await practice.pool.fetchval("SELECT unsent_by FROM deliveries WHERE delivery_id = $1", mail) == "jo"
    again = await cairn("ledger", "release", mail, "--author", "jo", settings=settings)
    assert again.status == 1
    assert "is not held by a restore" in again.err
    async with restored.practice(restored.original) as practice:
        assert await deliver(practice, smtp_sink) == ["ana"]


@pytest.mark.parametrize("answer", ["approve", "time"])
async def test_what_waited_for_a_coach_in_the_backup_does_not_go_with_their_yes_or_with_time(
    restored: Restored, smtp_sink: SmtpSink, answer: str
) -> None:
    async with restored.practice(restored.original, approval="always") as practice:
        await practice.meet("ana")
        await hear(practice, (streak("ana"), LONG_AGO))
        assert await states_of(practice, "ana") == {"email": "held:approval", "in_app": "held:approval"}
    await restored.back_up()
    async with restored.practice(restored.backup, approval="always") as practice:
        assert await recover(practice.pool, LOSS, author="jo") == 2
        if answer == "approve":
            celebration, yes = celebration_id(streak("ana").milestone_id), Decision(ruling="approve", author="jo")
            assert await decide(practice.pool, celebration, yes, tenant=None, now=practice.now) is not None
        else:
            await practice.later(hours=21)
            await ApprovalClock(practice.pool, lambda: practice.tenants, practice.clock).look()
        assert await deliver(practice, smtp_sink) == []
        assert await states_of(practice, "ana") == {"email": "held:recovered", "in_app": "held:recovered"}
        assert await let_go(practice.pool, mail_of(streak("ana")), author="jo", now=practice.now) == "let_go"
        assert await deliver(practice, smtp_sink) == ["ana"]


async def test_the_end_of_a_pause_does_not_let_out_what_may_have_left(restored: Restored, smtp_sink: SmtpSink) -> None:
    async with restored.practice(restored.original) as practice:
        await practice.meet("ana")
        await hear(practice, (streak("ana"), BEFORE))
        await pause(practice.pool, Pause(reason="x"), author="jo")
        assert await recover(practice.pool, LOSS, author="jo") == 1
        everything = {"tenant": None, "channel": None, "rule": None}
        assert await resume(practice.pool, **everything, author="jo", now=practice.now)
        assert await deliver(practice, smtp_sink) == []
        assert (await states_of(practice, "ana"))["email"] == "held:recovered"


async def test_what_is_let_go_still_waits_for_its_coach(restored: Restored, smtp_sink: SmtpSink) -> None:
    async with restored.practice(restored.original, approval="always") as practice:
        await practice.meet("ana")
        await recover(practice.pool, LOSS, author="jo")
        await hear(practice, (streak("ana"), BEFORE))
        assert await let_go(practice.pool, mail_of(streak("ana")), author="jo", now=practice.now) == "let_go"
        assert await deliver(practice, smtp_sink) == []
        assert (await states_of(practice, "ana"))["email"] == "held:approval"
        celebration, yes = celebration_id(streak("ana").milestone_id), Decision(ruling="approve", author="jo")
        await decide(practice.pool, celebration, yes, tenant=None, now=practice.now)
        assert await deliver(practice, smtp_sink) == ["ana"]
        assert (await states_of(practice, "ana"))["in_app"] == "held:recovered"


@pytest.mark.parametrize("apart", [True, False], ids=["in another batch", "in one batch"])
async def test_a_correction_that_came_after_the_loss_does_not_let_out_what_came_before(
    restored: Restored, smtp_sink: SmtpSink, apart: bool
) -> None:
    async with restored.practice(restored.original) as practice:
        await practice.meet("ana")
        await recover(practice.pool, LOSS, author="jo")
        told = [
            (streak("ana"), BEFORE),
            (retracted(streak("ana")), AFTER),
            (streak("ana", revision=2), AFTER),
        ]
        for batch in [[one] for one in told] if apart else [told]:
            await hear(practice, *batch)
        assert await deliver(practice, smtp_sink) == []
        assert await states_of(practice, "ana") == {"email": "held:recovered", "in_app": "held:recovered"}


async def test_what_was_missed_before_the_loss_is_no_line_in_a_later_mail(
    restored: Restored, smtp_sink: SmtpSink
) -> None:
    async with restored.practice(restored.original) as practice:
        await practice.meet("ana")
        await recover(practice.pool, LOSS, author="jo")
        missed = streak("ana", name="Lost Streak", revision=1)
        await hear(practice, (missed, BEFORE))
        await practice.later(hours=60)
        await practice.sweep()
        assert await states_of(practice, "ana") == {"email": "skipped:expired", "in_app": "skipped:expired"}
        assert await practice.tasks() == []
        assert await practice.pool.fetchval("SELECT untold FROM celebrations"), "as anything else that came too late"
        new = reached("sixty", threshold=60, occurrence="evening-walk/2026-04-06", reached_at=practice.now)
        await hear(practice, (new, AFTER))
        assert await deliver(practice, smtp_sink) == ["ana"]
        assert b"Lost Streak" not in smtp_sink.mails[0].content
        assert "merge" not in {outcome for _, outcome, _ in await practice.decisions()}


async def test_what_was_to_be_told_along_and_is_older_is_not_told(restored: Restored, smtp_sink: SmtpSink) -> None:
    async with restored.practice(restored.original) as practice:
        await practice.meet("ana")
        older = reached("first-month", "program", "count", threshold=4, reached_at=NOW)
        await hear(practice, (older, BEFORE), (streak("ana"), AFTER))
        (merged,) = await practice.pool.fetch("SELECT rule, merged_into FROM celebrations WHERE outcome = 'merged'")
        assert merged["rule"] == "iron-streak", "the older one leads"
        await practice.pool.execute(  # as if the lead were the younger one
            "UPDATE milestones SET heard_at = CASE rule WHEN 'first-month' THEN $1::timestamptz ELSE $2 END",
            AFTER,
            BEFORE,
        )
        await practice.pool.execute(
            "UPDATE deliveries SET state = 'pending', finished_at = NULL WHERE rule = 'first-month'"
        )
        await recover(practice.pool, LOSS, author="jo")
        await deliver(practice, smtp_sink)
        found = await practice.pool.fetch("SELECT rule, outcome, merged_into FROM celebrations ORDER BY rule")
        assert [tuple(row) for row in found] == [("first-month", "send", None), ("iron-streak", "send", None)]
        states = await practice.pool.fetch("SELECT DISTINCT state, reason FROM deliveries WHERE rule = 'iron-streak'")
        assert [tuple(row) for row in states] == [("held", "recovered")]


async def test_a_major_that_nobody_let_go_becomes_a_task_that_says_to_look_first(restored: Restored) -> None:
    async with restored.practice(restored.original) as practice:
        await practice.meet("ana", coach_id="jo", **consent("marketing"))
        await recover(practice.pool, LOSS, author="jo")
        await hear(practice, (reached("thirty-six", "major", "count", threshold=36, reached_at=NOW), BEFORE))
        await practice.pool.execute("UPDATE coach_tasks SET state = 'done'")
        await practice.later(days=30)
        await practice.sweep()
        assert ("undelivered", "recovered") in await practice.tasks()
        summaries = await practice.pool.fetch("SELECT summary FROM coach_tasks WHERE state = 'open'")
        assert all("look before you repeat it" in row["summary"] for row in summaries)


async def test_a_mail_that_is_let_go_takes_its_certificate_along(restored: Restored, smtp_sink: SmtpSink) -> None:
    async with restored.practice(restored.original) as practice:
        await practice.meet("ana", **consent("marketing"))
        major = reached("thirty-six", "major", "count", threshold=36, reached_at=NOW)
        await hear(practice, (major, BEFORE))
        await recover(practice.pool, LOSS, author="jo")
        assert (await practice.states())["certificate"] == "held:recovered"
        await let_go(practice.pool, mail_of(major), author="jo", now=practice.now)
        assert await deliver(practice, smtp_sink) == ["ana"]
        states = await practice.states()
        assert (states["email"], states["certificate"]) == ("sent", "sent")


async def test_a_later_loss_holds_more_and_takes_back_who_let_go_before_it(restored: Restored) -> None:
    async with restored.practice(restored.original) as practice:
        await practice.meet("ana")
        await practice.meet("bo")
        assert await recover(practice.pool, LOSS, author="jo") == 0
        await hear(practice, (streak("ana"), BEFORE), (streak("bo"), AFTER))
        assert await let_go(practice.pool, mail_of(streak("ana")), author="jo", now=practice.now) == "let_go"
        assert await recover(practice.pool, LOSS, author="jo") == 1, "her message in the app alone"
        earlier = Recovery(tenant="northstar", lost_at=BEFORE - timedelta(hours=1), reason="x")
        assert await recover(practice.pool, earlier, author="jo") == 1
        assert await practice.pool.fetchval("SELECT count(*) FROM recoveries") == 1
        another = Recovery(tenant="another", lost_at=NOW, reason="x")
        assert await recover(practice.pool, another, author="jo") == 0
        later = Recovery(lost_at=AFTER + timedelta(minutes=1), reason="x")
        assert await recover(practice.pool, later, author="jo") == 2, "bo's mail too, and the word about ana's stands"
        await practice.pool.execute("UPDATE deliveries SET unsent_at = $1 WHERE unsent_at IS NOT NULL", AFTER)
        latest = Recovery(lost_at=datetime.now(UTC), reason="x")
        assert await recover(practice.pool, latest, author="jo") == 3


async def test_what_is_late_or_not_held_by_a_restore_is_not_let_go(restored: Restored) -> None:
    async with restored.practice(restored.original) as practice:
        await practice.meet("ana")
        await hear(practice, (streak("ana"), BEFORE))
        mail = mail_of(streak("ana"))
        assert await let_go(practice.pool, "0" * 32, author="jo", now=NOW) == "not_held"
        assert await let_go(practice.pool, mail, author="jo", now=NOW) == "not_held"
        await recover(practice.pool, LOSS, author="jo")
        assert await let_go(practice.pool, mail, author="jo", now=NOW + timedelta(days=9)) == "expired"
        assert (await practice.states())["email"] == "held:recovered"


async def test_a_time_to_come_and_an_unknown_tenant_are_refused(database: str, tmp_path: Path) -> None:
    await migrate(database)
    settings = {"CAIRN_DATABASE_URL": database, "CAIRN_TENANTS_DIR": str(tmp_path)}
    future = await cairn(
        "ledger", "recovered", "--at", f"{NOW + timedelta(days=1):%Y-%m-%d %H:%M:%S}", settings=settings
    )
    assert (future.status, "in the future" in future.err) == (2, True)
    stranger = await cairn(
        "ledger", "recovered", "--at", "2026-01-01T00:00:00+02:00", "--tenant", "nobody", settings=settings
    )
    assert (stranger.status, "no tenant has this name" in stranger.err) == (2, True)
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT count(*) FROM recoveries") == 0
    await connection.close()
