"""Who is who across tools, on a real broker and database: by address, by id, and by an explicit link."""

import asyncio
import time
from typing import Any

import pytest

from agents.intake.finding import Finding, Happening, Person
from agents.intake.outgoing import Outgoing
from agents.ledger.links import Carried, links_of
from agents.link_follower import LinkFollower, catch_up
from agents.linking import Couple, link_clients
from demo.vendors.habits import send_webhook
from schemas.client import Profile
from schemas.event import GoalData
from tests.integration.intake.stage import NOW, WEBHOOK_SECRET, Stage, booking, checked

ADDRESS = "ana.berger@example.com"


async def hook(stage: Stage, client: dict[str, Any], name: str = "", **more: Any) -> None:
    """The tracker tells of a client."""
    message = checked(client, **more)
    webhook_id = name or f"m{time.monotonic()}"
    url = stage.hook_url("tracker")
    await send_webhook(stage.session, url, secret=WEBHOOK_SECRET, webhook_id=webhook_id, message=message)


async def admit(stage: Stage, source: str, person: Person, goal: str, **facts: Any) -> str:
    """A source says that a goal was reached; returns our id of the person."""
    happening = Happening(id=f"{source}:{goal}", type="goal.completed", occurred_at=NOW, data=GoalData(goal_id=goal))
    finding = Finding(person=person, facts=facts, happenings=(happening,))
    assert await stage.intake.admission.admit(stage.tenant, source, finding, NOW)
    return next(event.client for event in await stage.events() if event.id == f"{source}:{goal}")


def unsigned(external_id: str, email: str | None = None) -> Person:
    return Person(external_id=external_id, email=email, is_vouched=False)


async def link(stage: Stage, client: str, into: str) -> Carried:
    couple = Couple(tenant=stage.tenant, into=into, client=client, author="jo")
    return await link_clients(stage.pool, stage.intake.producer.deliver, couple, now=NOW)


async def follow(stage: Stage) -> int:
    return (await catch_up({"bootstrap_servers": stage.bootstrap_servers}, stage.pool)).resent


async def newest(stage: Stage) -> dict[str, Profile | None]:
    return dict(await stage.profiles())


async def test_the_person_from_three_tools_is_one_client(stage: Stage) -> None:
    stage.acuity.book(booking())
    await stage.acuity.send_hook(stage.session, stage.hook_url("acuity"), "scheduled", 54321)
    kajabi = await admit(stage, "kajabi", unsigned("k-9", ADDRESS.title()), "g1", locale="de")
    crm = await admit(stage, "crm", Person(external_id="crm-1", email=ADDRESS), "g2", birthday="05-09")
    assert {event.client for event in await stage.events()} == {kajabi} == {crm}
    ana = (await newest(stage))[crm]
    assert ana is not None
    assert (ana.name, ana.email, ana.locale, ana.birthday) == ("Ana Berger", ADDRESS, "de", "05-09")


async def test_whoever_bought_a_course_first_is_the_same_client_when_booking(stage: Stage) -> None:
    kajabi = await admit(stage, "kajabi", unsigned("k-9", ADDRESS), "g1", name="Ana", email=ADDRESS)
    stage.acuity.book(booking())
    await stage.acuity.send_hook(stage.session, stage.hook_url("acuity"), "scheduled", 54321)
    assert {event.client for event in await stage.events()} == {kajabi}


async def test_a_word_without_a_voucher_cannot_turn_a_clients_messages_elsewhere(stage: Stage) -> None:
    ana = await admit(stage, "crm", Person(external_id="crm-1", email=ADDRESS), "g1", name="Ana", email=ADDRESS)
    assert await admit(stage, "kajabi", unsigned("k-9", ADDRESS), "g2", email=ADDRESS) == ana
    evil = "eve@example.com"
    assert (
        await admit(stage, "kajabi", unsigned("k-9", evil), "g3", email=evil, phone="+43123456789", locale="de") == ana
    )
    profile = (await newest(stage))[ana]
    assert profile is not None
    assert (profile.email, profile.phone, profile.name, profile.locale) == (ADDRESS, None, "Ana", "de")
    assert await admit(stage, "crm", Person(external_id="crm-2", email=evil), "g4", name="Eve") != ana


