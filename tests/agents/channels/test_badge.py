import struct
from pathlib import Path

import pytest

from agents.channels.badge import Badges

DEPLOY = Path(__file__).parents[3] / "deploy"


@pytest.fixture(scope="module")
def badges() -> Badges:
    return Badges(DEPLOY / "templates" / "badge.svg.j2", DEPLOY / "fonts" / "LeagueSpartan-Bold.otf")


@pytest.mark.parametrize("size", [64, 400, 512])
def test_a_badge_has_the_size_that_was_asked_for(badges: Badges, size: int) -> None:
    png = badges.png("30-Day Iron Streak", 30, size)
    assert struct.unpack(">II", png[16:24]) == (size, size)


def test_the_same_badge_is_the_same_picture(badges: Badges) -> None:
    again = Badges(DEPLOY / "templates" / "badge.svg.j2", DEPLOY / "fonts" / "LeagueSpartan-Bold.otf")
    assert badges.png("30-Day Iron Streak", 30, 256) == again.png("30-Day Iron Streak", 30, 256)


def test_a_large_badge_tells_number_unit_and_name(badges: Badges) -> None:
    drawing = badges.svg("30-Day Iron Streak", 30, 512)
    assert [word for word in (">30<", ">DAYS<", ">IRON STREAK<") if word not in drawing] == []


def test_a_small_badge_tells_the_number_alone(badges: Badges) -> None:
    drawing = badges.svg("30-Day Iron Streak", 30, 64)
    assert ">30<" in drawing
    assert "IRON" not in drawing


def test_each_number_and_name_has_its_own_picture(badges: Badges) -> None:
    wanted = [("14-Day Iron Streak", 14), ("30-Day Iron Streak", 30), ("100-Day Iron Streak", 100), ("One year", None)]
    assert len({badges.png(name, threshold, 256) for name, threshold in wanted}) == 4


@pytest.mark.parametrize("name", ["鉄の連続記録", "A & B <script>", "x" * 500, "365 days of morning movement", "", "7"])
def test_any_name_makes_a_picture(badges: Badges, name: str) -> None:
    assert badges.png(name, 7, 128).startswith(b"\x89PNG")


def test_a_name_that_the_font_cannot_write_stays_out_of_the_picture(badges: Badges) -> None:
    assert "鉄" not in badges.svg("鉄の連続記録", 7, 512)
