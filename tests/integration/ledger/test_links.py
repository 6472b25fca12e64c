"""Links on a real database: two clients become one person, once, and nothing is said under both ids."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from agents.intake.outgoing import Outgoing
from agents.ledger.links import LinkRefused, claim_links, half_erased, links_of, move_on
from agents.ledger.wishes import read_wishes
from agents.linking import Couple, link_clients, would_link
from schemas.client import Profile
from tests.integration.ledger.ledger_practice import HEARD_MS, NOON, Practice, first_session, reached
from tests.integration.ledger.linked_clients import Topic, linked, said, two

HEARD_AT = datetime.fromtimestamp(HEARD_MS / 1000, tz=UTC)
LEASE = timedelta(seconds=60)


async def profile(practice: Practice, client: str) -> Profile:
    text = await practice.pool.fetchval("SELECT profile FROM clients WHERE client = $1", client)
    return Profile.model_validate_json(text)


async def test_what_waits_for_the_linked_client_is_closed_and_left_to_the_coach(practice: Practice) -> None:
    await two(practice)
    await practice.hear(reached(client="bea"))
    assert (await practice.states())["email"] == "pending"
    await linked(practice)
    assert (await practice.states())["email"] == "skipped:suppressed"
    assert await practice.tasks() == [("undelivered", "suppressed")]
    await practice.send()
    assert practice.channel.sent == []


async def test_what_was_heard_before_the_link_is_the_coachs_and_what_comes_later_is_the_persons(
    practice: Practice,
) -> None:
    await two(practice)
    await linked(practice)
    await practice.pool.execute("UPDATE client_links SET linked_at = $1", HEARD_AT)
    await practice.hear(first_session(client="bea"))
    assert await practice.decisions() == [("celebration", "skip", "linked")]
    assert await practice.tasks() == []
    await practice.pool.execute("UPDATE client_links SET linked_at = $1", HEARD_AT + timedelta(milliseconds=1))
    await practice.hear(reached(client="bea"))
    assert set((await practice.states()).values()) <= {"skipped:suppressed"}
    assert await practice.tasks() == [("celebrate", "suppressed")]
    assert await practice.inbox() == []


async def test_a_link_is_later_than_all_that_was_planned_for_the_linked_client(practice: Practice) -> None:
    await two(practice)
    await practice.hear(first_session(client="bea"))
    ahead = datetime(2100, 1, 1, tzinfo=UTC)  # a broker's clock
    await practice.pool.execute("UPDATE milestones SET heard_at = $1", ahead)
    await linked(practice)
    linked_at = await practice.pool.fetchval("SELECT linked_at FROM client_links")
    assert linked_at == ahead + timedelta(milliseconds=1)


async def test_the_profiles_are_joined_and_the_linked_id_keeps_no_contact_data(practice: Practice) -> None:
    await two(
        practice,
        {"tags": ["vip"], "status": "active"},
        {"phone": "+43123456789", "tags": ["new"], "status": "left", "birthday": "05-09", "timezone": "Europe/Vienna"},
    )
    await linked(practice)
    ana = await profile(practice, "ana")
    assert (ana.email, ana.phone, ana.birthday, ana.timezone) == (
        "ana@clients.example", "+43123456789", "05-09", "UTC",
    )  # fmt: skip
    assert (ana.tags, ana.status) == (("vip", "new"), "active")
    assert await profile(practice, "bea") == Profile()
    assert await practice.pool.fetchval("SELECT count(*) FROM clients WHERE erased_at IS NOT NULL") == 0


async def test_a_moment_that_was_celebrated_under_the_old_id_is_not_celebrated_again(practice: Practice) -> None:
    await two(practice)
    await practice.hear(reached(client="bea", moment="graduation"))
    await practice.send()
    assert len(practice.channel.sent) == 1
    await linked(practice)
    await practice.hear(reached("other-rule", client="ana", moment="graduation"))
    assert ("email", "skip", "same_moment") in await practice.decisions()
    await practice.send()
    assert len(practice.channel.sent) == 1


async def test_two_links_in_a_row_lead_to_one_person(practice: Practice) -> None:
    await two(practice)
    await practice.meet("cem", consents={"story": said(granted=True, at=NOON)})
    await linked(practice, "cem", "bea")
    assert (await linked(practice, "bea", "ana")).followers == 1
    found = {link.client: link.into_client for link in await links_of(practice.pool, tenant="northstar")}
    assert found == {"bea": "ana", "cem": "ana"}
    wishes = await read_wishes(practice.pool, "northstar", "cem")
    assert wishes is not None
    assert wishes.allows("story")
    await practice.meet("dan")
    assert (await linked(practice, "dan", "cem")).into == "ana"  # named by an old id


async def test_linking_twice_changes_nothing_and_says_so(practice: Practice) -> None:
    await two(practice)
    assert (await linked(practice)).is_new
    before = await practice.pool.fetch("SELECT * FROM client_links")
    again = await linked(practice)
    assert (again.is_new, again.into) == (False, "ana")
    assert await practice.pool.fetch("SELECT * FROM client_links") == before
    assert await practice.pool.fetchval("SELECT count(*) FROM suppressions") == 1


@pytest.mark.parametrize(
    ("client", "into", "why"),
    [
        ("ana", "bea", "cycle"),
        ("ana", "ana", "same"),
        ("bea", "cem", "elsewhere"),
        ("bee", "ana", "unknown"),
        ("ana", "bee", "unknown"),
        ("gone", "ana", "erased"),
        ("ana", "gone", "erased"),
    ],
)
async def test_what_cannot_be_one_is_refused_and_changes_nothing(
    practice: Practice, client: str, into: str, why: str
) -> None:
    await two(practice)
    for name in ("cem", "gone"):
        await practice.meet(name)
    await practice.erase("gone")
    await linked(practice)
    with pytest.raises(LinkRefused) as refused:
        await linked(practice, client, into)
    assert refused.value.why == why
    assert len(await links_of(practice.pool)) == 1


async def test_a_client_of_another_tenant_is_unknown(practice: Practice) -> None:
    await two(practice)
    couple = Couple(tenant="other", into="ana", client="bea", author="jo")
    with pytest.raises(LinkRefused, match="nothing was heard"):
        await link_clients(practice.pool, Topic(practice), couple, now=NOON)


async def test_asking_what_would_be_carried_changes_nothing(practice: Practice) -> None:
    await two(practice, bea={"channels": {"sms": False}})
    couple = Couple(tenant="northstar", into="ana", client="bea", author="jo")
    assert (await would_link(practice.pool, couple, now=NOON)).channels == ("sms",)
    assert await links_of(practice.pool) == ()
    assert await practice.pool.fetchval("SELECT count(*) FROM opt_outs") == 0


async def test_nothing_is_linked_when_kafka_does_not_take_the_profiles(practice: Practice) -> None:
    async def away(_records: Sequence[Outgoing]) -> None:
        raise ConnectionError

    await two(practice, bea={"phone": "+43123456789"})
    couple = Couple(tenant="northstar", into="ana", client="bea", author="jo")
    with pytest.raises(ConnectionError):
        await link_clients(practice.pool, away, couple, now=NOON)
    assert await links_of(practice.pool) == ()


@pytest.mark.parametrize("client", ["ana", "bea", "cem"])
async def test_erasing_any_id_erases_the_person_under_all_of_them(practice: Practice, client: str) -> None:
    await two(practice)
    await practice.meet("cem")
    await practice.hear(first_session(client="bea"))
    await linked(practice)
    await linked(practice, "cem", "bea")
    await practice.erase(client)
    assert await practice.pool.fetchval("SELECT count(*) FROM clients WHERE erased_at IS NULL") == 0
    assert await practice.pool.fetchval("SELECT count(*) FROM inbox") == 0
    assert await practice.pool.fetchval("SELECT count(*) FROM consent_history") == 0
    assert await half_erased(practice.pool) == (("northstar", "ana"),)


async def test_two_who_are_linked_both_ways_at_once_are_linked_one_way(practice: Practice) -> None:
    await two(practice)
    couples = [Couple(tenant="northstar", into=a, client=b, author="jo") for a, b in (("ana", "bea"), ("bea", "ana"))]
    outcomes = await asyncio.gather(
        *(link_clients(practice.pool, Topic(practice), couple, now=NOON) for couple in couples), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Carried", "LinkRefused"]
    assert len(await links_of(practice.pool)) == 1


async def test_a_worker_whose_link_is_somebody_elses_records_nothing(practice: Practice) -> None:
    await two(practice)
    await linked(practice)
    (first,) = await claim_links(practice.pool, lease=LEASE)
    assert await claim_links(practice.pool, lease=LEASE) == ()
    assert await move_on(practice.pool, first, next_offset=5, resent=2, lease=LEASE)
    await practice.pool.execute("UPDATE client_links SET lease_until = now() - interval '1 s'")
    (second,) = await claim_links(practice.pool, lease=LEASE, person=("northstar", "ana"))
    assert (second.next_offset, second.resent) == (5, 2)
    assert not await move_on(practice.pool, first, next_offset=9, resent=2, lease=LEASE)
    assert await move_on(practice.pool, second, next_offset=6, resent=0, lease=LEASE)
