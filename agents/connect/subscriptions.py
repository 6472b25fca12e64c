"""What `cairn connect` does at a vendor that has an API for its hooks: look, make, mend, take away.

It must never touch a hook to an address that is not ours: the account may serve others too. Each
vendor is a module; this one finds what is missing or broken, and so says what to do.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from agents.connect.vendor_call import VendorRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One hook that a vendor sends.

    Attributes:
        id: what the vendor takes to delete it.
        address: where it goes.
        events: what it tells of.
        is_active: the vendor has not switched it off.
    """

    id: str
    address: str
    events: frozenset[str]
    is_active: bool


class Subscriptions(Protocol):
    """The hooks of one account, as its vendor's API shows and changes them.

    Every method raises `VendorRefused` and `VendorAway` of `agents.connect.vendor_call`.
    """

    @property
    def wanted(self) -> frozenset[str]:
        """The events that we translate, in the vendor's words."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether one subscription tells of all events; else each is of one."""
        ...

    @property
    def must_exist(self) -> bool:
        """Whether hooks come by a subscription of the API alone, and never by a page of the vendor's."""
        ...

    async def found(self) -> tuple[Subscription, ...]:
        """Every subscription that these credentials may see."""
        ...

    async def make(self, address: str, events: frozenset[str]) -> None:
        """Subscribe the address to these events."""
        ...

    async def remove(self, subscription: Subscription) -> None:
        """Delete one; one that is gone already is no error."""
        ...


async def ensure(subscriptions: Subscriptions, address: str, former: Collection[str]) -> tuple[str, ...]:
    """Make it so that this address, and no former one of ours, is subscribed to every wanted event.

    A subscription that is right is left alone; one that is off or tells of less is made anew, because
    vendors let an address not be changed.

    Returns:
        What was done, a sentence each.
    """
    found = await subscriptions.found()
    done: list[str] = []
    kept: frozenset[str] = frozenset()
    for one in found:
        if one.address != address:
            continue
        is_right = one.is_active and not (subscriptions.is_whole and subscriptions.wanted - one.events)
        if is_right and not (one.events & kept):
            kept |= one.events
            continue
        await subscriptions.remove(one)
        done.append(f"removed a subscription of {_named(one.events)} that {_why(one, is_right=is_right)}")
    lots = _lots(subscriptions, subscriptions.wanted - kept)
    done += [f"subscribed to {_named(events)}" for events in lots if await _made(subscriptions, address, events)]
    for one in found:
        if one.address in former:
            await subscriptions.remove(one)
            done.append(f"removed the subscription of a former address to {_named(one.events)}")
    return tuple(done)


async def _made(subscriptions: Subscriptions, address: str, events: frozenset[str]) -> bool:
    """Make one; False if somebody was quicker, as an earlier try whose answer was lost."""
    try:
        await subscriptions.make(address, events)
    except VendorRefused as refused:
        if refused.status != HTTPStatus.CONFLICT:
            raise
        told = (one.events for one in await subscriptions.found() if one.address == address and one.is_active)
        if events - frozenset[str]().union(*told):
            raise
        return False
    return True


async def forget(subscriptions: Subscriptions, addresses: Collection[str]) -> int:
    """Delete every subscription of these addresses; how many there were."""
    ours = [one for one in await subscriptions.found() if one.address in addresses]
    for one in ours:
        await subscriptions.remove(one)
    return len(ours)


def _lots(subscriptions: Subscriptions, missing: frozenset[str]) -> Iterable[frozenset[str]]:
    if not missing:
        return ()
    return (missing,) if subscriptions.is_whole else (frozenset({event}) for event in sorted(missing))


def _why(subscription: Subscription, *, is_right: bool) -> str:
    if is_right:
        return "was there twice"
    return "told of too little" if subscription.is_active else "was switched off"


def _named(events: frozenset[str]) -> str:
    return ", ".join(sorted(events)) or "nothing"
