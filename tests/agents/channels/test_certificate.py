import re
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from agents.channels.certificate import certificate_pdf
from agents.channels.deed import Deed, deed, full_name
from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.tenant import Coach
from tests.sample_milestones import ANA, COACH, SAMPLES, tenant

URL = "https://wins.northstar.example/c/token"


def drawn(
    milestone: Milestone = SAMPLES["thirty-six"], profile: Profile | None = ANA, coach: Coach | None = COACH
) -> bytes:
    return certificate_pdf(milestone, profile=profile, coach=coach, tenant=tenant(Path("absent")), url=URL)


def said(milestone: Milestone = SAMPLES["thirty-six"], profile: Profile | None = ANA, **changes: str) -> Deed:
    words = {"tenant_name": "Northstar Strength", "tenant_zone": "Europe/Vienna", **changes}
    return deed(milestone, profile=profile, coach=COACH, **words)


def contents(pdf: bytes) -> str:
    """What the page draws, decompressed."""
    streams = re.findall(rb"/FlateDecode.*?stream\n(.*?)\nendstream", pdf, re.DOTALL)
    pages = [zlib.decompress(stream) for stream in streams if stream[:1] == b"x"]
    return next(page for page in pages if b" Tf" in page).decode("latin-1")


def paper_points(pdf: bytes) -> tuple[int, int]:
    found = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert found
    return round(float(found[1])), round(float(found[2]))


def fonts(pdf: bytes) -> set[str]:
    return {name.decode() for name in re.findall(rb"/BaseFont /MPDFAA\+([\w-]+)", pdf)}


def test_the_same_words_are_the_same_bytes() -> None:
    assert drawn() == drawn()
    assert drawn() != drawn(profile=ANA.model_copy(update={"name": "Ben Silva"}))


def test_the_file_says_what_it_is_in_which_language_and_when() -> None:
    pdf = drawn()
    assert pdf.startswith(b"%PDF-")
    assert b"/Lang (en-GB)" in pdf
    assert b"/DisplayDocTitle true" in pdf
    assert b"/CreationDate (D:20260505173000" in pdf
    assert b"/StructTreeRoot" in pdf


def test_the_address_at_the_foot_is_a_link() -> None:
    assert f"/URI ({URL})".encode() in drawn()


@pytest.mark.parametrize(
    ("locale", "zone", "points", "day"),
    [
        ("en-GB", "Europe/Vienna", (842, 595), "5 May 2026"),
        ("de_AT", "Europe/Vienna", (842, 595), "5. Mai 2026"),
        ("en-US", "America/New_York", (792, 612), "May 5, 2026"),
        (None, "America/New_York", (792, 612), "May 5, 2026"),
        (None, "Pacific/Auckland", (842, 595), "6 May 2026"),
        ("en-US", "Pacific/Auckland", (792, 612), "May 6, 2026"),
        ("xx-ZZ", "Europe/Vienna", (842, 595), "5 May 2026"),
    ],
)
def test_paper_and_day_are_those_of_the_place_where_the_client_lives(
    locale: str | None, zone: str, points: tuple[int, int], day: str
) -> None:
    profile = Profile(name="Ana Silva", locale=locale, timezone=zone)
    assert paper_points(drawn(profile=profile)) == points
    assert said(profile=profile).day == day


def test_without_a_profile_day_and_paper_are_the_practices() -> None:
    told = said(profile=None, tenant_zone="America/Chicago")
    assert (told.recipient, told.paper, told.day) == (None, "letter", "May 5, 2026")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("ana silva", "Ana Silva"),
        ("SILVA, ANA", "Ana Silva"),
        ("ANA DE LA CRUZ", "Ana de la Cruz"),
        ("jean-luc picard", "Jean-Luc Picard"),
        ("Sean McKenna", "Sean McKenna"),
        ("فاطمة الأحمد", "فاطمة الأحمد"),
        ("ana@clients.example", None),
        ("{{first_name}}", None),
        ("First Name", None),
        ("12345", None),
    ],
)
def test_a_name_is_written_whole_as_on_paper(name: str, written: str | None) -> None:
    assert full_name(name) == written


