"""Claims: a message says what is known, and nothing that only sounds well."""

import re
from itertools import pairwise
from typing import Any

import pytest

from schemas.client import Profile
from schemas.milestone import Milestone
from tests.agents.channels.rendering import CHANNELS, LANGUAGES, is_whole, said, told
from tests.sample_milestones import ANA, SAMPLES, milestone, streak

_BARE: tuple[dict[str, Any], ...] = ({}, {"facts": {}})
PAUSED = {
    f"{days} days, {'titled' if facts else 'bare'}": streak(days, occurrence="morning-run/2026-01-01", **facts)
    for days in (1, 5, 14, 30)
    for facts in _BARE
}
_NO_PAUSE = re.compile(
    r"(?i)without a gap|every day|no day without|not stopped|day after day|left out|since \w+day,|January|a month"
    r"|ohne Lücke|jeden Tag|keinen Tag|nicht aufgehört|Tag für Tag|ausgelassen|Januar|Monat"
)


def phrasings(reached: Milestone, channel: str, language: str, **changes: Any) -> list[Any]:
    return [told(reached, channel, language=language, phrase=phrase, **changes) for phrase in range(4)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", PAUSED)
def test_a_run_with_paused_days_says_only_how_many_there_were(name: str, channel: str, language: str) -> None:
    for profile in (ANA, Profile()):
        messages = phrasings(PAUSED[name], channel, language, profile=profile)
        for message in messages:
            assert is_whole(message.text), message.text
            assert not _NO_PAUSE.search(f"{message.subject} {message.text} {message.html}"), message.text
        for before, after in pairwise(messages):
            assert before.text != after.text
            assert channel in {"slack", "sms"} or before.subject != after.subject


def test_a_run_without_a_pause_still_says_since_when() -> None:
    texts = [said(message) for message in phrasings(streak(30), "email", "en")]
    assert any("Every day since Monday, 6 April" in text for text in texts)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", CHANNELS)
def test_one_day_is_one_day(channel: str, language: str) -> None:
    over = milestone("streak-broken", "lapse", "nudge", None, value=1, occurrence="morning-run/2026-04-12", facts={})
    one = streak(1)
    messages = phrasings(one, channel, language)
    messages += phrasings(SAMPLES["first-goal"], channel, language, also=(one,))
    messages += phrasings(over, channel, language) if channel != "slack" else []
    for message in messages:
        text = f"{message.subject} {message.text}"
        assert not re.search(r"(?i)one days|one day in a row|eins? Tage|eins? Tag\b.* in Folge|eins Tag", text), text
    assert re.search(r"(?i)one day|day 1|ein(em|en)? tag|tag 1", f"{messages[0].subject} {messages[0].text}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("title", ["Run 5 km", None])
def test_a_goal_of_the_streak_tier_is_told_as_a_goal(channel: str, language: str, title: str | None) -> None:
    facts = {"goal_id": "g", **({"title": title} if title else {})}
    reached = milestone("a-goal", "count", "streak", 1, name="A goal", facts=facts)
    for message in phrasings(reached, channel, language):
        text = f"{message.subject} {message.text}"
        assert not re.search("(?i)staying with|with time|drangeblieben|dranbleiben|mit der Zeit", text), text
        assert channel == "slack" or title is None or title in text
    assert channel != "slack" or "Run 5" not in said(told(reached, "slack", language=language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    "facts",
    [{"session_number": 20}, {"habit_id": "h", "title": "Morning run"}, {"habit_id": "h"},
     {"course_id": "c", "title": "Strength"}, {}],
    ids=["session", "habit", "bare habit", "course", "other"],
)  # fmt: skip
def test_the_streak_tier_has_words_for_all_that_it_may_be_about(
    channel: str, language: str, facts: dict[str, Any]
) -> None:
    reached = milestone("twenty", "count", "streak", 20, name="Twenty times", facts=facts)
    for profile in (ANA, Profile()):
        messages = phrasings(reached, channel, language, profile=profile)
        assert all(is_whole(message.text) for message in messages)
        assert all(before.text != after.text for before, after in pairwise(messages))


@pytest.mark.parametrize(("language", "goal"), [("en", "a goal"), ("de", "ein Ziel")])
def test_a_goal_without_a_title_is_mentioned_as_a_goal_and_a_booking_never(language: str, goal: str) -> None:
    bare = milestone("core-goal", "count", "major", 1, name="The rule of the goal", facts={"goal_id": "g"})
    for channel in ("email", "in_app"):
        text = said(told(streak(30), channel, language=language, also=(bare, SAMPLES["welcome"])))
        assert goal in text
        assert "The rule of the goal" not in text
        assert "welcome" not in text.lower()
        alone = told(streak(30), channel, language=language, also=(SAMPLES["welcome"],))
        assert alone == told(streak(30), channel, language=language)


_UNKNOWABLE = re.compile(
    r"(?i)nothing to (prepare|bring|read)|has to be ready|no trouble|can be moved|just move it|not be the best"
    r"|needed all of them|nobody was watching|nobody saw|other half"
    r"|vorzubereiten|mitzubringen|ohne weiteres|kannst du sie verschieben|die beste wird|alles davon|niemand zugesehen"
    r"|andere hälfte|hättest du früher"
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_claimed_that_nobody_knows(name: str, language: str) -> None:
    reached = SAMPLES[name]
    for channel in CHANNELS:
        if channel != "slack" or reached.tier != "nudge":
            for message in phrasings(reached, channel, language):
                assert not _UNKNOWABLE.search(f"{said(message)} {message.html}"), message.text


@pytest.mark.parametrize(("weeks", "counts"), [(1, False), (4, False), (5, True), (13, True)])
@pytest.mark.parametrize(("language", "word"), [("en", "weeks"), ("de", "Wochen")])
def test_a_few_weeks_are_nothing_to_speak_of(language: str, word: str, weeks: int, counts: bool) -> None:
    facts = {"so_far": {"sessions": 36, "weeks_since_joining": weeks}}
    letters = phrasings(milestone("thirty-six", "count", "major", 36, facts=facts), "email", language)
    assert all((word in letter.paragraphs[1]) is counts for letter in letters)


_LOOK_BACK = re.compile("first lesson|early lessons|earlier ones|allererste|frühen|bisherigen")


@pytest.mark.parametrize(("percent", "looks_back"), [(5, False), (19, False), (20, True), (80, True)])
def test_the_first_lesson_is_worth_another_look_only_after_a_while(percent: int, looks_back: bool) -> None:
    for language in LANGUAGES:
        reached = milestone("on-the-way", "percent", "program", percent, facts={})
        messages = phrasings(reached, "email", language)
        found = [_LOOK_BACK.search(said(message)) for message in messages]
        assert all(bool(each) is looks_back for each in found)
        assert all(is_whole(message.text) for message in messages)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", ["email", "in_app"])
def test_certificate_and_badge_do_not_repeat_each_other(channel: str, language: str) -> None:
    def threes(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"\w+", text.lower())
        return set(zip(words, words[1:], words[2:], strict=False))

    marks = {"en": ("certificate", "badge"), "de": ("Urkunde", "Abzeichen")}[language]
    kept = frozenset({"certificate", "badge"})
    sentences: dict[str, set[str]] = {mark: set() for mark in marks}
    for message in phrasings(SAMPLES["thirty-six"], channel, language, keepsakes=kept):
        own = re.sub(r"\n[^\n]*cairn\.example\S*", "", message.text).split("\n\n")
        one, other = (next(part for part in own if mark in part) for mark in marks)
        assert not threes(one) & threes(other), (one, other)
        sentences[marks[1]].add(other)
    assert len(sentences[marks[1]]) > 1


def test_german_begins_a_sentence_after_a_colon_with_a_capital() -> None:
    for step in ("offer", "resource", "check_in", "early_access"):
        for message in phrasings(SAMPLES["thirty-six"], "email", "de", next_step=step, keepsakes=frozenset({"badge"})):
            assert not re.search(r": (so|das|es|du|ein) ", message.text), message.text
