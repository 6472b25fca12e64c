"""Release asking: may a claimed delivery leave, as the ledger stands?

It must never know more than planning does: the question is put to the same functions, with
what the ledger holds now instead of then.
"""

from datetime import datetime, timedelta
from typing import cast

from agents.client_views import view_of
from agents.ledger.deliveries import Claimed, Ready
from agents.tenants import Tenant
from schemas.celebration import Verdict
from schemas.milestone import Milestone
from schemas.policy import Budget, ChannelName
from streams.planning.answer import answer_for, override_of
from streams.planning.objections import Objection, Question, first_objection
from streams.planning.release import Core, objection_to_release
from streams.planning.verdicts import Case, on_absence, on_budget, on_doubt, on_fault, on_objection

_WITHOUT_ADDRESS = frozenset({"in_app", "slack"})


def objection_of(claimed: Claimed, ready: Ready, tenant: Tenant | None, now: datetime) -> Verdict | None:
    """Why it may not leave, as a verdict; None when it may."""
    case = case_of(claimed, ready)
    verdict = _verdict(case, ready, tenant, now)
    return on_doubt(case, verdict) if verdict and ready.in_doubt else verdict


def _verdict(case: Case, ready: Ready, tenant: Tenant | None, now: datetime) -> Verdict | None:
    if tenant is None:
        return on_fault(case, "no_channel", "the tenant's folder is gone")
    if tenant.rulebook.policy.mode == "shadow":
        return on_objection(case, Objection(outcome="skip", reason="shadow"))
    objection = objection_to_release(
        question_of(tenant, ready, now),
        _channel(ready),
        of_tier=ready.celebrated,
        of_all=ready.celebrated_of_all,
        core=Core(celebrated_at=ready.celebrated_at, waits=ready.core_waits),
    )
    return on_objection(case, objection) if objection else _lack_of(case, ready, tenant)


def _lack_of(case: Case, ready: Ready, tenant: Tenant) -> Verdict | None:
    """What it needs and does not have: an account, money, an address."""
    if _is_over_budget(ready, tenant):
        return on_budget(case, tenant.coach(ready.client.coach).id)
    if ready.channel not in tenant.channels:
        return on_fault(case, "no_channel")
    if ready.channel in _WITHOUT_ADDRESS or address_of(ready):
        return None
    return on_absence(case, "no_address" if ready.client.profile else "no_profile")


def _is_over_budget(ready: Ready, tenant: Tenant) -> bool:
    """Whether others have taken the money since it was planned, and no coach has agreed to this gift."""
    budget, cents = tenant.rulebook.policy.budget, ready.gift_cents
    is_within = (
        ready.client_cents + cents <= budget.client_month_cents
        and ready.tenant_cents + cents <= budget.tenant_month_cents
    )
    return ready.channel == "gift" and not (is_within or ready.money_agreed)


def budget_of(ready: Ready, tenant: Tenant) -> Budget | None:
    """What the gift has to keep to; None when a coach has agreed to it."""
    return None if ready.money_agreed else tenant.rulebook.policy.budget


def told_apart(tenant: Tenant, ready: Ready, now: datetime) -> tuple[Milestone, ...]:
    """Milestones that the message was to tell of too, and to which somebody objects now; being late is no objection."""
    channel = _channel(ready)
    asked = ((one, first_objection(question_of(tenant, ready, now, about=one), channel)) for one in ready.also)
    return tuple(one for one, objection in asked if objection and objection.reason != "expired")


def question_of(tenant: Tenant, ready: Ready, now: datetime, *, about: Milestone | None = None) -> Question:
    """The question of planning, with what the ledger holds now; `about` another milestone that is told along."""
    milestone = about or ready.milestone
    asked_at, referral = ready.referral_asked_at, tenant.referral
    cool_down = timedelta(days=referral.cool_down_days if referral else 0)
    override = override_of(tenant.rulebook.by_id.get(milestone.rule))
    return Question(
        answer=answer_for(milestone, tenant.rulebook.policy, override),
        client=view_of(ready.client, tenant),
        pauses=ready.pauses,
        moment_taken=ready.moment_taken and about is None,
        now=now,
        referral_is_recent=asked_at is not None and now < asked_at + cool_down,
        has_private_slack=tenant.slack is not None and tenant.slack.audience == "coaches",
        core_was_opened=ready.core_opened,
        recovered=ready.recovered.get(milestone.milestone_id),
    )


def carried_by(tenant: Tenant, ready: Ready, now: datetime) -> tuple[ChannelName, ...]:
    """The keepsakes that the message carries: those that are still allowed."""
    if not ready.keepsakes:
        return ()
    question = question_of(tenant, ready, now)
    return tuple(name for name in ready.keepsakes if first_objection(question, name) is None)


def case_of(claimed: Claimed, ready: Ready) -> Case:
    """The delivery as verdicts see it."""
    return Case(
        delivery_id=claimed.delivery_id,
        channel=ready.channel,
        milestone=ready.milestone,
        attempts=ready.attempts,
        deferrals=ready.deferrals,
    )


def address_of(ready: Ready) -> str | None:
    """Where a message of the delivery's channel goes; None when the profile does not say."""
    profile = ready.client.profile
    if profile is None:
        return None
    return profile.phone if ready.channel == "sms" else profile.email


def _channel(ready: Ready) -> ChannelName:
    return cast("ChannelName", ready.channel)
