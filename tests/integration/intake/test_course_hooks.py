"""Kajabi's and Thinkific's hooks over HTTP, through a real broker and database."""

import hmac
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from agents.intake.secrecy import Secrecy
from agents.intake.service import run_intake
from schemas.tenant import KajabiSource, Source, ThinkificSource
from schemas.topics import EVENTS
from tests.integration.intake.stage import IDENTITY_KEY, PATH, Stage, Studio, serve, until
from tests.streams.tracking.story import HALFWAY, Story

FIXTURES = Path(__file__).parents[2] / "agents" / "intake" / "fixtures"
KAJABI = json.loads((FIXTURES / "kajabi_hooks.json").read_text())
THINKIFIC = json.loads((FIXTURES / "thinkific_hooks.json").read_text())
SITE_KEY, NEW_SITE_KEY = "a-site-key", "the-next-site-key"
TAGS = {
    "Module 1 done": {"type": "course.completed", "id": "module-1"},
    "Launched": {"type": "goal.completed", "id": "launch"},
}
SALE = ("purchase", "payment_succeeded", "order_created")


def secrets(_tenant: str, name: str) -> tuple[str, ...]:
    known = {"kajabi.path": (PATH,), "thinkific.path": (PATH,), "thinkific.key": (NEW_SITE_KEY, SITE_KEY)}
    return known.get(name, ())


def sources() -> tuple[Source, ...]:
    return (
        KajabiSource.model_validate({"kind": "kajabi", "name": "kajabi", "tags": TAGS}),
        ThinkificSource(kind="thinkific", name="thinkific"),
    )


@pytest.fixture
async def school(stage: Stage, tmp_path: Path) -> AsyncIterator[Stage]:
    """The stage with a tenant of two course platforms, and an intake of its own."""
    studio = Studio(id=f"{stage.tenant}s", sources=sources())
    config = replace(stage.config, tenants=(studio,), secrets=secrets, spool_dir=tmp_path / "school")
    async with AsyncExitStack() as stack:
        intake = await stack.enter_async_context(run_intake(config, stage.pool))
        await until(lambda: intake.producer.is_live)
        url = await stack.enter_async_context(serve(intake.routes))
        stage.tenant, stage.url, stage.intake, stage.config = studio.id, url, intake, config
        yield stage


async def kajabi(school: Stage, body: dict[str, Any]) -> None:
    assert await school.post("kajabi", json.dumps(body).encode(), {}) == 202


async def thinkific(school: Stage, body: Any, key: str = SITE_KEY) -> int:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = hmac.new(key.encode(), raw, sha256).hexdigest()
    return await school.post("thinkific", raw, {"X-Thinkific-Hmac-Sha256": signature})


def tagged(event: str, updated_at: str, tag: str = "Module 1 done") -> dict[str, Any]:
    body: dict[str, Any] = deepcopy(KAJABI[event])
    body["payload"][0]["attributes"]["updated_at"] = updated_at
    body["payload"][1]["attributes"]["name"] = tag
    return body


async def types(school: Stage) -> list[str]:
    return [event.type for event in await school.events()]


async def test_a_tag_becomes_an_event_and_a_profile_with_its_consent(school: Stage) -> None:
    await kajabi(school, KAJABI["tag_added"])
    (event,) = await school.events()
    ((client, profile),) = await school.profiles()
    assert (event.type, event.client, event.data.course_id) == ("course.completed", client, "module-1")
    assert profile is not None
    assert (profile.name, profile.email, profile.phone) == ("Sample Recipient", "sample@example.com", "+15555550100")
    assert profile.consents["marketing"].granted
    raw = b"".join(record.key + record.value for record in await school.records(EVENTS)).lower()
    assert not any(word in raw for word in (b"recipient", b"example.com"))


