"""Connecting one source: its secrets, its address, the trial of it, and the subscription at the vendor.

It must never subscribe an address that was not seen to work: a vendor counts every hook that fails,
and switches an address off after a few. Run again it changes only what is not right.

Theory of operation: secrets first, for the address is made of one; then the trial, which the running
service must hear once it has taken the secrets up; then the vendor.
"""

from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from agents.connect.habit_tracker import ask_tracker
from agents.connect.new_secrets import TwoAreValid, new_key, new_path, new_webhook_key, require_room
from agents.connect.steps import steps_for
from agents.connect.subscriptions import ensure, forget
from agents.connect.trial import TrialFailed, try_address
from agents.connect.vendors import SecretMissing, subscriptions_of
from agents.ledger.pool import Pool
from agents.secret_files import SecretFiles
from schemas.tenant import HabitPullSource, Source, missing_secrets

_KEYS_OF_OURS = {"calendly": new_key, "standard_webhooks": new_webhook_key}
"""Kinds whose signing key is ours to make; of the others the vendor gives it."""

_HANDED_OVER = frozenset({"standard_webhooks"})
"""Kinds whose key a person gives to the tool: it is shown as it is made, for a sealed file shows it to nobody."""

Say = Callable[[str], None]

__all__ = ["Connecting", "SecretMissing", "TrialFailed", "TwoAreValid", "connect_source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connecting:
    """What is connected, and with what.

    Attributes:
        public_url: where `cairn serve` is reached from outside.
        trial_query: the statement `trial_of_source`.
        has_trial: whether the address is tried before anything is subscribed.
    """

    tenant: str
    source: Source
    secrets: SecretFiles
    public_url: str
    pool: Pool
    trial_query: str
    session: aiohttp.ClientSession
    has_trial: bool = True

    def address(self, path: str) -> str:
        """The hook's public address that ends with this secret path."""
        return f"{self.public_url.rstrip('/')}/hooks/{self.tenant}/{self.source.name}/{path}"

    def addresses(self) -> tuple[str, ...]:
        """Every address that is valid, newest first."""
        return tuple(self.address(path) for path in self.secrets.values(self.tenant, f"{self.source.name}.path"))


async def connect_source(work: Connecting, say: Say, *, rotate: bool = False) -> None:
    """Connect it, and say what was found and done, a line each.

    Args:
        work: what is connected.
        say: prints a line.
        rotate: only make new secrets, valid beside the old ones.

    Raises:
        SecretMissing: the operator has to write one first.
        TwoAreValid: the last rotation was not finished.
        TrialFailed: the address does not work.
        VendorRefused, VendorAway: the vendor does not do what it was asked.
    """
    if isinstance(work.source, HabitPullSource):
        await _try_tracker(work, work.source, say)
        return
    if rotate:
        _rotate(work, say)
        return
    is_key_new = _make_what_is_missing(work, say)
    address, *former = work.addresses()
    say(f"The address for hooks of {work.tenant}/{work.source.name}:")
    say(address)
    _say_steps(work, say)
    subscriptions = subscriptions_of(work.source, work.tenant, work.secrets, work.session)
    _require_secrets(work)
    if subscriptions is not None and is_key_new and await forget(subscriptions, work.addresses()):
        say("Removed the subscription whose signing key is lost.")
    if work.has_trial:
        keys = work.secrets.values(work.tenant, f"{work.source.name}.key")
        await try_address(
            work.session, work.pool, work.trial_query, tenant=work.tenant, source=work.source, address=address,
            key=keys[0] if keys else None,
        )  # fmt: skip
        say("The trial was answered with 202 and heard: address, key and service fit.")
    if subscriptions is not None:
        done = await ensure(subscriptions, address, former)
        for line in done or ("the subscription is there and right: nothing was changed",):
            say(f"At the vendor: {line}.")


async def _try_tracker(work: Connecting, source: HabitPullSource, say: Say) -> None:
    """Nothing is sent to us: that it answers is all there is to connect."""
    _say_steps(work, say)
    _require_secrets(work)
    token, *_ = work.secrets.values(work.tenant, f"{source.name}.key")
    await ask_tracker(work.session, source, token)
    say("The tracker was asked and tells a list: address and token fit.")


def _make_what_is_missing(work: Connecting, say: Say) -> bool:
    """Make the secrets that are ours to make; True if the signing key was missing."""
    makers = _makers(work.source)
    missing = [name for name in makers if not work.secrets.values(work.tenant, name)]
    for name in missing:
        _make(work, name, makers[name], say, f"Made the secret file {name}.")
    return f"{work.source.name}.key" in missing


def _makers(source: Source) -> dict[str, Callable[[], str]]:
    """What makes each of the secrets that are ours to make, by the file's name."""
    makers = {f"{source.name}.path": new_path}
    if source.kind in _KEYS_OF_OURS:
        makers[f"{source.name}.key"] = _KEYS_OF_OURS[source.kind]
    return makers


def _make(work: Connecting, name: str, make: Callable[[], str], say: Say, told: str) -> None:
    value = make()
    work.secrets.put(work.tenant, name, value)
    say(told)
    if name.endswith(".key") and work.source.kind in _HANDED_OVER:
        say("The signing key for the tool, which is shown this once:")
        say(value)


def _rotate(work: Connecting, say: Say) -> None:
    """New secrets before the old ones; all or, if one has two values already, none."""
    makers = _makers(work.source)
    require_room(work.secrets, work.tenant, makers)
    for name, make in makers.items():
        _make(work, name, make, say, f"{name} has a new value; the old one stays valid.")
    again = f"`cairn connect {work.source.name} --tenant {work.tenant}`"
    say(f"1. Run {again}: it tries the new address and moves the hooks; those made by hand, you move.")
    say("2. Once `cairn sources` shows that hooks come, `cairn secrets retire` the old values.")


def _require_secrets(work: Connecting) -> None:
    missing = missing_secrets(work.tenant, work.source, work.secrets.values)
    if missing:
        files = ", ".join(str(work.secrets.folder / work.tenant / name) for name in missing)
        raise SecretMissing(f"write what the steps above name to {files}, then run this again")


def _say_steps(work: Connecting, say: Say) -> None:
    for number, step in enumerate(steps_for(work.source), start=1):
        say(f"{number}. {step}")
