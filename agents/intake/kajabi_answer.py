"""What Kajabi answers about a contact, held against the change of a tag that a hook claims.

Pure. Tags are looked up by what the answer calls them: a hook could name one tag and give the id of another.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from agents.intake.completion_claim import is_address, is_completion, not_confirmed
from agents.intake.finding import Ignored
from agents.intake.kajabi import meaning_of
from agents.intake.kajabi_hook import Hook, Tag
from agents.intake.vendor_json import identifier, moment, part, words
from schemas.tenant import KajabiSource

_CONTACT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SLACK = timedelta(minutes=1)
"""By so much a hook's `updated_at` may be later than the answer's: one of them may have no milliseconds."""


def claims_completion(source: KajabiSource, hook: Hook) -> bool:
    """Whether the hook's tag stands for a completion, added or taken back."""
    meaning = meaning_of(source, hook.tag)
    return meaning is not None and is_completion(meaning.type, meaning.percent)


def contact_to_ask(hook: Hook) -> str | None:
    """The id of the contact to ask for; None where the hook names none."""
    return hook.contact.id if hook.contact.id and _CONTACT_ID.fullmatch(hook.contact.id) else None


def denial(source: KajabiSource, hook: Hook, answer: Mapping[str, Any] | None) -> Ignored | None:
    """Why the hook is `not_confirmed`; None if it is confirmed.

    Args:
        source: says what tags stand for.
        hook: one that `claims_completion`.
        answer: the document of `contact_to_ask`, None if Kajabi knows no such contact.
    """
    contact = part(answer or {}, "data")
    fields = part(contact, "attributes")
    if not contact or identifier(contact.get("id")) != hook.contact.id:
        return not_confirmed("Kajabi has no such contact")
    if not is_address(hook.contact.email, fields.get("email")):
        return not_confirmed("the contact has another address at Kajabi")
    claimed_at, known_at = hook.contact.updated_at, moment(fields.get("updated_at"))
    if claimed_at and known_at and claimed_at > known_at + _SLACK:
        return not_confirmed("the hook is dated after the contact's last change at Kajabi")
    meaning = meaning_of(source, hook.tag)
    standing = {tag.id for tag in _tags(answer or {}) if meaning_of(source, tag) == meaning}
    if hook.kind == "tag_added" and (hook.tag is None or hook.tag.id not in standing):
        return not_confirmed("the contact does not have the tag at Kajabi")
    if hook.kind == "tag_removed" and standing:
        return not_confirmed("the contact still has the tag at Kajabi")
    return None


def _tags(answer: Mapping[str, Any]) -> list[Tag]:
    """The contact's tags, with the names that they have now; nothing else was asked to be included."""
    included = answer.get("included")
    resources = [one for one in included if isinstance(one, Mapping)] if isinstance(included, list) else []
    return [
        Tag(id=id_, name=words(part(one, "attributes").get("name")))
        for one in resources
        if one.get("type") == "contact_tags" and (id_ := identifier(one.get("id")))
    ]