@pytest.mark.parametrize(
    ("sample", "headline", "detail"),
    [
        ("thirty-six", "36 sessions", "After 13 weeks with Northstar Strength"),
        ("thirty-six-bare", "36 sessions", ""),
        ("streak-30", "30-Day Iron Streak", "Morning run, thirty days in a row"),
        ("streak-bare", "30-Day Iron Streak", "Thirty days in a row"),
        ("core-goal", "Run a half marathon", "A goal set and reached, after 13 weeks with Northstar Strength"),
        ("finished", "Strength Foundations", "Completed"),
        ("halfway", "Strength Foundations", "Half completed, after 13 weeks with Northstar Strength"),
        ("anniversary", "Anniversary", ""),
    ],
)
def test_it_says_what_was_reached(sample: str, headline: str, detail: str) -> None:
    told = said(SAMPLES[sample])
    assert (told.headline, told.detail) == (headline, detail)


def test_nobody_in_particular_signs_where_no_coach_is_known() -> None:
    told = deed(SAMPLES["thirty-six"], profile=None, coach=None, tenant_name="Northstar", tenant_zone="UTC")
    assert (told.signed_by, told.signed_as) == ("Northstar", "")
    assert drawn(coach=None) != drawn()


@pytest.mark.parametrize(
    ("name", "font"),
    [
        ("Ελένη Παπαδοπούλου", "EBGaramond"),
        ("Наталія Ґринюк", "EBGaramond"),
        ("فاطمة الأحمد", "Amiri"),
        ("לאה כהן", "FrankRuhlLibre"),
    ],
)
def test_a_name_is_written_with_a_font_that_has_its_letters(name: str, font: str) -> None:
    assert font in fonts(drawn(profile=Profile(name=name)))


@pytest.mark.parametrize("name", ["田中花子", "अनीता शर्मा", "🌸🌸🌸", None])
def test_a_name_that_no_font_can_write_leaves_its_line_free(name: str | None) -> None:
    texts = contents(drawn(profile=Profile(name=name))).count(" Tj")
    assert texts == contents(drawn()).count(" Tj") - 1


@pytest.mark.parametrize("name", ["Maximiliane Theodora von Hohenstein-Weissenburg zu Ahrenfels", "W" * 200])
def test_a_long_name_stays_on_the_sheet(name: str) -> None:
    starts = [float(x) for x in re.findall(r"([-\d.]+) [-\d.]+ Td", contents(drawn(profile=Profile(name=name))))]
    assert starts
    assert min(starts) > 0


def test_any_milestone_has_words_for_a_certificate() -> None:
    for milestone in SAMPLES.values():
        told = said(milestone)
        assert told.headline[0] == told.headline[0].upper()
        assert "None" not in told.detail


def test_a_practice_with_a_name_of_its_own_script_is_written_too() -> None:
    pdf = certificate_pdf(
        SAMPLES["thirty-six"],
        profile=ANA,
        coach=COACH,
        tenant=replace(tenant(Path("absent")), name="Κέντρο Άσκησης"),
        url=URL,
    )
    assert pdf.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("sample", "detail"),
    [
        ("thirty-six", "Nach 13 Wochen bei Northstar Strength"),
        ("streak-bare", "Dreißig Tage in Folge"),
        ("finished", "Abgeschlossen"),
        ("core-goal", "Ein Ziel, gesetzt und erreicht, nach 13 Wochen bei Northstar Strength"),
    ],
)
def test_a_german_client_gets_a_german_certificate(sample: str, detail: str) -> None:
    told = said(SAMPLES[sample], ANA.model_copy(update={"locale": "de"}))
    assert (told.detail, told.words.heading, told.lang, told.day) == (detail, "Urkunde", "de-AT", "5. Mai 2026")


def test_a_practice_that_writes_german_does_so_for_who_names_no_language() -> None:
    told = said(profile=ANA.model_copy(update={"locale": "fr"}), tenant_locale="de")
    assert told.words.heading == "Urkunde"
