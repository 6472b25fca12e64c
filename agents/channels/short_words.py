"""Short words: a text message of the parts that fit, and one or two sentences for a channel of many.

It must never let what is beside the point cost a segment more: other milestones, that it is late
and what a first message explains go only where there is room. The step that a rule names is the
point, and may take a second segment. What is written for a channel of many is escaped by that
channel: here `<` is a letter like any other.
"""

from collections.abc import Iterator, Mapping, Sequence

from agents.channels.parts import Links, Say
from agents.channels.sms_text import plainly, segments
from agents.channels.words import Letter
from streams.planning.compose import Words

_STEP_SEGMENTS = 2


def text_message(letter: Letter, words: Words, links: Links, fixed: Mapping[str, str], say: Say) -> str:
    """One line that says who speaks, and how to make it stop (CTIA, "Messaging Principles", 5.1.3)."""
    who = ", ".join(dict.fromkeys((words["signed_by"], words["tenant_name"])))

    def written(said: Sequence[str]) -> str:
        return plainly(f"{' '.join(said)} {who}. {fixed['stop']}")

    said = [*letter.paragraphs, *letter.steps]
    step = links.next_step if words["next_step"] else None
    if step:
        pointed = [*letter.paragraphs, f"{step.label}: {step.url}"]
        said = pointed if segments(written(pointed)).count <= _STEP_SEGMENTS else said
    text = written(said)
    extras_of = tuple(_extras(words, say))
    room = segments(text).count if extras_of else 0
    for extras in extras_of:
        for extra in extras:
            longer = written([*said, extra])
            if segments(longer).count <= room:
                said, text = [*said, extra], longer
                break
    return text


def post(letter: Letter, words: Words, say: Say) -> str:
    """One or two sentences and what else was reached."""
    extra = say("also", words) if "also" in words else ()
    return " ".join((*letter.paragraphs, *extra))


def _extras(words: Words, say: Say) -> Iterator[tuple[str, ...]]:
    """What may be added: of each thing the longer wording first."""
    if words["is_late"]:
        yield say("late", words)
    if "also" in words:
        yield say("also", words)
    if words["is_first"]:
        yield say("first", words)
