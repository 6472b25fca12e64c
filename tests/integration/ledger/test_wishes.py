"""A wish holds at release from its commit on, while the profile that says the same is still on its way."""

from agents.ledger.wishes import change_wishes
from tests.integration.ledger.ledger_practice import NOON, Practice, planned, reached


async def wish(practice: Practice, **consents: bool) -> None:
    whose = {"tenant": "northstar", "client": "ana", "source": "page", "at": NOON}
    await change_wishes(practice.pool, **whose, channels={}, consents=consents)


async def test_a_consent_that_is_withdrawn_after_planning_stops_what_waits(practice: Practice) -> None:
    await planned(practice)
    await wish(practice, service=False)
    await practice.send()
    assert practice.channel.sent == []
    assert (await practice.states())["email"] == "skipped:no_consent"


async def test_a_consent_that_is_withdrawn_while_a_mail_is_offered_stops_it(practice: Practice) -> None:
    async def withdraw() -> None:
        if not await practice.pool.fetchval("SELECT count(*) FROM consent_wishes"):
            await wish(practice, service=False)

    await planned(practice)
    practice.channel.before.append(withdraw)
    await practice.send()
    assert practice.channel.sent == []
    assert (await practice.states())["email"] == "skipped:no_consent"


async def test_planning_asks_for_it_too_and_for_who_has_no_profile_yet(practice: Practice) -> None:
    await wish(practice, service=False)
    await practice.hear(reached())
    assert set((await practice.states()).values()) == {"skipped:no_consent"}


async def test_a_profile_that_says_it_later_counts_again(practice: Practice) -> None:
    await wish(practice, service=False)
    given = {"granted": True, "source": "form", "at": "2026-05-06T10:00:00Z"}
    await practice.meet(consents={"service": given})
    await practice.hear(reached())
    assert (await practice.states())["email"] == "pending"


async def test_erasure_takes_wishes_and_words_along(practice: Practice) -> None:
    await planned(practice)
    await wish(practice, marketing=True)
    await practice.pool.execute(
        "INSERT INTO suppressions (tenant, client, answer, reason, author)"
        " VALUES ('northstar', 'ana', 'hold', 'Ana asked', 'jo')"
    )
    await practice.erase()
    assert await practice.pool.fetchval("SELECT count(*) FROM consent_wishes") == 0
    assert await practice.pool.fetchval("SELECT count(*) FROM consent_history") == 0
    assert await practice.pool.fetchval("SELECT array_agg(reason) FROM suppressions") == ["erased"]
    assert await practice.pool.fetchval("SELECT count(*) FROM milestones WHERE record ? 'facts'") == 0
    await wish(practice, marketing=True)
    assert await practice.pool.fetchval("SELECT count(*) FROM consent_wishes") == 0
