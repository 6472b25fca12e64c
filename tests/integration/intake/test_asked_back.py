"""What Teachable's and Kajabi's unsigned hooks claim is asked back at their APIs, from the hook to Kafka."""

import json
from typing import Any

import pytest

from agents.intake.secrecy import Secrecy
from tests.integration.intake.asked_school import COMPLETED, KAJABI, TEACHABLE, School, completed, tagged
from tests.integration.intake.stage import IDENTITY_KEY
from tests.integration.intake.test_source_health import told


async def test_a_true_completion_is_admitted(asked_school: School) -> None:
    await asked_school.post("school", [completed()])
    await asked_school.post("kajabi", tagged())
    assert await asked_school.types() == ["course.completed", "course.completed"]
    assert (await asked_school.reasons(), await asked_school.kept()) == ([], 0)
    assert (asked_school.teachable.requests, asked_school.kajabi.tokens) == (1, ["token-1"])
    assert len(await asked_school.stage.profiles()) == 2


@pytest.mark.parametrize(
    "forged",
    [
        completed(course_id=301406),
        completed(course_id=1),
        completed(user={"id": 4711}),
        completed(user={"id": None}),
        completed(user={"email": "thief@example.com"}),
        {**TEACHABLE["LectureProgress.created"], "object": {**COMPLETED["object"], "lecture_id": 1, "course_id": 2}},
    ],
)
async def test_a_forged_completion_of_a_course_is_set_aside_sealed_and_counted(
    asked_school: School, forged: dict[str, Any]
) -> None:
    await asked_school.post("school", [forged])
    assert (await asked_school.types(), await asked_school.stage.profiles(), await asked_school.kept()) == ([], [], 0)
    ((reason, sealed),) = await asked_school.stage.dead_letters()
    assert reason == "not_confirmed"
    assert json.loads(Secrecy(IDENTITY_KEY).opened(sealed)) == [forged]
    assert (await told(asked_school.stage, "school", failed=1)).failure == "not_confirmed"


@pytest.mark.parametrize(
    "forged",
    [
        tagged(contact="4711"),
        tagged(contact="8801/relationships/tags"),
        tagged(contact=None),
        tagged(name="Launched"),
        tagged(tag="78"),
        tagged(tag="1"),
        tagged(email="thief@example.com"),
        tagged(updated_at="2026-01-01T00:00:00Z"),
        tagged("tag_removed"),
    ],
)
async def test_a_forged_tag_is_set_aside_and_leaves_no_trace_in_the_memory_of_tags(
    asked_school: School, forged: dict[str, Any]
) -> None:
    await asked_school.post("kajabi", forged)
    assert (await asked_school.types(), await asked_school.stage.profiles(), await asked_school.reasons()) == (
        [],
        [],
        ["not_confirmed"],
    )
    assert await asked_school.stage.pool.fetchval("SELECT count(*) FROM tag_changes") == 0


async def test_one_forged_envelope_does_not_spoil_the_rest(asked_school: School) -> None:
    await asked_school.post("school", [TEACHABLE["Transaction.created"], completed(course_id=1), completed()])
    assert (await asked_school.types(), await asked_school.reasons()) == (
        ["purchase.completed", "course.completed"],
        ["not_confirmed"],
    )


async def test_what_claims_no_completion_is_taken_unasked(asked_school: School) -> None:
    for type_ in ("Transaction.created", "Enrollment.created", "LectureProgress.created"):
        await asked_school.post("school", [TEACHABLE[type_]])
    await asked_school.post("kajabi", tagged(name="Started"))
    await asked_school.post("kajabi", KAJABI["payment_succeeded"])
    assert len(await asked_school.types()) == 6
    assert (asked_school.teachable.requests, asked_school.kajabi.requests) == (0, 0)


async def test_a_tools_cookie_is_not_kept_and_so_goes_out_with_no_other_tenants_token(asked_school: School) -> None:
    for number in range(2):
        await asked_school.post("school", completed(hook_event_id=number))
        await asked_school.post("kajabi", tagged(updated_at=f"2025-08-01T0{number}:00:00Z"))
    servers = (asked_school.teachable, asked_school.kajabi)
    assert [(server.requests, server.cookies) for server in servers] == [(2, 0), (3, 0)]


async def test_a_true_completion_that_is_claimed_again_and_again_is_one_event(asked_school: School) -> None:
    for number in range(3):
        await asked_school.post("school", [completed(hook_event_id=number)])
        await asked_school.post("kajabi", tagged(updated_at=f"2025-08-01T0{number}:00:00Z"))
    assert len({event.id for event in await asked_school.stage.events()}) == 2
    assert await asked_school.reasons() == []


async def test_a_tag_that_was_really_removed_is_taken_back_and_counts_again_when_it_comes_again(
    asked_school: School,
) -> None:
    contact = asked_school.kajabi.contacts["8801"]
    await asked_school.post("kajabi", tagged(updated_at="2025-08-01T10:00:00Z"))
    asked_school.kajabi.untag("8801", "77")
    await asked_school.post("kajabi", tagged("tag_removed", "2025-08-01T11:00:00Z"))
    asked_school.kajabi.contacts["8801"] = contact
    await asked_school.post("kajabi", tagged(updated_at="2025-08-01T12:00:00Z"))
    assert await asked_school.types() == ["course.completed", "event.retracted", "course.completed"]
