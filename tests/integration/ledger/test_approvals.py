"""What waits for a coach, one decision about it, and what time decides in their place."""

import asyncio
from datetime import timedelta

import pytest

from agents.approval_clock import ApprovalClock
from agents.approval_desk import ApprovalDesk
from agents.ledger.approvals import Decision, approval_figures, approved_words, ask_approvals, decide, open_approvals
from agents.ledger.brakes import pause, resume, suppress, unsuppress
from schemas.brake import Pause, Suppression
from schemas.celebration import Approved
from tests.integration.ledger.ledger_practice import NOON, Practice, retracted
from tests.integration.waiting import RENDERER, thirty_six, wait_for_coach

YES = Decision(ruling="approve", author="jo")
ALL = ("email", "certificate", "gift")


def desk(practice: Practice) -> ApprovalDesk:
    return ApprovalDesk(practice.pool, tenants=lambda: practice.tenants, renderer=RENDERER, now=practice.clock)


async def tick(practice: Practice, **span: float) -> None:
    await practice.later(**span)
    await ApprovalClock(practice.pool, lambda: practice.tenants, practice.clock).look()


async def states_of(practice: Practice) -> list[tuple[str, str | None]]:
    return [tuple(row) for row in await practice.pool.fetch("SELECT state, reason FROM approvals")]


async def test_what_waits_is_asked_once_and_listed(practice: Practice) -> None:
    waiting = await wait_for_coach(practice.pool, "gift", gone=("email",))
    await wait_for_coach(practice.pool, "gift", gone=("email",))
    (found,) = await open_approvals(practice.pool, tenant="northstar")
    assert (found.celebration_id, found.parts, found.cents, found.coach) == (waiting, ("gift",), 2500, "jo")
    assert found.close_at == NOON + timedelta(hours=20)
    assert await open_approvals(practice.pool, tenant="other") == ()
    assert await practice.pool.fetchval("SELECT count(*) FROM coach_mails") == 1
    assert (await approval_figures(practice.pool))[0] == 1


async def test_nothing_frees_what_waits_for_a_coach(practice: Practice) -> None:
    await practice.meet()
    await wait_for_coach(practice.pool, *ALL)
    await practice.sweep()
    await practice.send()
    assert set((await practice.states()).values()) == {"held:approval"}
    assert practice.channel.sent == []


async def test_what_is_approved_waits_for_a_sender_and_goes(practice: Practice) -> None:
    await practice.meet()
    waiting = await wait_for_coach(practice.pool, "email", "gift")
    decided = await decide(practice.pool, waiting, YES, tenant=None, now=practice.now)
    assert decided is not None
    assert decided.done
    assert (decided.approval.state, decided.approval.decided_by) == ("approved", "jo")
    assert await practice.states() == {"email": "pending:approved", "gift": "pending:approved"}
    assert ("gift", "send", "approved") in await practice.decisions()
    await practice.sender("email").flush()
    assert len(practice.channel.sent) == 1


async def test_the_first_answer_counts_and_the_second_is_told_of_it(practice: Practice) -> None:
    waiting = await wait_for_coach(practice.pool, "gift")
    no = Decision(ruling="decline", author="sam", note="not this one")
    answers = await asyncio.gather(
        *(decide(practice.pool, waiting, one, tenant="northstar", now=practice.now) for one in (YES, no, YES, no))
    )
    assert sorted(answer.done for answer in answers if answer) == [False, False, False, True]
    (first,) = [answer.approval for answer in answers if answer and answer.done]
    assert {answer.approval.decided_by for answer in answers if answer} == {first.decided_by}
    assert len(await practice.decisions()) == 1


async def test_nobody_decides_for_another_tenant_or_about_nothing(practice: Practice) -> None:
    waiting = await wait_for_coach(practice.pool, "gift")
    assert await decide(practice.pool, waiting, YES, tenant="other", now=practice.now) is None
    assert await decide(practice.pool, "f" * 32, YES, tenant=None, now=practice.now) is None


async def test_what_is_declined_is_closed_and_its_slot_is_free(practice: Practice) -> None:
    waiting = await wait_for_coach(practice.pool, *ALL)
    no = Decision(ruling="decline", author="jo", note="she asked for quiet")
    await decide(practice.pool, waiting, no, tenant=None, now=practice.now)
    assert set((await practice.states()).values()) == {"skipped:declined"}
    assert await practice.pool.fetchval("SELECT outcome FROM celebrations") == "skip"
    assert await practice.pool.fetchval("SELECT note FROM approvals") == "she asked for quiet"
    assert await practice.pool.fetch("SELECT FROM decisions WHERE detail LIKE '%quiet%'") == []
    assert await practice.tasks() == []


async def test_a_gift_that_is_declined_leaves_the_mail_and_its_slot_alone(practice: Practice) -> None:
    waiting = await wait_for_coach(practice.pool, "gift", gone=("email",))
    await decide(practice.pool, waiting, Decision(ruling="decline", author="jo"), tenant=None, now=practice.now)
    assert await practice.states() == {"email": "pending", "gift": "skipped:declined"}
    assert await practice.pool.fetchval("SELECT outcome FROM celebrations") == "hold"


