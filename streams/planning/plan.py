"""Planning: a milestone becomes a celebration, each part with an outcome and its reason.

`plan` is pure and total: the same milestone, client, policy, history and instant give the
same celebration. It must never read a clock, look up an address or drop a part in silence.

Theory of operation: every channel that the answer names is judged by itself (`judge`): objections
first, then whether a person has to do it, approval, cap and quiet hours. What only a message can
carry goes with one, or to a person. The parts together are the celebration; what needs a person
becomes one task, what waits for a coach's word one ask.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from schemas.brake import Pause
from schemas.celebration import (
    Ask,
    Celebration,
    CelebrationOutcome,
    CoachTask,
    Decision,
    Delivery,
    celebration_id,
    delivery_id,
)
from schemas.milestone import Milestone
from schemas.policy import ChannelName, NextStep, Policy
from streams.planning.account import Account
from streams.planning.answer import CARRIERS, KEEPSAKES, MESSAGES, Answer, Override, answer_for
from streams.planning.client_view import ClientView
from streams.planning.handwork import coach_task
from streams.planning.history import Past, is_moment_taken
from streams.planning.judge import Part, channels_of, judge, slot_of
from streams.planning.objections import Question

_NO_OVERRIDE = Override()
_NO_ACCOUNT = Account()
_BRAKES = frozenset({"recovered", "paused", "suppressed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a tenant has set up, and what is tried with this client.

    Attributes:
        channels: those that are set up; another is skipped, and the next of the answer goes.
        referral_cool_down: a client is asked for a referral once in this while.
        has_private_slack: what is posted in Slack is read by coaches alone.
        next_step: what the message points to.
        variant: the experiment and variant that the client was assigned to.
        is_held_out: the client is among those who are left uncelebrated to measure the effect.
        hears_unsigned: a source of the tenant signs nothing.
    """

    channels: frozenset[ChannelName] = MESSAGES
    referral_cool_down: timedelta = timedelta(0)
    has_private_slack: bool = False
    next_step: NextStep | None = None
    variant: str | None = None
    is_held_out: bool = False
    hears_unsigned: bool = False


_BARE = Setting()


def plan(  # noqa: PLR0913 - keyword-only, and each is another thing that decides
    milestone: Milestone,
    *,
    client: ClientView,
    policy: Policy,
    override: Override = _NO_OVERRIDE,
    history: Sequence[Past] = (),
    account: Account = _NO_ACCOUNT,
    pauses: tuple[Pause, ...] = (),
    recovered: str | None = None,
    setting: Setting = _BARE,
    now: datetime,
) -> Celebration:
    """The celebration of a milestone.

    Args:
        milestone: reached, not retracted.
        client: what the ledger knows about the client.
        policy: the tenant's.
        override: what the rule says differently.
        history: the client's celebrations, at least of the last seven days and with moments.
        account: what else the ledger knows of them.
        pauses: every pause in force.
        recovered: why it is held after a restore of the ledger; None when it is not.
        setting: what the tenant has set up.
        now: domain time.
    """
    answer = answer_for(milestone, policy, override, account.earlier)
    question = replace(_question(answer, client, history, account, pauses, setting, now), recovered=recovered)
    slot = slot_of(answer, client, history, setting.channels, now)
    parts = [judge(question, channel, slot, account) for channel in channels_of(answer, slot)]
    parts = _carried(parts)
    task = _task(parts, answer)
    if policy.mode == "shadow":
        parts, task = [_shadowed(part) for part in parts], None
    return _celebration(answer, parts, task, account, setting, now)


def _question(
    answer: Answer,
    client: ClientView,
    history: Sequence[Past],
    account: Account,
    pauses: tuple[Pause, ...],
    setting: Setting,
    now: datetime,
) -> Question:
    tier, asked_at = answer.milestone.tier, account.referral_asked_at
    is_spared = tier == "major" or (tier == "streak" and account.is_first_streak)
    return Question(
        answer=answer,
        client=client,
        pauses=pauses,
        moment_taken=is_moment_taken(history, answer.moment, answer.milestone.milestone_id),
        now=now,
        is_held_out=setting.is_held_out and not is_spared,
        referral_is_recent=asked_at is not None and now < asked_at + setting.referral_cool_down,
        has_private_slack=setting.has_private_slack,
        hears_unsigned=setting.hears_unsigned,
    )


def _carried(parts: list[Part]) -> list[Part]:
    """Keepsakes without a message that could carry them are left to a person; so no certificate is lost."""
    if any(part.channel in CARRIERS and part.goes for part in parts):
        return parts
    return [
        replace(part, outcome="task", reason="not_carried", is_handwork=True)
        if part.channel in KEEPSAKES and part.goes
        else part
        for part in parts
    ]


def _task(parts: Sequence[Part], answer: Answer) -> CoachTask | None:
    chores = [part.channel for part in parts if part.is_handwork and part.outcome == "task"]
    reasons = [part.reason for part in parts if part.tell]
    return coach_task(answer.milestone, chores, reasons, answer.gift_cents) if chores or reasons else None


def _shadowed(part: Part) -> Part:
    would = f"would be: {part.outcome}, {part.reason}"
    return replace(part, outcome="skip", reason="shadow", detail=would)


def _celebration(
    answer: Answer,
    parts: Sequence[Part],
    task: CoachTask | None,
    account: Account,
    setting: Setting,
    now: datetime,
) -> Celebration:
    milestone, own_id = answer.milestone, celebration_id(answer.milestone.milestone_id)
    return Celebration(
        celebration_id=own_id,
        milestone_id=milestone.milestone_id,
        revision=milestone.revision,
        tenant=milestone.tenant,
        client=milestone.client,
        rule=milestone.rule,
        tier=milestone.tier,
        mode=answer.policy.mode,
        outcome=_outcome(parts, task),
        moment=answer.moment,
        planned_at=now,
        due_at=min((part.due_at for part in parts if part.goes), default=now),
        expires_at=answer.expires_at,
        deliveries=tuple([_delivery(own_id, part, answer) for part in parts if not part.is_handwork]),
        decisions=tuple(
            [Decision(part=one.channel, outcome=one.outcome, reason=one.reason, detail=one.detail) for one in parts]
        ),
        task=task,
        asks=_ask(parts, answer),
        gift_cents=answer.gift_cents if any(part.channel == "gift" and part.goes for part in parts) else 0,
        next_step=setting.next_step,
        phrase=account.phrase,
        is_first=account.is_first,
        variant=setting.variant,
    )


def _ask(parts: Sequence[Part], answer: Answer) -> Ask | None:
    waiting = tuple([part.channel for part in parts if part.waits_for_approval])
    return Ask(parts=waiting, cents=answer.gift_cents if "gift" in waiting else 0) if waiting else None


def _outcome(parts: Sequence[Part], task: CoachTask | None) -> CelebrationOutcome:
    outcomes = {part.outcome for part in parts}
    if "send" in outcomes:
        return "send"
    if "hold" in outcomes:
        return "hold"
    return "task" if task else "skip"


def _delivery(celebration: str, part: Part, answer: Answer) -> Delivery:
    """The row that senders see: a wait for people is `held`, a wait for a time is `pending`."""
    is_held = part.waits_for_approval or part.reason in _BRAKES
    return Delivery(
        delivery_id=delivery_id(celebration, part.channel),
        channel=part.channel,
        state=("held" if is_held else "pending") if part.goes else "skipped",
        reason=None if part.reason == "planned" else "approval" if part.waits_for_approval else part.reason,
        due_at=part.due_at,
        expires_at=answer.expires_at,
    )
