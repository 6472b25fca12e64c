"""From a milestone to a text message that the provider has taken."""

import re
from dataclasses import replace

from agents.attempt import Attempts
from agents.channels.sms import SmsChannel
from agents.sender import Sender
from agents.wakeup import Wakeup
from schemas.policy import Policy
from schemas.tenant import Texting
from tests.integration.channels.test_sms import ACCOUNT, SID, Twilio, served
from tests.integration.ledger.ledger_practice import TELLER, Practice, reached

_TEXTING = Texting(account=ACCOUNT, sender="+15005550006")


def texting(practice: Practice, channels: tuple[str, ...], sms: Texting | None = _TEXTING) -> None:
    tenant = practice.tenants["northstar"]
    tiers = {"streak": {"channels": channels, "quiet": "send"}}
    policy = Policy.model_validate({"tiers": tiers})
    rulebook = tenant.rulebook.model_copy(update={"policy": policy})
    practice.tenants["northstar"] = replace(tenant, sms=sms, rulebook=rulebook)


async def flush(practice: Practice, channel: SmsChannel) -> int:
    attempts = Attempts(
        pool=practice.pool,
        tenants=lambda: practice.tenants,
        channel=channel,
        teller=TELLER,
        now=practice.clock,
    )
    return await Sender(
        "sms", pool=practice.pool, attempts=attempts, wakeup=Wakeup("").waiter(), now=practice.clock
    ).flush()


async def test_a_streak_arrives_as_a_text_message(practice: Practice) -> None:
    texting(practice, ("sms", "in_app"))
    twilio = Twilio()
    await practice.meet(phone="+4366012345678")
    await practice.hear(reached())
    async with served(twilio) as channel:
        assert await flush(practice, channel) == 1
    (form,) = twilio.forms
    assert (form["To"], form["From"]) == ("+4366012345678", "+15005550006")
    assert re.search(r"(?i)(30|thirty)\b", form["Body"])
    assert "Ana" in form["Body"]
    assert (await practice.states())["sms"] == "sent"
    assert await practice.pool.fetchval("SELECT provider_id FROM deliveries WHERE channel = 'sms'") == SID


async def test_without_a_number_the_coach_hears_of_it(practice: Practice) -> None:
    texting(practice, ("sms",))
    twilio = Twilio()
    await practice.meet()
    await practice.hear(reached())
    async with served(twilio) as channel:
        for _ in range(20):
            await practice.pool.execute("UPDATE deliveries SET retry_at = NULL")
            await flush(practice, channel)
    assert twilio.forms == []
    assert (await practice.states())["sms"] == "failed:no_address"


async def test_an_account_that_was_taken_away_since_sends_nothing(practice: Practice) -> None:
    texting(practice, ("sms",))
    twilio = Twilio()
    await practice.meet(phone="+4366012345678")
    await practice.hear(reached())
    texting(practice, ("sms",), sms=None)
    async with served(twilio) as channel:
        await flush(practice, channel)
    assert twilio.forms == []
    assert (await practice.states())["sms"] == "failed:no_channel"


async def test_a_practice_without_an_account_answers_by_the_next_channel(practice: Practice) -> None:
    texting(practice, ("sms", "email"), sms=None)
    await practice.meet(phone="+4366012345678")
    await practice.hear(reached())
    states = await practice.states()
    assert (states["sms"], states["email"]) == ("skipped:no_channel", "pending")