async def test_what_is_taken_over_becomes_one_task_of_the_coach(practice: Practice) -> None:
    waiting = await wait_for_coach(practice.pool, *ALL)
    await decide(practice.pool, waiting, Decision(ruling="take_over", author="jo"), tenant=None, now=practice.now)
    assert set((await practice.states()).values()) == {"skipped:taken_over"}
    assert await practice.tasks() == [("approval", "taken_over")]
    assert await practice.pool.fetchval("SELECT coach FROM coach_tasks") == "jo"
    assert await practice.pool.fetchval("SELECT outcome FROM celebrations") == "task"


async def test_nobody_answers_and_it_goes_without_the_money_after_twenty_hours(practice: Practice) -> None:
    await wait_for_coach(practice.pool, *ALL)
    await tick(practice, hours=19, minutes=59)
    assert set((await practice.states()).values()) == {"held:approval"}
    await tick(practice, minutes=1)
    assert await practice.states() == {
        "certificate": "pending:approval_over", "email": "pending:approval_over", "gift": "skipped:approval_over",
    }  # fmt: skip
    assert await practice.tasks() == [("approval", "approval_over")]
    assert await states_of(practice) == [("closed", "approval_over")]


async def test_the_question_goes_out_once_more_after_four_hours(practice: Practice) -> None:
    await wait_for_coach(practice.pool, "gift")
    await tick(practice, hours=3, minutes=59)
    await tick(practice, minutes=1)
    await tick(practice, minutes=1)
    rows = await practice.pool.fetch("SELECT kind, coach FROM coach_mails ORDER BY due_at")
    assert [tuple(row) for row in rows] == [("approval", "jo"), ("escalation", "jo")]
    assert await practice.pool.fetchval("SELECT escalated_at FROM approvals") == NOON + timedelta(hours=4)


async def test_a_milestone_that_is_withdrawn_closes_the_question(practice: Practice) -> None:
    await practice.meet()
    waiting = await wait_for_coach(practice.pool, "gift")
    await practice.hear(retracted(thirty_six()))
    decided = await decide(practice.pool, waiting, YES, tenant=None, now=practice.now)
    assert decided is not None
    assert (decided.done, decided.approval.state, decided.approval.reason) == (False, "closed", "retracted")
    assert await practice.states() == {"gift": "skipped:retracted"}


async def test_a_gift_that_waits_while_its_record_is_corrected_is_left_to_a_person(practice: Practice) -> None:
    await practice.meet()
    await wait_for_coach(practice.pool, "gift", gone=("email",))
    await practice.sender("email").flush()
    await practice.hear(thirty_six(revision=2))
    await tick(practice)
    assert (await practice.states())["gift"] == "skipped:revised"
    assert await states_of(practice) == [("closed", "revised")]
    assert await practice.tasks() == [("approval", "revised")]


async def test_an_answer_that_was_planned_anew_is_asked_about_anew(practice: Practice) -> None:
    waiting = await wait_for_coach(practice.pool, "gift", gone=("email",))
    await decide(practice.pool, waiting, YES, tenant=None, now=practice.now)
    await wait_for_coach(practice.pool, "gift", gone=("email",), milestone=thirty_six(revision=2))
    assert await states_of(practice) == [("open", None)]
    shown_before = Decision(ruling="approve", author="jo", revision=1)
    stale = await decide(practice.pool, waiting, shown_before, tenant=None, now=practice.now)
    assert stale is not None
    assert (stale.done, stale.stale, stale.approval.state) == (False, True, "open")
    assert (await practice.states())["gift"] == "held:approval"


async def test_an_answer_that_needs_nobody_any_more_goes_and_its_question_closes(practice: Practice) -> None:
    await wait_for_coach(practice.pool, "gift")
    await wait_for_coach(practice.pool, gone=("gift",), milestone=thirty_six(revision=2))
    await tick(practice)
    assert await practice.states() == {"gift": "pending"}
    assert await states_of(practice) == [("closed", "replanned")]


@pytest.mark.parametrize("is_answered_first", [True, False])
async def test_a_pause_on_top_of_a_question_stands_in_no_answers_way(
    practice: Practice, is_answered_first: bool
) -> None:
    waiting = await wait_for_coach(practice.pool, "email", "gift")
    await pause(practice.pool, Pause(channel="email", reason="x"), author="ops")
    await practice.pool.execute("UPDATE deliveries SET reason = 'paused' WHERE channel = 'email'")  # planned so
    if is_answered_first:
        await decide(practice.pool, waiting, YES, tenant=None, now=practice.now)
        assert await practice.states() == {"email": "held:paused", "gift": "pending:approved"}
    await resume(practice.pool, tenant=None, channel="email", rule=None, author="ops", now=practice.now)
    if is_answered_first:
        assert (await practice.states())["email"] == "pending:released"
    else:
        assert set((await practice.states()).values()) == {"held:approval"}
        await decide(practice.pool, waiting, YES, tenant=None, now=practice.now)
        assert set((await practice.states()).values()) == {"pending:approved"}


