"""Experiments: two or more ways of answering the same milestones, and who gets which.

An experiment is about rules or about whole tiers; no rule is in two, because then nobody could
say which of them made the difference. What only the whole file can tell (rules that are not
there, money where none may be spent) is asked by `schemas.experiment_links`.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.answer_words import ChannelName, NextStep
from schemas.milestone import Tier
from schemas.rule_words import Part, Slug

_SLACK = 1e-9


class Variant(Part):
    """One way of answering; what it leaves out is as the rule and its tier say.

    Attributes:
        share: the part of clients who get it, 0 to 1; without one, an equal part of what is left.
        template: the words of this name.
        channels: these channels, the first the most important.
        next: what the message points to.
    """

    share: Annotated[float, Field(ge=0, le=1, strict=True)] | None = None
    template: Slug | None = None
    channels: Annotated[tuple[ChannelName, ...], Field(min_length=1)] | None = None
    next: NextStep | None = None


class Experiment(Part):
    """One question to the clients: which of these ways serves them better?

    Attributes:
        id: the experiment's name for the machine; a client's variant hangs on it, so it must never change.
        rules: it is about milestones of these rules.
        tiers: it is about milestones of these tiers.
        variants: two or more ways by name; the others are compared with the first.
    """

    id: Slug
    rules: Annotated[tuple[Slug, ...], Field(min_length=1)] | None = None
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)] | None = None
    variants: Annotated[dict[Slug, Variant], Field(min_length=2)]

    @model_validator(mode="after")
    def _is_about_one_thing(self) -> Self:
        if (self.rules is None) == (self.tiers is None):
            raise ValueError("an experiment needs exactly one of: rules, tiers")
        return self

    @model_validator(mode="after")
    def _shares_are_a_whole(self) -> Self:
        said = [variant.share for variant in self.variants.values() if variant.share is not None]
        is_split = len(said) < len(self.variants)
        if sum(said) > 1 + _SLACK or (not is_split and sum(said) < 1 - _SLACK):
            raise ValueError(f"the shares come to {sum(said):g}; everybody gets exactly one variant: make it 1")
        if is_split and sum(said) > 1 - _SLACK:
            raise ValueError("the shares that are said leave nobody for the other variants")
        return self

    @property
    def shares(self) -> dict[str, float]:
        """The share of each variant."""
        left = 1 - sum(variant.share or 0.0 for variant in self.variants.values())
        unsaid = sum(variant.share is None for variant in self.variants.values())
        return {
            name: left / unsaid if variant.share is None else variant.share for name, variant in self.variants.items()
        }
