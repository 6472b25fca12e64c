"""What Teachable answers about users, held against what hooks claim that they completed.

Pure. A confirmed completion of a course, also one by a progress of 100 percent, is named by the user, the course and
the enrollment that the answer tells, and dated by it: a hook that claims the same once more, under whatever id, is the
same event. What else the hook says, such as the lesson that completed the course, is the hook's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from agents.intake.completion_claim import FULL_PERCENT, is_address, is_completion, not_confirmed
from agents.intake.finding import Finding, Happening, Ignored
from agents.intake.teachable import each_reason_once, own_id
from agents.intake.vendor_json import identifier, moment

_ID_DIGITS = 18
_MOST_ASKED = 20
"""Users asked for because of one body, so that a body is read in the time that a hook has."""

Users = Mapping[int, Mapping[str, Any] | None]


def users_to_ask(found: Sequence[Finding | Ignored]) -> list[int]:
    """The numbers of the users of whom a completion is claimed, each once."""
    users = {_user_of(one) for one in found if isinstance(one, Finding) and _claims(one)}
    return sorted(user for user in users if user is not None)[:_MOST_ASKED]


def unclaimed(found: Sequence[Finding | Ignored]) -> tuple[Finding, ...]:
    """The findings that claim no completion, about which nobody is asked."""
    return tuple(one for one in found if isinstance(one, Finding) and not _claims(one))


def held_against(
    source_name: str, found: Sequence[Finding | Ignored], users: Users, heard_at: datetime
) -> tuple[Finding | Ignored, ...]:
    """What was found, with its claims as they are confirmed; an envelope that claims too much is `not_confirmed`.

    One about a person who was not asked for is `too_large`: to ask again would be to ask about the same people.

    Args:
        source_name: the tenant's word for the school.
        found: one an envelope.
        users: the answers for `users_to_ask`, None where Teachable has no such user.
        heard_at: no completion is later.
    """
    return each_reason_once(
        [
            _confirmed(source_name, one, users, heard_at) if isinstance(one, Finding) and _claims(one) else one
            for one in found
        ]
    )


def _user_of(finding: Finding) -> int | None:
    text = finding.person.external_id or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS else None


def _claims(finding: Finding) -> list[Happening]:
    return [each for each in finding.happenings if _is_claim(each)]


def _is_claim(happening: Happening) -> bool:
    return is_completion(happening.type, getattr(happening.data, "percent", None))


def _confirmed(source_name: str, finding: Finding, users: Users, heard_at: datetime) -> Finding | Ignored:
    number = _user_of(finding)
    if number is not None and number not in users:
        return Ignored(
            reason="too_large",
            detail=f"one hook claims completions of more than {_MOST_ASKED} people: nobody else is asked about",
        )
    user = None if number is None else users[number]
    if user is None or identifier(user.get("id")) != finding.person.external_id:
        return not_confirmed("Teachable has no such user")
    if not is_address(finding.person.email, user.get("email")):
        return not_confirmed("the user has another address at Teachable")
    completed = _completed(user.get("courses"))
    if not all(claim.data.course_id in completed for claim in _claims(finding)):
        return not_confirmed("Teachable does not say that the user completed the course")
    happenings = tuple(
        _answered(source_name, number, each, completed[each.data.course_id], heard_at) if _is_claim(each) else each
        for each in finding.happenings
    )
    return replace(finding, happenings=happenings)


def _completed(courses: object) -> dict[str, Mapping[str, Any]]:
    """The courses that are completed, by their id as ours; an enrollment that has ended since undoes none."""
    known = [course for course in courses if isinstance(course, Mapping)] if isinstance(courses, list) else []
    return {
        own_id(id_): course for course in known if (id_ := identifier(course.get("course_id"))) and _is_done(course)
    }


def _is_done(course: Mapping[str, Any]) -> bool:
    percent = course.get("percent_complete")
    is_full = isinstance(percent, int | float) and not isinstance(percent, bool) and percent >= FULL_PERCENT
    return is_full or moment(course.get("completed_at")) is not None


def _answered(
    source_name: str, number: int | None, happening: Happening, course: Mapping[str, Any], heard_at: datetime
) -> Happening:
    enrolled_at = moment(course.get("enrolled_at"))
    said = (number, happening.data.course_id, enrolled_at.isoformat() if enrolled_at else "")
    digest = blake2b(repr(said).encode(), digest_size=12).hexdigest()
    completed_at = moment(course.get("completed_at")) or happening.occurred_at
    return replace(happening, id=f"{source_name}:{digest}:{happening.type}", occurred_at=min(completed_at, heard_at))
