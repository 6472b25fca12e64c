"""Phrasings: one client never reads the same words twice in a row."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agents.channels.render import MissingFact
from schemas.client import Profile
from schemas.milestone import Milestone
from tests.agents.channels.rendering import CHANNELS, LANGUAGES, is_whole, said, told
from tests.sample_milestones import ANA, SAMPLES, milestone, tenant

UNFORESEEN = {
    f"something new, {tier}": milestone("something-new", "value", tier, 7, name="Seven hills", facts={})
    for tier in ("micro", "streak", "program", "major", "nudge")
}
EVERY = {**SAMPLES, **UNFORESEEN}


def spoken(reached: Milestone, channel: str, **changes: Any) -> list[Any]:
    return [told(reached, channel, phrase=phrase, **changes) for phrase in range(4)]


@pytest.mark.parametrize("known", [True, False], ids=["known client", "unknown client"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", EVERY)
def test_no_two_messages_in_a_row_have_the_same_words(name: str, channel: str, language: str, known: bool) -> None:
    if channel == "slack" and EVERY[name].tier == "nudge":
        with pytest.raises(MissingFact):
            told(EVERY[name], channel, language=language)
        return
    people = {"profile": ANA if known else Profile(), "language": language}
    messages = spoken(EVERY[name], channel, **people)
    for before, after in pairwise(messages):
        assert before.text != after.text
        if channel in ("email", "in_app"):
            assert before.subject != after.subject
    for message in messages:
        assert is_whole(message.text), message.text
        assert channel == "slack" or is_whole(message.subject), message.subject
        assert len(message.subject) <= 78, message.subject
        assert message.locale == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentence_that_carries_the_message_changes_and_not_only_its_frame(language: str) -> None:
    for name, reached in EVERY.items():
        for before, after in pairwise(spoken(reached, "email", language=language)):
            key, other = (message.text.split("\n\n")[1] for message in (before, after))
            assert key != other, name


def test_clients_who_begin_elsewhere_read_other_words() -> None:
    assert len({said(told(SAMPLES["thirty-six"], "email", phrase=start)) for start in (0, 7, 123_457)}) > 1
    assert told(SAMPLES["thirty-six"], "email", phrase=5) == told(SAMPLES["thirty-six"], "email", phrase=5)


def test_a_phrasing_that_is_not_taken_needs_no_fact(tmp_path: Path) -> None:
    own = tmp_path / "templates" / "en"
    own.mkdir(parents=True)
    text = (
        "Title: x\n\n{% either %}A{% or %}B {{ nothing }}{% or %}{% either %}C{% or %}D{% endeither %}{% endeither %}"
    )
    (own / "micro.in_app.txt").write_text(text, encoding="utf-8")
    practice, reached = tenant(tmp_path), UNFORESEEN["something new, micro"]
    assert [told(reached, "in_app", practice=practice, phrase=phrase).text for phrase in (0, 2, 5)] == ["A", "C", "D"]
    with pytest.raises(MissingFact, match="nothing"):
        told(reached, "in_app", practice=practice, phrase=1)