async def test_a_tag_added_removed_and_added_again_is_three_events_of_which_the_second_takes_back_the_first(
    school: Stage,
) -> None:
    added, removed, again = (
        tagged("tag_added", "2025-08-01T10:00:00Z"),
        tagged("tag_removed", "2025-08-01T11:00:00Z"),
        tagged("tag_added", "2025-08-01T12:00:00Z"),
    )
    for body in (added, added, removed, removed, again, again):
        await kajabi(school, body)
    events = {event.id: event for event in await school.events()}
    first, back, second = events.values()
    assert [first.type, back.type, second.type] == ["course.completed", "event.retracted", "course.completed"]
    assert back.data.event_id == first.id
    story = Story(HALFWAY)
    story.tell(*await school.events())
    assert story.said == ["course 50", "course 100", "-course 50", "-course 100", "course 50 r2", "course 100 r2"]


async def test_a_goals_tag_that_is_removed_reopens_the_goal(school: Stage) -> None:
    await kajabi(school, tagged("tag_added", "2025-08-01T10:00:00Z", "Launched"))
    await kajabi(school, tagged("tag_removed", "2025-08-01T11:00:00Z", "Launched"))
    assert [(event.type, event.data.goal_id) for event in await school.events()] == [
        ("goal.completed", "launch"),
        ("goal.reopened", "launch"),
    ]


@pytest.mark.parametrize("tag", ["Module 1 done", "Launched"])
async def test_an_adding_that_comes_after_the_removal_that_followed_it_says_nothing(school: Stage, tag: str) -> None:
    await kajabi(school, tagged("tag_removed", "2025-08-01T11:00:00Z", tag))
    before = await types(school)
    await kajabi(school, tagged("tag_added", "2025-08-01T10:00:00Z", tag))
    assert await types(school) == before
    assert "course.completed" not in before
    await kajabi(school, tagged("tag_added", "2025-08-01T12:00:00Z", tag))
    assert (await types(school))[-1] == TAGS[tag]["type"]


async def test_a_removal_that_comes_after_the_tag_was_added_again_says_nothing(school: Stage) -> None:
    await kajabi(school, tagged("tag_added", "2025-08-01T12:00:00Z", "Launched"))
    await kajabi(school, tagged("tag_removed", "2025-08-01T11:00:00Z", "Launched"))
    assert await types(school) == ["goal.completed"]


@pytest.mark.parametrize("order", [SALE, SALE[::-1], (*SALE[1:], SALE[0])])
async def test_one_sale_is_one_purchase_whichever_hook_comes_first(school: Stage, order: tuple[str, ...]) -> None:
    for name in (*order, *order, "site_payment_succeeded"):
        await kajabi(school, KAJABI[name])
    purchases = await school.events()
    assert {(event.id, event.type) for event in purchases} == {("kajabi:payment:90210", "purchase.completed")}
    assert {(event.data.amount_cents, event.data.currency) for event in purchases} == {(1000, "USD")}
    assert len({client for client, _ in await school.profiles()}) == 1


async def test_a_form_and_a_tag_that_is_not_mapped_become_a_profile_alone(school: Stage) -> None:
    await kajabi(school, KAJABI["form_submission"])
    await kajabi(school, tagged("tag_added", "2025-08-01T10:00:00Z", "Newsletter"))
    assert await school.events() == []
    assert {profile.name for _, profile in await school.profiles() if profile} == {"John Doe", "Sample Recipient"}
    assert await school.dead_letters() == []


async def test_a_tag_waits_at_the_sender_while_the_database_is_away(school: Stage) -> None:
    await school.pool.close()
    assert await school.post("kajabi", json.dumps(KAJABI["tag_added"]).encode(), {}) == 503
    assert not school.intake.background.done()


async def test_the_memory_of_tags_names_nobody(school: Stage) -> None:
    await kajabi(school, KAJABI["tag_added"])
    (row,) = await school.pool.fetch("SELECT * FROM tag_changes WHERE tenant = $1", school.tenant)
    assert set(row.keys()) == {"tenant", "source", "tag_key", "added_id", "added_at", "removed_at"}
    assert len(row["tag_key"]) == 32
    assert "8801" not in row["added_id"]


async def test_kajabi_is_told_by_its_path_alone(school: Stage) -> None:
    url = school.hook_url("kajabi", "a-guess")
    async with school.session.post(url, data=json.dumps(KAJABI["tag_added"]).encode()) as answer:
        assert answer.status == 404
    assert await school.events() == []