async def test_a_client_who_is_suppressed_gets_nothing_for_a_yes(practice: Practice) -> None:
    await practice.meet()
    waiting = await wait_for_coach(practice.pool, "email")
    hold = Suppression(answer="hold", reason="bereavement")
    await suppress(practice.pool, tenant="northstar", client="ana", suppression=hold, author="jo", now=practice.now)
    await decide(practice.pool, waiting, YES, tenant=None, now=practice.now)
    await practice.sender("email").flush()
    assert await practice.states() == {"email": "held:suppressed"}
    await unsuppress(practice.pool, tenant="northstar", client="ana", author="jo", now=practice.now)
    assert await practice.states() == {"email": "pending:released"}


async def test_what_a_suppression_drops_needs_no_answer(practice: Practice) -> None:
    await wait_for_coach(practice.pool, "email")
    drop = Suppression(answer="drop", reason="left")
    await suppress(practice.pool, tenant="northstar", client="ana", suppression=drop, author="jo", now=practice.now)
    await tick(practice)
    assert await states_of(practice) == [("closed", "nothing_waits")]


async def test_a_part_that_missed_its_answer_is_freed_by_the_next_sweep(practice: Practice) -> None:
    waiting = await wait_for_coach(practice.pool, "email")
    await decide(practice.pool, waiting, YES, tenant=None, now=practice.now)
    await practice.pool.execute("UPDATE deliveries SET state = 'held', reason = 'approval'")
    await practice.sweep()
    assert await practice.states() == {"email": "pending:released"}


async def test_a_part_about_which_nobody_was_asked_stays_held(practice: Practice) -> None:
    await wait_for_coach(practice.pool, gone=("gift",))
    await practice.pool.execute("UPDATE deliveries SET state = 'held', reason = 'approval'")
    await practice.sweep()
    assert await practice.states() == {"gift": "held:approval"}


async def test_the_words_that_were_shown_or_typed_are_kept_for_each_message(practice: Practice) -> None:
    await practice.meet()
    waiting = await wait_for_coach(practice.pool, "email", "in_app", "gift")
    look = await desk(practice).look(waiting, tenant="northstar")
    assert look is not None
    assert [preview.channel for preview in look.previews] == ["email", "in_app"]
    assert look.first_name == "Ana"
    typed = Approved(subject="Ana!", paragraphs=("Thirty-six.",))
    await desk(practice).answer(waiting, "approve", tenant=None, author="jo", words={"email": typed})
    async with practice.pool.acquire() as connection:
        assert await approved_words(connection, waiting, "email") == typed
        assert await approved_words(connection, waiting, "in_app") == look.words["in_app"]
        assert await approved_words(connection, waiting, "sms") is None
    decided = await desk(practice).look(waiting, tenant=None)
    assert decided is not None
    assert {preview.channel: preview.subject for preview in decided.previews}["email"] == "Ana!"


async def test_words_of_an_older_plan_are_not_sent(practice: Practice) -> None:
    await practice.meet()
    waiting = await wait_for_coach(practice.pool, "email")
    await desk(practice).answer(waiting, "approve", tenant=None, author="jo")
    assert await approved_words(practice.pool, waiting, "email")
    await wait_for_coach(practice.pool, gone=("email",), milestone=thirty_six(revision=2))
    assert await approved_words(practice.pool, waiting, "email") is None


async def test_a_message_that_needs_what_is_not_known_can_be_written_by_the_coach(practice: Practice) -> None:
    folder = practice.tenants["northstar"].folder / "templates" / "en"
    folder.mkdir(parents=True)
    (folder / "thirty-six.email.txt").write_text("Subject: x\n\n{{ shoe_size }}\n", encoding="utf-8")
    waiting = await wait_for_coach(practice.pool, "email")
    look = await desk(practice).look(waiting, tenant=None)
    assert look is not None
    assert (look.previews[0].missing, look.words) == ("shoe_size", {})
    typed = Approved(subject="Ana!", paragraphs=("Thirty-six.",))
    await desk(practice).answer(waiting, "approve", tenant=None, author="jo", words={"email": typed})
    assert await approved_words(practice.pool, waiting, "email") == typed


async def test_an_erasure_forgets_what_was_said_and_closes_what_is_open(practice: Practice) -> None:
    await practice.meet()
    waiting = await wait_for_coach(practice.pool, "email")
    await desk(practice).answer(waiting, "approve", tenant=None, author="jo")
    await practice.meet("ben", name="Ben")
    other = thirty_six("ben")
    await wait_for_coach(practice.pool, "email", milestone=other)
    await practice.erase()
    await practice.erase("ben")
    rows = await practice.pool.fetch("SELECT client, state, reason, words, note FROM approvals ORDER BY client")
    assert [tuple(row) for row in rows] == [
        ("ana", "approved", None, None, None),
        ("ben", "closed", "erased", None, None),
    ]


async def test_asking_about_nothing_is_no_statement(practice: Practice) -> None:
    async with practice.pool.acquire() as connection:
        await ask_approvals(connection, [])