async def test_a_word_without_a_voucher_withdraws_consent_and_gives_none(stage: Stage) -> None:
    ana = await admit(stage, "crm", Person(external_id="crm-1", email=ADDRESS), "g1", email=ADDRESS)
    said = {"source": "kajabi", "at": "2026-05-08T10:00:00Z"}
    consents = {"marketing": {**said, "granted": True}, "story": {**said, "granted": False}}
    await admit(stage, "kajabi", unsigned("k-9", ADDRESS), "g2", consents=consents)
    profile = (await newest(stage))[ana]
    assert profile is not None
    assert {kind: one.granted for kind, one in profile.consents.items()} == {"story": False}


async def test_a_link_redirects_every_tool_and_joins_the_profiles(stage: Stage) -> None:
    ana = await admit(stage, "crm", Person(external_id="crm-1", email=ADDRESS), "g1", email=ADDRESS, name="Ana")
    other = Person(external_id="k-9", email="ana@work.example")
    bea = await admit(stage, "kajabi", other, "g2", email="ana@work.example", locale="de")
    assert (await link(stage, bea, ana)).keys == 2
    assert await admit(stage, "kajabi", Person(external_id="k-9"), "g3", timezone="Europe/Vienna") == ana
    assert await admit(stage, "shop", Person(external_id="s-1", email="ana@work.example"), "g4") == ana
    found = await newest(stage)
    ana_now = found[ana]
    assert ana_now is not None
    assert (ana_now.email, ana_now.locale, ana_now.timezone) == (ADDRESS, "de", "Europe/Vienna")
    assert found[bea] == Profile()


async def test_a_fact_for_the_linked_id_reaches_the_person(stage: Stage) -> None:
    ana = await admit(stage, "crm", Person(external_id="crm-1"), "g1", name="Ana")
    bea = await admit(stage, "kajabi", Person(external_id="k-9"), "g2", name="Bea")
    await link(stage, bea, ana)
    said = {"granted": False, "source": "page", "at": "2026-05-08T12:00:00Z"}
    assert await stage.intake.admission.restate(stage.tenant, bea, {"consents": {"marketing": said}})
    found = await newest(stage)
    person, old = found[ana], found[bea]
    assert person is not None
    assert not person.consents["marketing"].granted
    assert old == Profile()


async def test_the_past_is_sent_again_in_silence_once_under_ids_that_a_repeated_hook_has(stage: Stage) -> None:
    ana = await admit(stage, "crm", Person(external_id="crm-1"), "g1")
    await hook(stage, {"id": "7"}, name="m1")
    bea = next(event.client for event in await stage.events() if event.type == "habit.checked")
    await admit(stage, "kajabi", Person(external_id="k-9"), "g2")
    await link(stage, bea, ana)
    assert await follow(stage) == 1
    assert await follow(stage) == 0
    (first,) = [event for event in await stage.events() if event.client == bea]
    (again,) = [event for event in await stage.events() if event.client == ana and event.type == "habit.checked"]
    assert (again.silent, again.data, again.occurred_at, again.source) == (
        True, first.data, first.occurred_at, first.source,
    )  # fmt: skip
    await hook(stage, {"id": "7"}, name="m1")  # the tool repeats itself
    ids = [event.id for event in await stage.events() if event.client == ana and event.type == "habit.checked"]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    (found,) = await links_of(stage.pool, tenant=stage.tenant)
    assert (found.resent, found.caught_up_at is not None) == (1, True)


async def test_what_a_platform_still_sends_under_the_linked_id_counts_for_the_person_and_aloud(stage: Stage) -> None:
    ana = await admit(stage, "crm", Person(external_id="crm-1"), "g1")
    bea = await admit(stage, "kajabi", Person(external_id="k-9"), "g2")
    await link(stage, bea, ana)
    assert await follow(stage) == 1
    old = next(record for record in await stage.records("coaching.events.v1") if record.key.decode().endswith(bea))
    late = old.value.replace(b"kajabi:g2", b"platform-77")
    await stage.intake.producer.deliver(
        [Outgoing(topic="coaching.events.v1", key=old.key, value=late, headers=tuple(old.headers))]
    )
    assert await follow(stage) == 1
    (event,) = [event for event in await stage.events() if event.client == ana and event.id == "platform-77"]
    assert not event.silent


