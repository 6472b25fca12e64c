"""Consents of the play: who wants to hear of offers, as the practice's own platform tells it.

No booking tool carries consents, so they come as `client.updated` messages: three clients of four
agree to marketing when they join, a few of them take it back weeks later, the others were never
asked. A change of mind lies weeks from every thirty-sixth session.
"""

from datetime import UTC, datetime, time, timedelta

from demo.people import PRACTICE_ZONE, Person
from demo.steps import MessageStep

_NEVER_ASKED_EVERY = 4
_TAKES_BACK_EVERY = 13
_TAKEN_BACK_AFTER = timedelta(days=40)


def consents_of(person: Person) -> list[MessageStep]:
    """What the client says about marketing, in time order; nothing from those who were never asked."""
    if person.number % _NEVER_ASKED_EVERY == 1:
        return []
    at = datetime.combine(person.joined_on, time(8), PRACTICE_ZONE).astimezone(UTC) + timedelta(minutes=person.number)
    said = [_message(person, at, granted=True, source="sign-up form")]
    if person.number % _TAKES_BACK_EVERY == 0:
        said.append(_message(person, at + _TAKEN_BACK_AFTER, granted=False, source="account settings"))
    return said


def _message(person: Person, at: datetime, *, granted: bool, source: str) -> MessageStep:
    consent = {"granted": granted, "source": source, "at": at.isoformat()}
    client = {**person.in_tracker, "consents": {"marketing": consent}}
    body = {"type": "client.updated", "timestamp": at.isoformat(), "data": {"client": client}}
    return MessageStep(at=at, message_id=f"msg_consent_{person.number:03d}_{at:%y%m%d}", body=body)
