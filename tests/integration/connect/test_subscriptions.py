"""Subscriptions at the vendors: made, left alone, mended, moved; and what is said when a vendor refuses."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from agents.connect.acuity import AcuitySubscriptions
from agents.connect.calendly import CalendlySubscriptions
from agents.connect.subscriptions import ensure, forget
from agents.connect.thinkific import ThinkificSubscriptions
from agents.connect.vendor_call import VendorAway, VendorRefused
from tests.integration.connect.acuity_server import API_KEY, USER_ID, AcuityHooksServer
from tests.integration.connect.calendly_server import TOKEN, CalendlyServer
from tests.integration.connect.thinkific_server import TOKEN as ACCESS_TOKEN
from tests.integration.connect.thinkific_server import ThinkificServer

OURS = "https://cairn.example.org/hooks/acme/tool/new"
FORMER = "https://cairn.example.org/hooks/acme/tool/old"
ELSEWHERE = "https://other.example.org/hook"


@pytest.fixture
async def calendly() -> AsyncIterator[CalendlyServer]:
    async with CalendlyServer() as server:
        yield server


@pytest.fixture
async def acuity() -> AsyncIterator[AcuityHooksServer]:
    async with AcuityHooksServer() as server:
        yield server


@pytest.fixture
async def thinkific() -> AsyncIterator[ThinkificServer]:
    async with ThinkificServer() as server:
        yield server


def at_calendly(
    server: CalendlyServer, session: aiohttp.ClientSession, *, token: str = TOKEN, key: str = "a-key"
) -> CalendlySubscriptions:
    return CalendlySubscriptions(
        session, base_url=server.base_url, token=token, token_file="tool.token", signing_key=key
    )


def at_acuity(server: AcuityHooksServer, session: aiohttp.ClientSession, *, key: str = API_KEY) -> AcuitySubscriptions:
    return AcuitySubscriptions(session, base_url=server.base_url, user_id=USER_ID, key=key, key_file="tool.key")


def at_thinkific(
    server: ThinkificServer, session: aiohttp.ClientSession, *, token: str | None = ACCESS_TOKEN, key: str = "site-key"
) -> ThinkificSubscriptions:
    return ThinkificSubscriptions(
        session, base_url=server.base_url, token=token, key=key, subdomain="academy", source="tool"
    )


async def test_calendly_is_subscribed_once_for_the_organisation_with_our_key(
    calendly: CalendlyServer, session: aiohttp.ClientSession
) -> None:
    (done,) = await ensure(at_calendly(calendly, session), OURS, ())
    ((own_id, made),) = calendly.subscriptions.items()
    assert "subscribed to invitee.canceled" in done
    assert (made["callback_url"], calendly.keys[own_id]) == (OURS, "a-key")
    assert set(made["events"]) == CalendlySubscriptions.wanted


async def test_what_is_right_is_left_alone_wherever_it_stands_in_the_pages(
    calendly: CalendlyServer, session: aiohttp.ClientSession
) -> None:
    for number in range(4):
        calendly.add(f"{ELSEWHERE}/{number}", ["invitee.created"])
    calendly.add(OURS, sorted(CalendlySubscriptions.wanted))
    assert await ensure(at_calendly(calendly, session), OURS, ()) == ()
    assert calendly.changes == 0


@pytest.mark.parametrize(
    ("state", "events", "why"),
    [("disabled", sorted(CalendlySubscriptions.wanted), "switched off"), ("active", ["invitee.created"], "too little")],
)
async def test_what_is_off_or_tells_of_too_little_is_made_anew(
    calendly: CalendlyServer, session: aiohttp.ClientSession, state: str, events: list[str], why: str
) -> None:
    calendly.add(OURS, events, state=state)
    removed, _ = await ensure(at_calendly(calendly, session), OURS, ())
    (made,) = calendly.subscriptions.values()
    assert why in removed
    assert (made["state"], set(made["events"])) == ("active", CalendlySubscriptions.wanted)


async def test_a_former_address_is_left_and_those_of_others_are_not_touched(
    calendly: CalendlyServer, session: aiohttp.ClientSession
) -> None:
    for address in (FORMER, ELSEWHERE):
        calendly.add(address, sorted(CalendlySubscriptions.wanted))
    await ensure(at_calendly(calendly, session), OURS, (FORMER,))
    assert sorted(calendly.addresses()) == sorted([OURS, ELSEWHERE])


async def test_a_subscription_whose_key_is_lost_is_forgotten_and_nothing_else(
    calendly: CalendlyServer, session: aiohttp.ClientSession
) -> None:
    for address in (OURS, ELSEWHERE):
        calendly.add(address, ["invitee.created"])
    assert await forget(at_calendly(calendly, session), (OURS,)) == 1
    assert calendly.addresses() == [ELSEWHERE]


async def test_a_token_that_calendly_does_not_know_is_named_by_its_file_and_never_shown(
    calendly: CalendlyServer, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(VendorRefused, match=r"401: .*tool\.token") as refused:
        await ensure(at_calendly(calendly, session, token="guessed-token"), OURS, ())
    assert "guessed-token" not in str(refused.value)


async def test_an_address_that_is_taken_out_of_sight_is_told(
    calendly: CalendlyServer, session: aiohttp.ClientSession
) -> None:
    calendly.add(OURS, ["invitee.created"])
    calendly.unseeing_looks = 10
    with pytest.raises(VendorRefused, match="409: the address is subscribed in a way that this token does not show"):
        await ensure(at_calendly(calendly, session), OURS, ())


async def test_one_that_was_made_by_a_try_whose_answer_was_lost_is_taken_as_it_is(
    calendly: CalendlyServer, session: aiohttp.ClientSession
) -> None:
    calendly.add(OURS, sorted(CalendlySubscriptions.wanted))
    calendly.unseeing_looks = 1
    assert await ensure(at_calendly(calendly, session), OURS, ()) == ()
    assert calendly.addresses() == [OURS]


async def test_a_vendor_that_asks_for_a_moment_gets_it(
    calendly: CalendlyServer, session: aiohttp.ClientSession
) -> None:
    calendly.refusals.extend([(429, {"X-RateLimit-Reset": "0"}), (500, {})])
    await ensure(at_calendly(calendly, session), OURS, ())
    assert calendly.addresses() == [OURS]


async def test_a_vendor_that_asks_for_an_hour_is_told_of_and_not_waited_for(
    calendly: CalendlyServer, session: aiohttp.ClientSession
) -> None:
    calendly.refusals.append((429, {"Retry-After": "3600"}))
    with pytest.raises(VendorAway, match=r"too many requests \(429\) and asks for 3600 seconds: run the same command"):
        await ensure(at_calendly(calendly, session), OURS, ())
    assert len(calendly.asked) == 1


async def test_what_may_have_been_made_is_not_made_again_by_itself(
    acuity: AcuityHooksServer, session: aiohttp.ClientSession
) -> None:
    subscriptions = at_acuity(acuity, session)
    await subscriptions.found()
    acuity.refusals.append((500, {}))
    with pytest.raises(VendorAway, match="answers with status 500: run the same command again later"):
        await subscriptions.make(OURS, frozenset({"appointment.scheduled"}))
    assert acuity.changes == 1


async def test_acuity_gets_a_hook_for_each_event_and_a_second_run_changes_nothing(
    acuity: AcuityHooksServer, session: aiohttp.ClientSession
) -> None:
    acuity.add("appointment.scheduled", ELSEWHERE)
    assert len(await ensure(at_acuity(acuity, session), OURS, ())) == 4
    assert acuity.told() == {(event, OURS) for event in AcuitySubscriptions.wanted} | {
        ("appointment.scheduled", ELSEWHERE)
    }
    assert await ensure(at_acuity(acuity, session), OURS, ()) == ()


async def test_only_the_hook_that_acuity_switched_off_or_lost_is_made_anew(
    acuity: AcuityHooksServer, session: aiohttp.ClientSession
) -> None:
    await ensure(at_acuity(acuity, session), OURS, ())
    acuity.hooks[1]["status"] = "disabled"
    del acuity.hooks[2]
    before = acuity.changes
    assert len(await ensure(at_acuity(acuity, session), OURS, ())) == 3
    assert acuity.changes - before == 3
    assert acuity.told() == {(event, OURS) for event in AcuitySubscriptions.wanted}


async def test_one_that_was_there_twice_is_there_once(
    acuity: AcuityHooksServer, session: aiohttp.ClientSession
) -> None:
    for event in [*AcuitySubscriptions.wanted, "appointment.changed"]:
        acuity.add(event, OURS)
    (done,) = await ensure(at_acuity(acuity, session), OURS, ())
    assert done == "removed a subscription of appointment.changed that was there twice"
    assert len(acuity.hooks) == 4


async def test_a_full_account_of_acuity_is_told_with_what_to_do(
    acuity: AcuityHooksServer, session: aiohttp.ClientSession
) -> None:
    for number in range(25):
        acuity.add("appointment.changed", f"{ELSEWHERE}/{number}")
    with pytest.raises(VendorRefused, match="at most 25 hooks of the API"):
        await ensure(at_acuity(acuity, session), OURS, ())


async def test_a_wrong_key_of_acuity_names_user_id_and_file(
    acuity: AcuityHooksServer, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(VendorRefused, match=r"401: .*user id in tenant\.yaml .*tool\.key"):
        await ensure(at_acuity(acuity, session, key="guess"), OURS, ())


async def test_thinkific_gets_a_webhook_for_each_topic_over_all_pages(
    thinkific: ThinkificServer, session: aiohttp.ClientSession
) -> None:
    thinkific.add("enrollment.created", FORMER)
    assert len(await ensure(at_thinkific(thinkific, session), OURS, (FORMER,))) == 8
    assert thinkific.told() == {(topic, OURS) for topic in ThinkificSubscriptions.wanted}
    assert await ensure(at_thinkific(thinkific, session), OURS, (FORMER,)) == ()


async def test_without_a_token_thinkific_gets_the_sites_key_in_both_ways(session: aiohttp.ClientSession) -> None:
    wanted = {"X-Auth-API-Key": "site-key", "X-Auth-Subdomain": "academy", "Authorization": "Bearer site-key"}
    async with ThinkificServer(wanted) as server:
        assert await ensure(at_thinkific(server, session, token=None), OURS, ())


async def test_credentials_that_thinkific_does_not_know_are_named_by_their_files(
    thinkific: ThinkificServer, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(VendorRefused, match=r"401: .*tool\.token, .*tool\.key"):
        await ensure(at_thinkific(thinkific, session, token="guess"), OURS, ())


async def test_a_vendor_that_is_not_there_is_away(session: aiohttp.ClientSession) -> None:
    async with AcuityHooksServer() as server:
        gone = at_acuity(server, session)
    with pytest.raises(VendorAway, match="Acuity does not answer"):
        await gone.found()


async def test_an_answer_that_is_not_as_documented_is_no_answer(
    calendly: CalendlyServer, session: aiohttp.ClientSession
) -> None:
    calendly.add(OURS, ["invitee.created"])
    next(iter(calendly.subscriptions.values()))["events"] = "all"
    with pytest.raises(VendorAway, match="not as documented"):
        await at_calendly(calendly, session).found()
