"""Release asking: may a claimed delivery leave, as the ledger stands?

It must never know more than planning does: the question is put to the same functions, with
what the ledger holds now instead of then.
"""

from datetime import datetime
from typing import cast

from agents.client_views import view_of
from agents.ledger.deliveries import Claimed, Ready
from agents.tenants import Tenant
from schemas.celebration import Verdict
from schemas.policy import ChannelName
from streams.planning.answer import answer_for, override_of
from streams.planning.objections import Objection, Question, first_objection
from streams.planning.release import objection_to_release
from streams.planning.verdicts import Case, on_absence, on_fault, on_objection

_WITHOUT_ADDRESS = frozenset({"in_app", "slack"})


def objection_of(claimed: Claimed, ready: Ready, tenant: Tenant | None, now: datetime) -> Verdict | None:
    """Why it may not leave, as a verdict; None when it may."""
    case = case_of(claimed, ready)
    if tenant is None:
        return on_fault(case, "no_channel", "the tenant's folder is gone")
    if tenant.rulebook.policy.mode == "shadow":
        return on_objection(case, Objection(outcome="skip", reason="shadow"))
    objection = objection_to_release(
        question_of(tenant, ready, now), _channel(ready), of_tier=ready.celebrated, of_all=ready.celebrated_of_all
    ) or _over_budget(ready, tenant)
    if objection:
        return on_objection(case, objection)
    if ready.channel not in tenant.channels:
        return on_fault(case, "no_channel")
    if ready.channel in _WITHOUT_ADDRESS or address_of(ready):
        return None
    return on_absence(case, "no_address" if ready.client.profile else "no_profile")


def _over_budget(ready: Ready, tenant: Tenant) -> Objection | None:
    """Money that others have taken since it was planned: a coach is asked."""
    budget, cents = tenant.rulebook.policy.budget, ready.gift_cents
    is_within = (
        ready.client_cents + cents <= budget.client_month_cents
        and ready.tenant_cents + cents <= budget.tenant_month_cents
    )
    return None if ready.channel != "gift" or is_within else Objection(outcome="hold", reason="over_budget")


def question_of(tenant: Tenant, ready: Ready, now: datetime) -> Question:
    """The question of planning, with what the ledger holds now."""
    milestone = ready.milestone
    override = override_of(tenant.rulebook.by_id.get(milestone.rule))
    return Question(
        answer=answer_for(milestone, tenant.rulebook.policy, override),
        client=view_of(ready.client, tenant),
        pauses=ready.pauses,
        moment_taken=ready.moment_taken,
        now=now,
        has_private_slack=tenant.slack is not None and tenant.slack.audience == "coaches",
        core_was_opened=ready.core_opened,
    )


def carried_by(tenant: Tenant, ready: Ready, now: datetime) -> tuple[ChannelName, ...]:
    """The keepsakes that the message carries: those that are still allowed."""
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