async def test_each_of_thinkifics_topics_becomes_its_event_once(school: Stage) -> None:
    for body in (*THINKIFIC.values(), *THINKIFIC.values()):
        assert await thinkific(school, body) == 202
    events = await school.events()
    assert sorted({(event.id, event.type) for event in events}, key=lambda one: one[1]) == [
        ("thinkific:20180201192005552012814", "course.completed"),
        ("thinkific:20180127192004041953291", "course.progressed"),
        ("thinkific:20180127192003901953290", "lesson.completed"),
        ("thinkific:01HXAAXSZ80KZ0QS58T75YMD8K", "membership.ended"),
        ("thinkific:20180126172320940835610", "program.enrolled"),
        ("thinkific:20180126172320940835611", "purchase.completed"),
        ("thinkific:01HXAAXSZ80KZ0QS58T75YMD8J", "purchase.refunded"),
    ]
    ((client, profile),) = await school.profiles()
    assert {event.client for event in events} == {client}
    assert profile is not None
    assert (profile.name, profile.email) == ("Robert Smith", "ninjas@example.com")


async def test_progress_out_of_order_keeps_its_own_times_and_lowers_nothing(school: Stage) -> None:
    for number, (percent, day) in enumerate((("75.0", 3), ("25.0", 1), ("50.0", 2))):
        body = deepcopy(THINKIFIC["enrollment.progress"])
        body.update(id=f"d{number}", created_at=f"2018-02-0{day}T10:00:00Z")
        body["payload"]["percentage_completed"] = percent
        assert await thinkific(school, body) == 202
    said = [(event.data.percent, event.occurred_at.day) for event in await school.events()]
    assert said == [(75, 3), (25, 1), (50, 2)]
    story = Story(HALFWAY)
    story.tell(*await school.events())
    assert [(milestone.threshold, milestone.value) for milestone in story.milestones] == [(50, 75)]


async def test_a_new_key_and_the_one_before_are_valid_and_no_other(school: Stage) -> None:
    body = THINKIFIC["order.created"]
    assert [await thinkific(school, body, key) for key in (SITE_KEY, NEW_SITE_KEY, "a-guess", "")] == [
        202,
        202,
        401,
        401,
    ]
    assert await school.post("thinkific", json.dumps(body).encode(), {}) == 401
    assert len({event.id for event in await school.events()}) == 1


async def test_garbage_is_taken_and_sealed_among_the_dead_letters(school: Stage) -> None:
    odd = {**THINKIFIC["order.created"], "resource": "product"}
    lost = {**THINKIFIC["order.created"], "payload": {}}
    wide = {**THINKIFIC["order.created"], "payload": {**THINKIFIC["order.created"]["payload"], "amount_cents": 10**13}}
    for body in (b"\xff", odd, lost, wide):
        assert await thinkific(school, body) == 202
    for body in (b"[]", b'{"event": "tag_added", "payload": []}', b'{"event": "cart.abandoned"}'):
        assert await school.post("kajabi", body, {}) == 202
    letters = await school.dead_letters()
    reasons = sorted(reason for reason, _ in letters)
    assert reasons == [
        "no_client",
        "not_json",
        "not_json",
        "unknown_action",
        "unknown_action",
        "wrong_data",
        "wrong_data",
    ]
    assert json.dumps(odd).encode() in [Secrecy(IDENTITY_KEY).opened(sealed) for _, sealed in letters]
    assert await school.events() == []


async def test_one_address_on_both_platforms_is_one_client(school: Stage) -> None:
    body = deepcopy(THINKIFIC["enrollment.created"])
    body["payload"]["user"]["email"] = "Sample@Example.com"
    assert await thinkific(school, body) == 202
    await kajabi(school, KAJABI["tag_added"])
    events = await school.events()
    assert len(events) == 2
    assert len({event.client for event in events}) == 1
    assert all(
        event.received_at is not None and event.received_at > datetime(2026, 1, 1, tzinfo=UTC) for event in events
    )
