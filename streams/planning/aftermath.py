"""Aftermath: what a provider's word about a delivery changes, whatever came before it and in whatever order.

Pure, and the one place that decides it. It must never turn a message that came back into one that arrived,
nor send anything: it says what is known now, which wish of the client lies in it, and what the coach hears.

Theory of operation: a word may come before our own record of the outcome, twice, or late. So it is judged by
the state that the delivery has now. Whatever shows that a message left is stronger than our not knowing it
(`sending`, `unknown`), than a retry that waits and than a `failed` of ours; that it came back is the last word.
"""

from dataclasses import dataclass
from typing import Final, Literal

from schemas.celebration import CoachTask, Decision, DeliveryState, Reason
from schemas.milestone import Milestone
from schemas.provider_event import EventKind, ProviderEvent
from streams.planning.handwork import complaint_task, returned_task

Leaving = Literal["bounce", "complaint", "unsubscribe"]

_ARRIVED: Final[frozenset[EventKind]] = frozenset({"delivered", "opened", "clicked", "complained", "unsubscribed"})
_NOT_KNOWN: Final[frozenset[DeliveryState]] = frozenset({"sending", "unknown"})
_NOT_TOLD: Final[frozenset[DeliveryState]] = _NOT_KNOWN | {"pending", "held", "deferred", "failed"}
_LEFT: Final[frozenset[DeliveryState]] = frozenset({"sent", "delivered"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The delivery that a provider speaks of, as the ledger has it.

    Attributes:
        attempted: it has been with the provider; what never was cannot have arrived.
    """

    channel: str
    state: DeliveryState
    attempted: bool
    milestone: Milestone


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What changes.

    Attributes:
        state: the new state; None when it stays.
        reason: of the new state.
        is_settled: we know now what we did not: the coach need not ask any more.
        leaves: the client leaves the channel, with this as its source.
        is_complaint: marketing consent is withdrawn, and nothing goes until a person lifts that.
    """

    state: DeliveryState | None = None
    reason: Reason | None = None
    opened: bool = False
    clicked: bool = False
    is_settled: bool = False
    leaves: Leaving | None = None
    is_complaint: bool = False
    decision: Decision | None = None
    task: CoachTask | None = None


def aftermath(event: ProviderEvent, told: Told) -> Aftermath:
    """What the event means for the delivery."""
    state = _state(event.kind, told)
    reason = _reason(state)
    return Aftermath(
        state=state,
        reason=reason,
        opened=event.kind in ("opened", "clicked"),
        clicked=event.kind == "clicked",
        is_settled=told.state in _NOT_TOLD and state is not None,
        leaves=_leaves(event, told),
        is_complaint=event.kind == "complained",
        decision=_decision(state, reason, event, told),
        task=_task(reason, event, told),
    )


def _state(kind: EventKind, told: Told) -> DeliveryState | None:
    """The delivery's next state; None when it stays."""
    if not told.attempted or told.state in ("bounced", "skipped"):
        return None
    if kind == "accepted":
        return "sent" if told.state in _NOT_TOLD else None
    if kind in _ARRIVED:
        return "delivered" if told.state in _NOT_TOLD | {"sent"} else None
    if kind == "bounced":
        return "bounced"
    if told.state in _NOT_KNOWN:
        return "failed"
    return "bounced" if told.state in _LEFT else None


def _reason(state: DeliveryState | None) -> Reason | None:
    if state == "bounced":
        return "bounced"
    return "rejected" if state == "failed" else None


def _leaves(event: ProviderEvent, told: Told) -> Leaving | None:
    """A gift's address is the mail's: what fails there is asked of the mail itself."""
    if event.kind == "complained":
        return "complaint"
    if event.kind == "unsubscribed":
        return "unsubscribe"
    has_no_way = event.kind in ("bounced", "failed") and event.permanent
    return "bounce" if has_no_way and told.channel in ("email", "sms") else None


def _decision(state: DeliveryState | None, reason: Reason | None, event: ProviderEvent, told: Told) -> Decision | None:
    """What is written down: that it came back, and what we did not know before."""
    if reason is not None:
        return Decision(part=told.channel, outcome="task", reason=reason, detail=event.detail)
    if state is not None and told.state in _NOT_TOLD - {"sending"}:
        return Decision(part=told.channel, outcome="send", reason="provider_told", detail=event.kind)
    return None


def _task(reason: Reason | None, event: ProviderEvent, told: Told) -> CoachTask | None:
    """A major never vanishes, nor does money; a lighter message that came back is not worth a coach's minute."""
    if event.kind == "complained":
        return complaint_task(told.milestone, told.channel)
    if reason is None:
        return None
    matters = told.milestone.tier == "major" or told.channel == "gift"
    if not matters and reason == "bounced" and told.state != "unknown":  # of an unknown one the coach was asked before
        return None
    return returned_task(told.milestone, told.channel, reason, event.detail)
