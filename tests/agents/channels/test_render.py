import re
import struct
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.channels.render import Links, MissingFact, Rendered, Renderer
from agents.tenants import Tenant
from schemas.milestone import Milestone
from tests.sample_milestones import ANA, COACH, POLICY, SAMPLES, milestone, occasion, streak, tenant

TEMPLATES = Path(__file__).parents[3] / "deploy" / "templates"
LINKS = Links(unsubscribe_url="https://cairn.example/u/token", inbox_url="https://app.example/inbox")
CHANNELS = ("in_app", "email")


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.fixture
def practice(tmp_path: Path) -> Tenant:
    return tenant(tmp_path)


def render(renderer: Renderer, practice: Tenant, reached: Milestone, channel: Any, **changes: Any) -> Rendered:
    of_occasion = {name: changes.pop(name) for name in ("tier_policy", "template") if name in changes}
    known: dict[str, Any] = {
        "profile": ANA,
        "coach": COACH,
        "tenant": practice,
        "links": LINKS,
    }
    return renderer.render(occasion(reached, **of_occasion), channel=channel, **{**known, **changes})


class Page(HTMLParser):
    """What a screen reader hears: text, languages, pictures without a text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.languages: list[str | None] = []
        self.silent_pictures = 0
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "html":
            self.languages.append(values.get("lang"))
        if tag == "img" and not values.get("alt"):
            self.silent_pictures += 1
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "title"):
            self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


@pytest.mark.parametrize("known", [True, False], ids=["known client", "unknown client"])
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", SAMPLES)
def test_no_message_shows_a_placeholder(
    renderer: Renderer, practice: Tenant, name: str, channel: str, known: bool
) -> None:
    people = {} if known else {"profile": None, "coach": None}
    rendered = render(renderer, practice, SAMPLES[name], channel, **people)
    for text in (rendered.subject, rendered.title, rendered.text, Page(rendered.html).text):
        assert text.strip()
        assert not re.search(r"[\[\]{}<>]|\bNone\b|undefined|Undefined|\(\)|  \b|Preview:|Subject:| ,| \.", text)
    assert ("Ana" in rendered.text + rendered.subject) or not known or channel == "in_app"
    assert len(rendered.subject) <= 78


@pytest.mark.parametrize("name", SAMPLES)
def test_text_and_html_say_the_same(renderer: Renderer, practice: Tenant, name: str) -> None:
    rendered = render(renderer, practice, SAMPLES[name], "email")
    page = Page(rendered.html)
    for written in rendered.text.split("\n-- ")[0].strip().replace("\n- ", "\n\n").split("\n\n"):
        words = " ".join(written.split())
        assert words.removeprefix("Your messages: https") in page.text or "https://" in words
    assert "https://cairn.example/u/token" in rendered.text
    assert "https://cairn.example/u/token" in rendered.html


@pytest.mark.parametrize("name", SAMPLES)
def test_a_mail_can_be_read_by_everybody(renderer: Renderer, practice: Tenant, name: str) -> None:
    rendered = render(renderer, practice, SAMPLES[name], "email")
    page = Page(rendered.html)
    assert page.languages == ["en"]
    assert page.silent_pictures == 0
    assert page.open == []
    assert "color-scheme" in rendered.html
    assert len(rendered.html) < 100_000
    assert rendered.locale == "en"


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_template_that_ships_is_used_by_a_sample(renderer: Renderer, language: str) -> None:
    folder, used = TEMPLATES / language, set()
    samples = [*SAMPLES.values(), *(unforeseen(tier) for tier in TIERS)]
    for reached in samples:
        for channel in ("in_app", "email", "sms", "slack"):
            names = (reached.rule, f"{reached.kind}-{reached.tier}", reached.tier)
            used.update(name for name in (f"{stem}.{channel}.txt" for stem in names) if (folder / name).exists())
    assert {path.name for path in folder.glob("[!_]*.txt")} - used == set()
    assert renderer.check() == ()


def test_every_language_has_the_same_files() -> None:
    english, german = ({path.name for path in (TEMPLATES / language).glob("*")} for language in ("en", "de"))
    assert english == german


TIERS = ("micro", "streak", "program", "major", "nudge")


def unforeseen(tier: str) -> Milestone:
    return milestone("something-new", "value", tier, 7, name="Seven hills", facts={})


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_has_words_for_a_rule_that_nobody_foresaw(
    renderer: Renderer, practice: Tenant, tier: str, channel: str
) -> None:
    assert "Seven hills" in (rendered := render(renderer, practice, unforeseen(tier), channel)).subject + rendered.text


def test_the_streak_mail_carries_its_badge(renderer: Renderer, practice: Tenant) -> None:
    rendered = render(renderer, practice, streak(30), "email")
    (badge,) = rendered.inline
    assert badge.png.startswith(b"\x89PNG")
    assert struct.unpack(">II", badge.png[16:24]) == (400, 400)
    assert 'src="cid:badge"' in rendered.html
    assert 'alt="Badge: 30-Day Iron Streak"' in rendered.html
    assert "30-Day Iron Streak" in " ".join(rendered.text.split())
    plain = render(
        renderer, practice, streak(30), "email", tier_policy=POLICY.tiers["streak"].model_copy(update={"badge": False})
    )
    assert plain.inline == ()
    assert "cid:" not in plain.html


def test_fourteen_and_thirty_days_do_not_read_the_same(renderer: Renderer, practice: Tenant) -> None:
    fourteen, thirty = (render(renderer, practice, streak(days), "email").text.split("\n\n") for days in (14, 30))
    assert fourteen[1] != thirty[1].replace("thirty", "fourteen")


@pytest.mark.parametrize("percent", [50, 51, 99])
@pytest.mark.parametrize("channel", CHANNELS)
def test_what_is_said_of_the_middle_is_true_at_half_and_beyond_it(
    renderer: Renderer, practice: Tenant, channel: str, percent: int
) -> None:
    rendered = render(renderer, practice, msgspec.structs.replace(SAMPLES["halfway"], value=percent), channel)
    said = " ".join(rendered.text.split())
    assert "Half of “Strength Foundations” is behind you now: with every step from here on there is less ahead" in said
    assert not re.search(r"past the middle|tipped over|less [^.:]* now", f"{rendered.subject} {said}", re.IGNORECASE)


def test_a_title_is_shown_as_text_and_never_as_markup(renderer: Renderer, practice: Tenant) -> None:
    reached = streak(30, facts={"title": "Tom & Jerry's 'run' \"x\""})
    assert "Tom &amp; Jerry" in render(renderer, practice, reached, "email").html
    goal = milestone("first-goal", "count", "micro", 1, facts={"title": "Salt & pepper"})
    assert "<p>“Salt &amp; pepper”" in render(renderer, practice, goal, "in_app").html


def test_a_title_is_never_run_as_a_template(renderer: Renderer, practice: Tenant) -> None:
    reached = milestone("first-goal", "count", "micro", 1, facts={"title": "{{ 7 * 7 }} {% for x in y %}"})
    rendered = render(renderer, practice, reached, "in_app")
    assert "49" not in rendered.text
    assert "The first of your goals is done." in rendered.text


def test_a_missing_fact_is_named_and_nothing_is_rendered(renderer: Renderer, practice: Tenant) -> None:
    with pytest.raises(MissingFact) as missing:
        render(renderer, practice, streak(30, occurrence="once"), "in_app")
    assert missing.value.name == "started_on"


@pytest.fixture
def own(practice: Tenant) -> Path:
    folder = practice.folder / "templates" / "en"
    folder.mkdir(parents=True)
    return folder


def test_a_tenants_own_words_stand_before_ours(practice: Tenant, own: Path) -> None:
    (own / "streak-streak.in_app.txt").write_text("Title: Hoorah\n\n{{ streak_days }} days.\n", encoding="utf-8")
    rendered = render(Renderer(), practice, streak(30), "in_app")
    assert (rendered.title, rendered.text) == ("Hoorah", "30 days.")


def test_the_words_of_a_rule_stand_before_those_of_its_kind(practice: Tenant, own: Path) -> None:
    (own / "iron-streak.in_app.txt").write_text("Title: Iron\n\nYes.\n", encoding="utf-8")
    (own / "streak-streak.in_app.txt").write_text("Title: Kind\n\nYes.\n", encoding="utf-8")
    (own / "special.in_app.txt").write_text("Title: Special\n\nYes.\n", encoding="utf-8")
    assert render(Renderer(), practice, streak(30), "in_app").title == "Iron"
    assert render(Renderer(), practice, streak(30), "in_app", template="special").title == "Special"


@pytest.mark.parametrize(
    "source",
    ["Title: x\n\n{{ 1 / 0 }}", "Title: x\n\n{{ nothing.at_all }}", "Title: x\n\n{% if %}", "no title", "Title: x",
     "Title: x\n\n{{ so_far.__class__.__mro__ }}", "Title: x\n\n{{ '{{' }} left over", "Title: x\n\n{{ name + 1 }}",
     "Title: x\n\n{% include '../../../secrets' %}"],
)  # fmt: skip
def test_a_broken_template_of_a_tenant_goes_to_the_coach(practice: Tenant, own: Path, source: str) -> None:
    (own / "streak-streak.in_app.txt").write_text(source, encoding="utf-8")
    with pytest.raises(MissingFact):
        render(Renderer(), practice, streak(30), "in_app")


def test_a_template_that_does_not_parse_is_found_before_it_is_needed(practice: Tenant, own: Path) -> None:
    text = "{# note #}\nSubject: x\n\n{% if title is defined %}\nx\n{% endif %}\n\n{% if %}\n"
    (own / "major.email.txt").write_text(text, encoding="utf-8")
    (complaint,) = Renderer().check(practice)
    assert "major.email.txt:8: " in complaint
    (own / "major.email.txt").write_text(text.replace("{% if %}", "{{ title | wordz }}"), encoding="utf-8")
    (complaint,) = Renderer().check(practice)
    assert "major.email.txt:8: " in complaint


def test_a_message_without_links_says_nothing_about_them(renderer: Renderer, practice: Tenant) -> None:
    rendered = render(renderer, practice, streak(30), "email", links=Links())
    assert "Fewer messages" not in rendered.text + rendered.html
    assert "Your messages" not in rendered.text + rendered.html


def test_a_milestone_from_the_topic_renders_like_one_in_memory(renderer: Renderer, practice: Tenant) -> None:
    travelled = msgspec.json.decode(msgspec.json.encode(streak(30)), type=Milestone)
    assert render(renderer, practice, travelled, "email") == render(renderer, practice, streak(30), "email")


def test_a_practice_is_named_once(renderer: Renderer, practice: Tenant) -> None:
    signed = replace(practice, name="Northstar")
    rendered = render(renderer, signed, SAMPLES["renewal"], "email", coach=None)
    assert Page(rendered.html).text.count("Northstar") == 1
