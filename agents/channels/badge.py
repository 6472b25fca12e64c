"""Badges: a milestone's name and number as a picture, the same on every machine.

It must never use a font of the machine it runs on: the one font ships in `deploy/fonts`
(SIL Open Font License). A name that this font cannot write stays out of the picture; the
text around it and the alternative text carry it in any case.

Theory of operation: a Jinja template draws SVG, resvg turns it into PNG. A picture depends on
name, number and size alone, so a small cache serves the many clients who reach the same
milestone. Below `_SMALL_PX` only the number is drawn, large enough to be read at 64 px.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import resvg_py
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

_SMALL_PX = 128
_CACHED_PICTURES = 256
_MAX_NAME_CHARS = 60
_LINE_CHARS = 14
_LAST_LATIN = "\u024f"
_COPPER_BELOW = 30
_IRON_BELOW = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Palette:
    """Colours of one metal, light to dark, and of the field inside it."""

    light: str
    middle: str
    deep: str
    field: str
    ground: str


_COPPER = _Palette(light="#f6d3b3", middle="#c98a5b", deep="#8f5530", field="#4a2c20", ground="#2b1812")
_IRON = _Palette(light="#dfe7ee", middle="#93a4b4", deep="#5d7082", field="#24384c", ground="#101c2a")
_GOLD = _Palette(light="#fdeebb", middle="#dcb04a", deep="#a47a1c", field="#3d3420", ground="#211b0e")


class Badges:
    """Draws badges.

    Args:
        template: the SVG template, `deploy/templates/badge.svg.j2`.
        font: the font file, `deploy/fonts/LeagueSpartan-Bold.otf`.
    """

    def __init__(self, template: Path, font: Path) -> None:
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
        self._template = environment.from_string(template.read_text(encoding="utf-8"))
        self._font = str(font)
        self.png = lru_cache(maxsize=_CACHED_PICTURES)(self._png)

    def svg(self, name: str, threshold: float | None, size_px: int) -> str:
        """The drawing; `size_px` decides how much detail it carries."""
        figure = "" if threshold is None else f"{threshold:g}"
        unit, label = _unit_and_label(name, figure)
        lines = _lines(label)
        label_size = min(28, 290 / (0.82 * max((len(line) for line in lines), default=1)))
        return self._template.render(
            palette=_palette(threshold),
            small=size_px < _SMALL_PX,
            figure=figure,
            figure_size=_figure_size(figure, small=size_px < _SMALL_PX),
            unit=unit,
            lines=lines,
            label_size=round(label_size / (1.25 if len(lines) > 1 else 1), 1),
            spacing=round(label_size / 10, 1),
        )

    def _png(self, name: str, threshold: float | None, size_px: int) -> bytes:
        return resvg_py.svg_to_bytes(
            svg_string=self.svg(name, threshold, size_px),
            width=size_px,
            height=size_px,
            skip_system_fonts=True,
            font_files=[self._font],
        )


def _palette(threshold: float | None) -> _Palette:
    if threshold is None or threshold >= _IRON_BELOW:
        return _GOLD
    return _COPPER if threshold < _COPPER_BELOW else _IRON


def _figure_size(figure: str, *, small: bool) -> int:
    wide = {0: 1.0, 1: 1.0, 2: 1.0, 3: 0.7, 4: 0.58}.get(len(figure), 0.46)
    return round((300 if small else 172) * wide)


def _unit_and_label(name: str, figure: str) -> tuple[str, str]:
    """`30-Day Iron Streak` is the unit DAYS and the label IRON STREAK."""
    pattern = rf"{re.escape(figure)}[-\s]+(?:(day|week|month|session)s?\b)?\s*"
    found = re.match(pattern, name, re.IGNORECASE) if figure else None
    if not found:
        return "", name[:_MAX_NAME_CHARS].upper()
    unit = f"{found[1]}{'' if figure == '1' else 's'}".upper() if found[1] else ""
    return unit, name[found.end() :][:_MAX_NAME_CHARS].upper()


def _lines(label: str) -> tuple[str, ...]:
    """The label in one or two lines of about equal length; none if the font cannot write it."""
    words = label.split()
    if not words or max(label) > _LAST_LATIN:
        return ()
    if len(label) <= _LINE_CHARS or len(words) == 1:
        return (" ".join(words),)
    cut = min(range(1, len(words)), key=lambda i: max(len(" ".join(words[:i])), len(" ".join(words[i:]))))
    return (" ".join(words[:cut]), " ".join(words[cut:]))