async def test_a_chain_is_followed_to_its_end(stage: Stage) -> None:
    ids = [await admit(stage, f"t{number}", Person(external_id="1"), f"g{number}") for number in range(3)]
    ana, bea, cem = ids
    await link(stage, cem, bea)
    assert await follow(stage) == 1
    await link(stage, bea, ana)
    assert await follow(stage) == 2
    goals = sorted(event.data.goal_id for event in await stage.events() if event.client == ana)
    assert goals == ["g0", "g1", "g2"]
    assert await admit(stage, "t2", Person(external_id="1"), "g9") == ana


async def test_hooks_that_come_during_a_link_all_count_for_the_person_and_none_twice(stage: Stage) -> None:
    ana = await admit(stage, "crm", Person(external_id="crm-1"), "g1")
    bea = await admit(stage, "kajabi", Person(external_id="k-9"), "g2", name="Bea")

    async def hooks() -> None:
        for number in range(60):
            finding = Finding(
                person=Person(external_id="k-9"),
                facts={"tags": [f"tag{number}"]},
                happenings=(
                    Happening(
                        id=f"h{number}", type="goal.completed", occurred_at=NOW, data=GoalData(goal_id=f"h{number}")
                    ),
                ),
            )
            await stage.intake.admission.admit(stage.tenant, "kajabi", finding, NOW)

    async def linked() -> None:
        await asyncio.sleep(0.05)
        await link(stage, bea, ana)

    await asyncio.gather(hooks(), hooks(), linked())
    while await follow(stage):
        pass
    events = await stage.events()
    assert {event.id for event in events if event.client == ana} >= {f"h{number}" for number in range(60)}
    assert any(event.client == bea and event.id.startswith("h") for event in events)
    last = {client: profile for client, profile in await stage.profiles()}  # noqa: C416 - the newest of each counts
    person = last[ana]
    assert person is not None
    assert "tag59" in person.tags
    assert last[bea] == Profile()


@pytest.mark.parametrize("which", [0, 1])
async def test_erasing_either_id_publishes_a_tombstone_for_both(stage: Stage, which: int) -> None:
    ana = await admit(stage, "crm", Person(external_id="crm-1"), "g1", name="Ana")
    bea = await admit(stage, "kajabi", Person(external_id="k-9"), "g2", name="Bea")
    await link(stage, bea, ana)
    await stage.intake.admission.erase(stage.tenant, (ana, bea)[which])
    assert await newest(stage) == {ana: None, bea: None}
    finding = Finding(person=Person(external_id="k-9"), facts={"name": "Bea"}, happenings=())
    assert not await stage.intake.admission.admit(stage.tenant, "kajabi", finding, NOW)
    assert await follow(stage) == 0


async def test_a_platforms_tombstone_for_one_id_is_completed_for_all(stage: Stage) -> None:
    ana = await admit(stage, "crm", Person(external_id="crm-1"), "g1", name="Ana")
    bea = await admit(stage, "kajabi", Person(external_id="k-9"), "g2", name="Bea")
    await link(stage, bea, ana)
    await stage.pool.execute(
        "INSERT INTO clients (tenant, client, erased_at) VALUES ($1, $2, now())"
        " ON CONFLICT (tenant, client) DO UPDATE SET erased_at = now(), profile = NULL",
        stage.tenant,
        ana,
    )
    options = {"bootstrap_servers": stage.bootstrap_servers}
    follower = LinkFollower(options, stage.pool, stage.intake.admission.erase)
    assert (await follower.look()).links == 0
    assert await newest(stage) == {ana: None, bea: None}
    before = len(await stage.profiles())
    await follower.look()
    assert len(await stage.profiles()) == before
