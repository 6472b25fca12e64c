"""What two linked clients want, on a real database: no withdrawal of either is lost, whenever it comes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from agents.ledger.brakes import suppress, unsuppress
from agents.ledger.clients import has_opted_out, opt_out
from agents.ledger.links import stricter
from agents.ledger.wishes import change_wishes, read_history, read_wishes
from schemas.brake import Suppression
from tests.integration.ledger.ledger_practice import NOON, Practice, reached
from tests.integration.ledger.linked_clients import linked, marketing, said, two


@pytest.mark.parametrize(
    ("ana", "bea", "counts"),
    [
        (None, False, False),
        (None, True, True),
        (True, None, True),
        (False, None, False),
        ((True, 1), (False, 2), False),
        ((True, 2), (False, 1), True),
        ((False, 1), (True, 2), True),
        ((False, 2), (True, 1), False),
        ((True, 1), (False, 1), False),
        ((False, 1), (True, 1), False),
    ],
)
async def test_of_each_consent_the_last_word_counts_and_at_one_instant_the_withdrawal(
    practice: Practice, ana: Any, bea: Any, counts: bool
) -> None:
    def recorded(word: Any) -> dict[str, Any]:
        if word is None:
            return {}
        granted, hour = word if isinstance(word, tuple) else (word, 0)
        return {"consents": {"marketing": said(granted=granted, at=NOON - timedelta(hours=9 - hour))}}

    await two(practice, recorded(ana), recorded(bea))
    await linked(practice)
    assert await marketing(practice) is counts
    await practice.meet("ana", **recorded(ana))  # a platform that says the old profile once more
    assert await marketing(practice) is counts


async def test_a_withdrawal_that_was_said_to_us_is_carried_with_its_history(practice: Practice) -> None:
    await two(practice, {"consents": {"marketing": said(granted=True, at=NOON - timedelta(days=9))}})
    whose = {"tenant": "northstar", "client": "bea"}
    await change_wishes(
        practice.pool, **whose, channels={}, consents={"marketing": False}, source="page", at=NOON - timedelta(days=1)
    )
    carried = await linked(practice)
    assert carried.consents == ("marketing",)
    assert not await marketing(practice)
    history = await read_history(practice.pool, "northstar", "ana")
    assert [(entry.granted, entry.source, entry.author) for entry in history] == [
        (False, "page", "client"), (False, "page", "client"), (True, "crm", "profile"),
    ]  # fmt: skip
    assert await read_history(practice.pool, "northstar", "bea") == history


async def test_channels_that_either_left_are_left(practice: Practice) -> None:
    await two(practice, {"channels": {"sms": True}}, {"channels": {"sms": False}})
    await opt_out(practice.pool, tenant="northstar", client="bea", channel="email", source="page")
    carried = await linked(practice)
    assert sorted(carried.channels) == ["email", "sms"]
    wishes = await read_wishes(practice.pool, "northstar", "ana")
    assert wishes is not None
    assert wishes.left == {"email", "sms"}


async def test_what_is_said_by_an_old_link_counts_for_the_person(practice: Practice) -> None:
    await two(practice)
    await linked(practice)
    whose = {"tenant": "northstar", "client": "bea"}
    changed = await change_wishes(
        practice.pool, **whose, channels={"email": False}, consents={"marketing": False}, source="page", at=NOON
    )
    assert changed is not None
    assert changed[0] == ("email",)
    assert not await marketing(practice)
    assert await has_opted_out(practice.pool, tenant="northstar", client="ana", channel="email")
    await opt_out(practice.pool, **whose, channel="in_app", source="page")
    assert await has_opted_out(practice.pool, **whose, channel="in_app")
    hold = Suppression(answer="hold", reason="exam")
    await suppress(practice.pool, **whose, suppression=hold, author="jo", now=NOON)
    assert await practice.pool.fetchval(
        "SELECT reason FROM suppressions WHERE client = 'ana' AND lifted_at IS NULL"
    ) == "exam"  # fmt: skip
    assert await unsuppress(practice.pool, **whose, author="jo", now=NOON)
    assert await practice.pool.fetchval(
        "SELECT reason FROM suppressions WHERE client = 'bea' AND lifted_at IS NULL"
    ) == "linked to ana"  # fmt: skip


async def test_a_platform_that_goes_on_under_the_old_id_loses_no_withdrawal(practice: Practice) -> None:
    await two(practice, {"consents": {"marketing": said(granted=True, at=NOON - timedelta(days=9))}})
    await linked(practice)
    assert await marketing(practice)
    withdrawn = {"marketing": said(granted=False, at=NOON)}
    await practice.meet("bea", consents=withdrawn, channels={"email": False})
    assert not await marketing(practice)
    assert await has_opted_out(practice.pool, tenant="northstar", client="ana", channel="email")


UNTIL, LATER = NOON + timedelta(days=1), NOON + timedelta(days=2)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (("hold", UNTIL), None, ("hold", UNTIL, "one")),
        (("hold", UNTIL), ("hold", LATER), ("hold", LATER, "other")),
        (("hold", LATER), ("hold", UNTIL), ("hold", LATER, "one")),
        (("drop", UNTIL), ("hold", None), ("drop", None, "one")),
        (("hold", None), ("drop", UNTIL), ("drop", None, "one")),
    ],
)
def test_the_stricter_suppression_is_what_both_ask_for(one: Any, other: Any, both: Any) -> None:
    made = [
        said and Suppression(answer=said[0], until=said[1], reason=name)
        for name, said in (("one", one), ("other", other))
    ]
    found = stricter(*made)
    assert (found.answer, found.until, found.reason) == both


async def test_a_suppression_of_the_linked_client_holds_for_the_person(practice: Practice) -> None:
    await two(practice)
    await practice.hear(reached())
    hold = Suppression(answer="hold", reason="bereavement")
    await suppress(practice.pool, tenant="northstar", client="bea", suppression=hold, author="jo", now=NOON)
    assert (await linked(practice)).is_suppressed
    assert (await practice.states())["email"] == "held:suppressed"
    assert await practice.pool.fetchval(
        "SELECT reason FROM suppressions WHERE client = 'ana' AND lifted_at IS NULL"
    ) == "bereavement"  # fmt: skip


async def test_a_wish_that_comes_during_the_link_is_never_lost(practice: Practice) -> None:
    for number in range(8):
        ana, bea = f"ana-{number}", f"bea-{number}"
        await practice.meet(ana, consents={"marketing": said(granted=True, at=NOON - timedelta(days=9))})
        await practice.meet(bea)

        async def withdraw(client: str = bea) -> None:
            whose = {"tenant": "northstar", "client": client}
            no = {"marketing": False}
            await change_wishes(practice.pool, **whose, channels={"email": False}, consents=no, source="page", at=NOON)

        await asyncio.gather(withdraw(), linked(practice, bea, ana))
        assert not await marketing(practice, ana)
        assert await has_opted_out(practice.pool, tenant="northstar", client=ana, channel="email")
