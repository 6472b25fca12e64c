"""Experiments: which variant a client gets, and who is held out; deterministic, for ever the same.

It must never draw lots: a client's place is a hash of tenant, client and the experiment's id, so
that another experiment, another rule or another client moves nobody. The place of a variant
follows its name, not its line in the file: putting the lines in another order moves nobody
either. Changing a share does move those at its border.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from schemas.experiments import Experiment, Variant
from schemas.milestone import Milestone
from schemas.policy import HoldOut

_PLACES: Final = 2**64
_HOLD_OUT: Final = "hold_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """The variant of one client in one experiment.

    Attributes:
        experiment: its id.
        name: the variant's.
        variant: what it changes.
    """

    experiment: str
    name: str
    variant: Variant

    @property
    def pinned(self) -> str:
        """What is written into `celebrations.variant`."""
        return f"{self.experiment}/{self.name}"


def assign(experiments: Sequence[Experiment], milestone: Milestone) -> Assigned | None:
    """The variant by which a milestone is answered; None when no experiment is about it."""
    for experiment in experiments:
        if milestone.rule in (experiment.rules or ()) or milestone.tier in (experiment.tiers or ()):
            name = _variant(experiment, milestone.tenant, milestone.client)
            return Assigned(experiment=experiment.id, name=name, variant=experiment.variants[name])
    return None


def is_held_out(hold_out: HoldOut, tenant: str, client: str) -> bool:
    """Whether a client belongs to those who are left uncelebrated to measure the effect."""
    return _place(tenant, client, _HOLD_OUT) < hold_out.share * _PLACES


def _variant(experiment: Experiment, tenant: str, client: str) -> str:
    shares = sorted(experiment.shares.items())
    place, border = _place(tenant, client, experiment.id), 0.0
    for name, share in shares:
        border += share
        if place < border * _PLACES:
            return name
    # The shares of a float may come to a hair less than 1.
    return next(name for name, share in reversed(shares) if share)


def _place(tenant: str, client: str, about: str) -> int:
    """From 0 up to but not including `_PLACES`; each part behind its length, so that none runs into the next."""
    digest = blake2b(digest_size=8, person=b"cairn variants")
    for part in (tenant, client, about):
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big"))
        digest.update(raw)
    return int.from_bytes(digest.digest(), "big")
