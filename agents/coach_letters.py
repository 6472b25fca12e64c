"""Letters to coaches: what waits for their yes, and what is left for them to do, as text and HTML.

It must never say more of a client than the first name, and never leave open what happens when
nobody answers, and when. The words stand in `deploy/templates/coach/`; both forms come from the
same paragraphs.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from agents.ledger.approvals import Approval
from agents.ledger.coach_mails import OpenTask
from agents.tenants import Tenant
from schemas.client import Profile
from schemas.tenant import Coach
from streams.planning.approvals import MONEY
from streams.planning.compose import compose, given_name
from streams.planning.languages import day, weekday

_TEMPLATES = Path(__file__).parents[1] / "deploy" / "templates" / "coach"
_WRAP = textwrap.TextWrapper(width=76, break_on_hyphens=False, break_long_words=False)
_LIST = textwrap.TextWrapper(width=76, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
_CENTS: Final = 100
_LANGUAGE: Final = "en"
_SIGNS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}
_PARTS: Final = {
    "email": "the mail",
    "in_app": "the message in the app",
    "sms": "the text message",
    "certificate": "the certificate",
    "badge": "the badge",
    "referral": "the referral request",
    "video": "the video",
    "slack": "the post on Slack",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CoachLetter:
    """One mail to a coach in words."""

    subject: str
    text: str
    html: str


class CoachLetters:
    """Writes them; built once.

    Args:
        templates: where the words are.
    """

    def __init__(self, templates: Path = _TEMPLATES) -> None:
        environment = Environment(
            loader=FileSystemLoader(templates),
            undefined=StrictUndefined,
            autoescape=select_autoescape(("html.j2",), default=False),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._approval = environment.get_template("approval.txt.j2")
        self._tasks = environment.get_template("tasks.txt.j2")
        self._layout = environment.get_template("mail.html.j2")

    def approval(self, approval: Approval, *, tenant: Tenant, coach: Coach, url: str, is_second: bool) -> CoachLetter:
        """The question about one celebration; `is_second` when nobody answered the first."""
        asked = tenant.coach(approval.coach)
        words = compose(
            approval.milestone, profile=approval.profile, coach=None, tenant_name=tenant.name, tenant_zone="UTC"
        )
        waiting = approval.situation.waiting
        text = self._approval.render(
            coach=_called(coach),
            who=client_called(approval.profile),
            name=words["name"],
            title=words.get("title"),
            waiting=parts_in_words(approval, tenant),
            has_money=bool(MONEY.intersection(waiting)),
            is_money_alone=MONEY.issuperset(waiting),
            amount=amount(approval.cents, tenant),
            closes=moment_in_words(approval.close_at, coach),
            is_second=is_second,
            asked=None if asked.id == coach.id else _called(asked),
        )
        return self._letter(text, tenant, button=("Look and decide", url))

    def tasks(self, tasks: Sequence[OpenTask], *, tenant: Tenant, coach: Coach) -> CoachLetter:
        """What is open for a coach this morning."""
        minutes = sum(task.minutes for task in tasks)
        text = self._tasks.render(coach=_called(coach), count=len(tasks), minutes=minutes)
        items = tuple((client_called(task.profile, at_start=True), task) for task in tasks)
        return self._letter(text, tenant, items=items)

    def _letter(
        self,
        text: str,
        tenant: Tenant,
        *,
        button: tuple[str, str] | None = None,
        items: tuple[tuple[str, OpenTask], ...] = (),
    ) -> CoachLetter:
        head, *rest = (" ".join(part.split()) for part in text.strip().split("\n\n"))
        paragraphs = [part for part in rest if part]
        html = self._layout.render(
            subject=head, paragraphs=paragraphs, button=button, items=items, practice=tenant.name
        )
        listed = [
            _LIST.fill(f"- {who}: {task.summary} ({_minutes(task.minutes)}, task {task.task_id})")
            for who, task in items
        ]
        first, *more = [_WRAP.fill(part) for part in paragraphs]
        link = [f"{button[0]}:\n{button[1]}"] if button else []
        body = [first, *(["\n".join(listed)] if listed else []), *more, *link, f"-- \n{tenant.name}"]
        return CoachLetter(subject=head, text="\n\n".join(body) + "\n", html=html)


def client_called(profile: Profile | None, *, at_start: bool = False) -> str:
    """A client by first name, if there is one."""
    name = given_name(profile.name) if profile and profile.name else None
    return name or ("A client" if at_start else "a client")


def amount(cents: int, tenant: Tenant) -> str:
    """Money in the currency of the tenant's gifts: `$25`, `€12.50`, `25 CHF`."""
    currency = tenant.gifts.currency if tenant.gifts else "USD"
    whole, rest = divmod(cents, _CENTS)
    figure = f"{whole}.{rest:02}" if rest else f"{whole}"
    return f"{_SIGNS[currency]}{figure}" if currency in _SIGNS else f"{figure} {currency}"


def parts_in_words(approval: Approval, tenant: Tenant) -> str:
    """What waits: `the mail, the certificate and a gift card of $25`."""
    gift = f"a gift card of {amount(approval.cents, tenant)}"
    words = [gift if part in MONEY else _PARTS[part] for part in approval.situation.waiting]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def moment_in_words(at: datetime, coach: Coach) -> str:
    """An instant as the coach's clock shows it: `Wednesday, 6 May, 08:00`."""
    local = at.astimezone(ZoneInfo(coach.timezone))
    on = local.date()
    return f"{weekday(on, _LANGUAGE)}, {day(on, on, _LANGUAGE)}, {local:%H:%M}"


def _called(coach: Coach) -> str:
    return given_name(coach.name) or coach.name


def _minutes(minutes: int) -> str:
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
