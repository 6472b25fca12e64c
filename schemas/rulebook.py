"""The rulebook: rules, policy and defaults of a tenant, validated whole.

A rulebook is refused with every error at once, each with its line and the nearest word
that would have been right, because the person who reads the text is a coach. The digest is
over the canonical form: two files that mean the same have the same digest.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import blake2b
from typing import Annotated, Any, get_args

import msgspec
import pydantic
from pydantic import Field

from schemas.experiment_links import broken_experiments
from schemas.experiments import Experiment, Variant
from schemas.milestone import Tier
from schemas.policy import Budget, Cap, Clients, FollowUp, HoldOut, Policy, QuietHours, Surge, TierPolicy
from schemas.rulebook_faults import Fault, explain, in_file_order
from schemas.rulebook_links import broken_links
from schemas.rules import (
    Audience,
    CountWhen,
    DateWhen,
    Defaults,
    LapseWhen,
    PercentWhen,
    Reward,
    Rule,
    StreakWhen,
    SumWhen,
    ValueWhen,
)  # fmt: skip
from schemas.yaml_lines import Path, Place, YamlFault, read_yaml

MAX_RULES = 200


class RulebookErrors(ValueError):
    """A rulebook that does not hold up; `faults` has every error in the order of the file."""

    def __init__(self, name: str, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(f"{name}:{fault}" for fault in faults))
        self.faults = faults


class RulebookFile(Policy):
    """What the file holds: the policy's parts and the rules, side by side.

    Attributes:
        version: raise it with every change.
        defaults: what holds where a profile or an event says nothing.
        rules: what is celebrated.
        mode: `live`, or `shadow`, which plans and shows everything and sends nothing.
        unknown: what becomes of a message of which nobody can say whether it left: `hold` asks a person,
            `resend` sends it once more when its provider has told nothing for a quarter of an hour.
        tiers: how each tier is answered; what is left out is as in the starter.
        budget: what may be spent in a calendar month.
        quiet_hours: the hours in which nothing arrives.
        hold_out: the share of clients left uncelebrated to measure the effect.
        approval: what waits for a coach where neither rule nor tier says so.
        cap: at most so many celebrations of all tiers for one client; a major goes in any case.
        by_hand: clients whom people congratulate, never a machine.
        ask_first: clients of whom nothing goes without approval.
        surge: the automatic brake: a tenant that sends many times what it usually does is paused.
        experiments: ways of answering that are compared with each other; a client stays with one.
    """

    version: Annotated[int, Field(ge=1, le=2**31 - 1, strict=True)] = 1
    defaults: Defaults = Defaults()
    rules: Annotated[tuple[Rule, ...], Field(max_length=MAX_RULES)]


class Rulebook(pydantic.BaseModel):
    """A valid rulebook.

    Attributes:
        version: raised by its author whenever the file changes; an owner with a lower one
            than a partition has used waits for the newer.
        digest: 16 hex characters over the canonical form; carried by each milestone.
    """

    model_config = pydantic.ConfigDict(frozen=True)

    version: int
    defaults: Defaults
    rules: tuple[Rule, ...]
    policy: Policy
    digest: str

    @cached_property
    def by_id(self) -> dict[str, Rule]:
        """The rules by their ids."""
        return {rule.id: rule for rule in self.rules}


def load_rulebook(text: str, name: str) -> Rulebook:
    """The rulebook that a file's text holds; `name` is what errors call the file.

    Raises:
        RulebookErrors: with every error and its line.
    """
    return read_rulebook(text, name)[0]


def read_rulebook(text: str, name: str) -> tuple[Rulebook, Mapping[Path, Place]]:
    """The rulebook, and where each of its parts stands in the text.

    Raises:
        RulebookErrors: with every error and its line.
    """
    try:
        value, places = read_yaml(text)
    except YamlFault as fault:
        raise RulebookErrors(name, (Fault(place=fault.place, path="", text=fault.text),)) from None
    faults = (*broken_links(value, places), *broken_experiments(value, places))
    try:
        file = RulebookFile.model_validate(value)
    except pydantic.ValidationError as error:
        faults = (*faults, *explain(error, places, _keys_at))
    if faults:
        raise RulebookErrors(name, in_file_order(faults))
    return _rulebook(file), places


def _rulebook(file: RulebookFile) -> Rulebook:
    return Rulebook(
        version=file.version,
        defaults=file.defaults,
        rules=file.rules,
        policy=Policy.model_construct(**{part: getattr(file, part) for part in Policy.model_fields}),
        digest=_digest(file),
    )


def _digest(file: RulebookFile) -> str:
    canonical = msgspec.json.encode(_canonical(file), order="deterministic")
    return blake2b(canonical, digest_size=8).hexdigest()


def _canonical(file: RulebookFile) -> dict[str, Any]:
    """The meaning of a file; what earlier builds did not know and it does not use is left out: the digest stays."""
    said = file.model_dump(mode="json", exclude={"version"})
    _leave_out(said, RulebookFile, _NEW_IN_FILE)
    for tier in said["tiers"].values():
        tier["approval"] = tier["approval"] or file.approval
        _leave_out(tier, TierPolicy, _NEW_IN_TIERS)
    for rule in said["rules"]:
        _leave_out(rule, Rule, _NEW_IN_RULES)
    return said


def _leave_out(said: dict[str, Any], model: type[pydantic.BaseModel], words: Iterable[str]) -> None:
    for word in words:
        default = model.model_fields[word].get_default(call_default_factory=True)
        plain = default.model_dump(mode="json") if isinstance(default, pydantic.BaseModel) else default
        if said[word] in (plain, [] if plain == () else plain):
            del said[word]


def _keys_at(path: Path) -> tuple[str, ...]:
    """The keys that may stand in the mapping at a path."""
    names = [part for part in path if isinstance(part, str)]
    if names[:1] == ["tiers"] and len(names) == _TIER_DEPTH:
        return _keys(TierPolicy)
    if names[:2] == ["experiments", "variants"] and len(names) > _TIER_DEPTH:
        return _keys(Variant)
    return _KEYS.get(names[-1] if names else "", ())


def _keys(*models: type[pydantic.BaseModel]) -> tuple[str, ...]:
    return tuple(field.alias or name for model in models for name, field in model.model_fields.items())


_TIER_DEPTH = 2
_NEW_IN_FILE = ("approval", "cap", "by_hand", "ask_first", "surge", "unknown", "experiments")
_NEW_IN_TIERS = ("follow_up", "generous")
_NEW_IN_RULES = ("by_hand", "personal", "generous")
_KEYS = {
    "": _keys(RulebookFile),
    "rules": _keys(Rule),
    "when": _keys(CountWhen, StreakWhen, PercentWhen, SumWhen, ValueWhen, DateWhen, LapseWhen),
    "clients": _keys(Audience),
    "defaults": _keys(Defaults),
    "tiers": get_args(Tier),
    "cap": _keys(Cap),
    "budget": _keys(Budget),
    "quiet_hours": _keys(QuietHours),
    "hold_out": _keys(HoldOut),
    "follow_up": _keys(FollowUp),
    "reward": _keys(Reward),
    "by_hand": _keys(Clients),
    "ask_first": _keys(Clients),
    "surge": _keys(Surge),
    "experiments": _keys(Experiment),
}
