"""Certificates: a milestone on paper, as a PDF that somebody would frame.

It must never show a box for a letter, use a font of the machine it runs on, or differ between two
runs: the same words give the same bytes, so a copy can be compared with ours.

Theory of operation: everything is set around the middle of one landscape page, from fonts in
`deploy/fonts`; `penmanship` says how a text is written, and one that is too long is set smaller. A name
that no font of ours can write leaves its line free, to be written by hand as on any certificate. The
badge is the seal. The file's date is that of the milestone. The address of the public page stands at
the foot, and is a link.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from fpdf import FPDF, ViewerPreferences
from fpdf.enums import Align

from agents.channels.badge import Badges
from agents.channels.deed import Deed, deed
from agents.channels.penmanship import FONTS, Run, written
from agents.tenants import Tenant
from schemas.client import Profile
from schemas.milestone import Milestone
from schemas.tenant import Coach

_TEMPLATES: Final = Path(__file__).parents[2] / "deploy" / "templates"
_ROMAN: Final = "EBGaramond-Regular"
_ITALIC: Final = "EBGaramond-Italic"
_INK: Final = (34, 40, 46)
_QUIET: Final = (92, 102, 111)
_COPPER: Final = (165, 112, 48)
_PALE: Final = (222, 204, 176)
_SEAL_PX: Final = 512
_SEAL_MM: Final = 36.0
_badges = Badges(_TEMPLATES / "badge.svg.j2", FONTS / "LeagueSpartan-Bold.otf")


def certificate_pdf(
    milestone: Milestone, *, profile: Profile | None, coach: Coach | None, tenant: Tenant, url: str
) -> bytes:
    """The certificate of a milestone; takes a few tenths of a second of CPU, so call it in a thread.

    Args:
        milestone: what was reached.
        profile: the client; the line for the name stays free when it is not known.
        coach: who signs; None signs as the practice.
        tenant: the practice.
        url: the public page on which anybody can check it.
    """
    said = deed(
        milestone,
        profile=profile,
        coach=coach,
        tenant_name=tenant.name,
        tenant_zone=tenant.timezone,
        tenant_locale=tenant.locale,
    )
    sheet = _Sheet(said)
    sheet.set_creation_date(milestone.reached_at)
    figure = None if milestone.threshold == 1 else milestone.threshold  # a first is told in words
    sheet.draw(seal=_badges.png(said.headline, figure, _SEAL_PX), url=url)
    return bytes(sheet.output())


class _Sheet(FPDF):
    """The one page; lengths are millimetres, sizes of letters points."""

    def __init__(self, said: Deed) -> None:
        super().__init__(orientation="landscape", unit="mm", format=said.paper)
        self._said = said
        self.set_auto_page_break(auto=False)
        self.set_margin(0)
        self.set_title(f"{said.words.title}: {said.headline}")
        self.set_author(said.practice)
        self.set_subject(f"{said.headline}, {said.day}")
        self.set_creator("Cairn")
        self.set_lang(said.lang)
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.add_page()

    def draw(self, *, seal: bytes, url: str) -> None:
        """Everything on the page, from the top."""
        said, foot = self._said, self.h
        self._frame()
        self._mark(self.w / 2, 31)
        self._line(said.practice.upper(), 46, 11, _QUIET, spacing=2.2)
        self._line(said.words.heading, 64, 38, _INK)
        self._line(said.words.awarded_to, 79, 15, _QUIET, font=_ITALIC)
        self._name(said.recipient, 100)
        self._line(said.words.for_what, 114.5, 15, _QUIET, font=_ITALIC)
        self._line(said.headline, 128, 28, _COPPER)
        self._line(said.detail, 138, 15, _QUIET, font=_ITALIC)
        self._seal(seal, foot - 66)
        self._field(self.w * 0.225, foot - 40, said.day, "", _ROMAN)
        self._field(self.w * 0.775, foot - 40, said.signed_by, said.signed_as, _ITALIC)
        self._address(url, foot - 19.5)

    def _frame(self) -> None:
        self.set_draw_color(*_COPPER)
        self.set_line_width(0.9)
        self.rect(9, 9, self.w - 18, self.h - 18)
        self.set_draw_color(*_PALE)
        self.set_line_width(0.25)
        inset, notch = 12.5, 7.0
        left, top, right, bottom = inset, inset, self.w - inset, self.h - inset
        self.line(left + notch, top, right - notch, top)
        self.line(left + notch, bottom, right - notch, bottom)
        self.line(left, top + notch, left, bottom - notch)
        self.line(right, top + notch, right, bottom - notch)
        for x, y, begin in ((left, top, 0), (right, top, 90), (right, bottom, 180), (left, bottom, 270)):
            self.arc(x - notch, y - notch, 2 * notch, begin, begin + 90)

    def _mark(self, x: float, y: float) -> None:
        """Three stones, one on the other."""
        self.set_fill_color(*_COPPER)
        for dx, dy, wide, high in ((0.2, -4.4, 3.4, 2.2), (-0.6, -1.1, 6.0, 2.8), (0.1, 2.9, 8.8, 3.4)):
            self.ellipse(x + dx - wide / 2, y + dy - high / 2, wide, high, style="F")

    def _name(self, name: str | None, y: float) -> None:
        runs = written(name, _ROMAN) if name else None
        wide = self._set(runs, self.w / 2, y, 46, _INK, widest=self.w * 0.72) if runs else 140.0
        half = max(62.0, 8 + wide / 2)
        self.set_draw_color(*_PALE)
        self.set_line_width(0.35)
        self.line(self.w / 2 - half, y + 5.5, self.w / 2 + half, y + 5.5)

    def _line(
        self, text: str, y: float, points: float, color: tuple[int, int, int], *, font: str = _ROMAN, spacing: float = 0
    ) -> None:
        if runs := written(text, font):
            self._set(runs, self.w / 2, y, points, color, widest=self.w * 0.78, spacing=spacing)

    def _field(self, x: float, y: float, above: str, below: str, font: str) -> None:
        """A line to sign on, with words above and below it."""
        if runs := written(above, font):
            self._set(runs, x, y - 2.6, 17, _INK, widest=68)
        self.set_draw_color(*_QUIET)
        self.set_line_width(0.2)
        self.line(x - 34, y, x + 34, y)
        if below and (runs := written(below)):
            self._set(runs, x, y + 5.6, 11, _QUIET, widest=68)

    def _seal(self, seal: bytes, y: float) -> None:
        self.image(BytesIO(seal), x=Align.C, y=y, w=_SEAL_MM, h=_SEAL_MM, alt_text="The badge of this milestone")

    def _address(self, url: str, y: float) -> None:
        self._line(self._said.words.check_at, y - 3.8, 9, _QUIET, font=_ITALIC)
        if runs := written(url):
            wide = self._set(runs, self.w / 2, y, 9, _QUIET, widest=self.w * 0.78)
            self.link(self.w / 2 - wide / 2, y - 3, wide, 4, url)

    def _set(
        self,
        runs: Sequence[Run],
        x: float,
        y: float,
        points: float,
        color: tuple[int, int, int],
        *,
        widest: float,
        spacing: float = 0,
    ) -> float:
        """Set runs around `x`, smaller where they would be wider than `widest`; returns their width."""
        self.set_text_color(*color)
        wide = self._width(runs, points, spacing)
        if wide > widest:
            points *= widest / wide
            wide = self._width(runs, points, spacing)
        at = x - wide / 2
        for run in runs:
            self._use(run.font, points, spacing)
            self.text(at, y, run.text)
            at += self._width([run], points, spacing)
        return wide

    def _width(self, runs: Sequence[Run], points: float, spacing: float) -> float:
        wide = 0.0
        for run in runs:
            self._use(run.font, points, spacing)
            wide += self.get_string_width(run.text)
        return wide

    def _use(self, font: str, points: float, spacing: float) -> None:
        if font.lower() not in self.fonts:
            self.add_font(font, fname=FONTS / f"{font}.ttf")
        self.set_font(font, size=points)
        self.set_char_spacing(spacing)
