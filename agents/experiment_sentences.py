"""Experiments as sentences: what is compared, and how many clients get which way."""

from collections.abc import Iterator

from schemas.experiments import Experiment, Variant


def experiment_sentence(experiment: Experiment) -> str:
    """`words: of the clients with milestones of the tier streak, 70% get long (as ever), 30% get short (by sms)`."""
    about = ("rule", experiment.rules) if experiment.rules else ("tier", experiment.tiers or ())
    named = f"the {about[0]}{'s' if len(about[1]) > 1 else ''} {', '.join(about[1])}"
    shares = experiment.shares
    ways = (f"{100 * shares[name]:g}% get {name} ({_way(way)})" for name, way in experiment.variants.items())
    return f"{experiment.id}: of the clients with milestones of {named}, {', '.join(ways)}."


def _way(variant: Variant) -> str:
    return ", ".join(_differences(variant)) or "as ever"


def _differences(variant: Variant) -> Iterator[str]:
    if variant.template:
        yield f"the words {variant.template}"
    if variant.channels:
        yield f"by {', '.join(variant.channels)}"
    if variant.next:
        yield f"pointing to: {variant.next.replace('_', ' ')}"
