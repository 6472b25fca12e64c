"""What comes with an occasion: other milestones, lateness, keepsakes, a step, a first message, a coach's own words."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.channels.render import Links, MissingFact
from agents.channels.sms_text import segments
from schemas.celebration import Approved
from schemas.client import Profile
from streams.planning.approved_words import approved_words
from tests.agents.channels.rendering import CHANNELS, LANGUAGES, LINKS, RENDERER, is_whole, said, told
from tests.sample_milestones import ANA, COACH, SAMPLES, milestone, occasion, streak, tenant

ALSO = (SAMPLES["first-goal"], SAMPLES["five"])
EVERYTHING: dict[str, Any] = {
    "also": ALSO,
    "keepsakes": frozenset({"certificate", "badge", "referral", "video"}),
    "next_step": "check_in",
    "is_first": True,
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SAMPLES)
def test_everything_at_once_is_still_whole(name: str, language: str) -> None:
    reached = SAMPLES[name]
    late = reached.reached_at + timedelta(days=30)
    for channel in CHANNELS:
        if channel != "slack" or reached.tier != "nudge":
            message = told(reached, channel, language=language, told_at=late, **EVERYTHING)
            assert is_whole(message.text), message.text


@pytest.mark.parametrize(("language", "goal"), [("en", "your goal “Run 5 km"), ("de", "dein Ziel „Run 5 km")])
def test_others_are_named_one_by_one(language: str, goal: str) -> None:
    text = said(told(streak(30), "email", language=language, also=ALSO))
    assert goal in text
    assert {"en": "your fifth session", "de": "deine fünfte Einheit"}[language] in text
    assert goal in said(told(streak(30), "in_app", language=language, also=ALSO))


def test_many_others_are_counted_and_a_nudge_is_never_among_them() -> None:
    many = tuple(milestone(f"thing-{n}", "value", "micro", 7, facts={}) for n in range(6))
    text = said(told(streak(30), "email", also=(*many, SAMPLES["streak-broken"])))
    assert "thing 0, thing 1 and thing 2, and three more" in text
    assert "nineteen" not in text
    assert "these days also" not in said(told(streak(30), "email", also=(SAMPLES["streak-broken"],)))


def test_what_cannot_be_bent_into_the_list_is_called_by_its_name(tmp_path: Path) -> None:
    own = tmp_path / "templates" / "en"
    own.mkdir(parents=True)
    (own / "_mention.txt").write_text("{{ nobody_knows }}", encoding="utf-8")
    text = said(told(streak(30), "email", practice=tenant(tmp_path), also=(streak(14),)))
    assert "brought 14-Day Iron Streak." in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_others_cost_no_segment_more(language: str) -> None:
    for name, reached in SAMPLES.items():
        alone, together = (told(reached, "sms", language=language, also=also).text for also in ((), ALSO))
        assert segments(together).count == segments(alone).count == 1, name
    assert "And 2 more." in told(streak(30), "sms", also=ALSO).text
    assert (
        'Also: your goal "Run 5 km without stopping" and your fifth'
        in told(SAMPLES["thirty-six"], "sms", also=ALSO).text
    )


def test_a_post_names_nothing_that_is_the_clients_to_tell() -> None:
    for language in LANGUAGES:
        for reached in (streak(30), SAMPLES["first-goal"], SAMPLES["core-goal"]):
            text = told(reached, "slack", language=language, also=(*ALSO, streak(14))).text
            assert not re.search("Morning run|Run 5|half marathon|Silva|silva", text)
            assert "Ana" in text


@pytest.mark.parametrize(("hours", "is_late"), [(1, False), (30, False), (36, False), (40, True), (24 * 40, True)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_late_says_so_with_its_date(language: str, hours: int, is_late: bool) -> None:
    reached = SAMPLES["thirty-six"]
    date = {"en": "5 May", "de": "5. Mai"}[language]
    for phrase in range(3):
        message = told(
            reached, "email", language=language, told_at=reached.reached_at + timedelta(hours=hours), phrase=phrase
        )
        greeting, second, *_ = message.text.split("\n\n")
        assert (date in second) == is_late
        assert len(greeting) < 20
        assert not re.search("Tuesday|Dienstag", message.text) or hours < 24 * 7


@pytest.mark.parametrize("step", ["resource", "offer", "check_in", "early_access"])
@pytest.mark.parametrize("channel", ["email", "in_app", "sms"])
def test_a_step_takes_the_place_of_the_files_own(channel: str, step: str) -> None:
    own = said(told(SAMPLES["thirty-six"], channel))
    message = told(SAMPLES["thirty-six"], channel, next_step=step)
    assert "Pick a time: https://book.example/ana" in said(message)
    assert "should the next stretch be" not in said(message)
    assert "https://book.example" not in own
    if channel != "sms":
        assert message.html.count("https://book.example/ana") == 1
        assert message.html.count("<a ") <= 4


def test_a_step_without_an_address_leaves_the_files_own() -> None:
    text = said(told(SAMPLES["thirty-six"], "email", next_step="offer", links=Links()))
    assert "What should the next stretch be for?" in text


def test_a_step_that_would_take_a_third_segment_stays_out_of_a_text_message() -> None:
    long = LINKS.next_step.model_copy(update={"url": f"https://book.example/{'a' * 300}"})  # type: ignore[union-attr]
    text = told(SAMPLES["thirty-six"], "sms", next_step="offer", links=replace(LINKS, next_step=long)).text
    assert "book.example" not in text
    assert segments(text).count == 1


def test_a_certificate_is_attached_and_has_a_page() -> None:
    kept = {"keepsakes": frozenset({"certificate"})}
    mail = told(SAMPLES["thirty-six"], "email", **kept)
    assert "attached" in mail.text
    assert "See your certificate: https://cairn.example/c/token" in said(mail)
    assert "attached" in told(SAMPLES["thirty-six"], "email", links=Links(), **kept).text
    assert "attached" not in told(SAMPLES["thirty-six"], "in_app", **kept).text
    assert "certificate" not in told(SAMPLES["thirty-six"], "in_app", links=Links(), **kept).text
    assert "certificate" not in told(SAMPLES["thirty-six"], "email").text


def test_a_badge_leads_to_its_page_and_a_video_to_its_address() -> None:
    mail = told(streak(30), "email", keepsakes=frozenset({"badge", "video"}))
    assert re.search(r'<a href="https://cairn.example/b/token"><img src="cid:badge"', mail.html)
    assert re.search(
        r'<a href="https://video.example/1"[^>]*><img src="https://video.example/1.jpg"[^>]* alt=""', mail.html
    )
    assert "Watch the video: https://video.example/1" in mail.text
    assert "captions" in said(mail)
    assert "video" not in told(streak(30), "email", keepsakes=frozenset({"video"}), links=Links()).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_request_to_recommend_comes_last_asks_alone_and_knows_no_gift(language: str) -> None:
    kept = {"keepsakes": frozenset({"referral"})}
    mail = told(SAMPLES["thirty-six"], "email", language=language, **kept)
    signature = mail.text.index("Jo Keller")
    assert mail.text.index("https://cairn.example/r/token") > signature
    assert not re.search("(?i)gift|geschenk|gutschein|card", mail.text)
    own = told(SAMPLES["thirty-six"], "email", language=language).text.split("\n\n")
    assert own[-5] not in mail.text, "one request at a time"


def test_a_first_message_says_what_to_expect_and_how_to_change_it() -> None:
    mail = told(SAMPLES["first-session"], "email", is_first=True)
    assert "first message of its kind" in said(mail)
    assert "Choose what you hear: https://cairn.example/preferences/token" in said(mail)
    assert "tell Jo" in said(told(SAMPLES["first-session"], "email", is_first=True, links=Links()))
    assert "first message" not in told(SAMPLES["first-session"], "email").text


def test_a_look_back_is_a_list_and_the_prose_leaves_it_to_it() -> None:
    mail = told(SAMPLES["halfway"], "email")
    assert "- twenty-one sessions\n- thirteen weeks" in mail.text
    assert mail.html.count("<li") == 4
    assert "sessions" not in mail.text.split("\n\n")[1]
    little = told(milestone("on-the-way", "percent", "program", 25, facts={"so_far": {"sessions": 3}}), "email")
    assert "<li" not in little.html
    assert "three sessions" in little.text


def test_what_a_coach_approved_goes_as_it_is_and_as_text() -> None:
    words = Approved(subject="Thirty\r\nBcc: x", paragraphs=("Well done, <b>Ana</b>.", " \n ", "See\nyou  on Friday."))
    mail = told(streak(30), "email", approved=words)
    assert mail.subject == "Thirty Bcc: x"
    assert "Well done, <b>Ana</b>.\n\nSee you on Friday.\n\nJo Keller" in mail.text
    assert "Well done, &lt;b&gt;Ana&lt;/b&gt;." in mail.html
    assert told(streak(30), "in_app", approved=words).html.startswith("<p>Well done, &lt;b&gt;")


def test_what_a_coach_approved_is_not_cut() -> None:
    words = approved_words("Week " * 39 + "[36]", "\n\n".join(("{3} of <here>", "long " * 1_500)))
    for channel in ("email", "in_app", "sms"):
        sent = told(streak(30), channel, approved=words)
        assert (sent.subject, sent.paragraphs) == (words.subject, words.paragraphs)
        assert sent.text.split().count("long") == 1_500
        assert "{3} of <here>" in sent.text


@pytest.mark.parametrize(("subject", "paragraphs"), [("", ("x",)), ("x", ()), ("x", (" ",)), ("\u200b", ("x",))])
def test_nothing_to_say_is_not_said(subject: str, paragraphs: tuple[str, ...]) -> None:
    with pytest.raises(MissingFact):
        told(streak(30), "email", approved=Approved(subject=subject, paragraphs=paragraphs))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("extras", [{}, EVERYTHING], ids=["plain", "everything"])
def test_a_draft_that_nobody_changes_is_the_message(language: str, extras: dict[str, Any]) -> None:
    practice, profile = tenant(Path("nowhere")), ANA.model_copy(update={"locale": language})
    for name, reached in SAMPLES.items():
        whole = occasion(reached, **extras)
        known: dict[str, Any] = {"channel": "email", "profile": profile, "coach": COACH, "tenant": practice}
        draft = RENDERER.draft(whole, **known)
        again = RENDERER.render(replace(whole, approved=draft), links=LINKS, **known)
        straight = RENDERER.render(whole, links=LINKS, **known)
        assert straight.paragraphs == again.paragraphs == draft.paragraphs
        assert sorted(again.text.split("\n\n")) == sorted(straight.text.split("\n\n")), name


def test_a_name_from_right_to_left_is_set_apart_and_costs_nobody_else() -> None:
    maryam = Profile(name="مريم حداد")
    assert "Hello <bdi>مريم</bdi>," in told(streak(30), "email", profile=maryam).html
    assert "\u2068مريم\u2069" in told(streak(30), "slack", profile=maryam).text
    assert segments(told(streak(30), "sms").text).encoding == "GSM-7"
    assert segments(told(streak(30), "sms", language="de").text).encoding == "GSM-7"


@settings(deadline=None, max_examples=60)
@given(
    name=st.text(min_size=1, max_size=60),
    title=st.text(max_size=200),
    phrase=st.integers(0, 2**40),
    language=st.sampled_from(LANGUAGES),
    key=st.sampled_from(sorted(SAMPLES)),
)
def test_no_name_and_no_title_breaks_a_message(name: str, title: str, phrase: int, language: str, key: str) -> None:
    reached = SAMPLES[key]
    profile = Profile.model_construct(name=name)
    facts = {**reached.facts, "title": title, "so_far": {"sessions": 1, "note": title}}
    other = milestone("x", "count", "micro", 1, facts={"title": title, "goal_id": "g"})
    for channel in CHANNELS:
        if channel == "slack" and reached.tier == "nudge":
            continue
        message = told(
            milestone(
                reached.rule, reached.kind, reached.tier, 30, occurrence="a/2026-04-06", facts=facts | {"years": 1}
            ),
            channel,
            profile=profile,
            language=language,
            phrase=phrase,
            also=(other,),
        )
        assert "\r" not in message.text
        assert len(message.subject.splitlines()) <= 1
        assert not re.search(r"\{\{|\{%|\[\[", message.text)
        assert "<script" not in message.html.lower()
