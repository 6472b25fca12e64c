"""Charts: horizontal bars as SVG, written by hand, so that they need no library and change only where figures do.

They are read on light and dark pages alike: each has a ground of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LABELS, _VALUES = 760, 250, 130
_ROW, _HEAD, _FOOT = 30, 46, 16
_FAR = 2.0
_GROUND, _INK, _QUIET, _OURS, _OTHERS, _LIMIT = "#ffffff", "#1d2733", "#5c6b7a", "#1f6f5c", "#9fb3c8", "#b3261e"
_FONT = "font-family='system-ui, sans-serif'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row.

    Attributes:
        label: what was measured.
        value: how long the bar is.
        text: the value for people.
        ours: whether it is drawn in the colour of what the page is about.
        limit: what is required, as a mark across the bar unless it lies far beyond all bars; None for nothing.
    """

    label: str
    value: float
    text: str
    ours: bool = True
    limit: float | None = None


def bars(title: str, rows: Sequence[Bar]) -> str:
    """The chart of some rows that share one scale, which begins at zero.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("a chart needs a row")
    longest = max(row.value for row in rows) or 1.0
    longest = max([longest, *(row.limit for row in rows if row.limit and row.limit < _FAR * longest)])
    scale = (_WIDTH - _LABELS - _VALUES) / longest
    height = _HEAD + _ROW * len(rows) + _FOOT
    drawn = "".join(_row(row, _HEAD + _ROW * number, scale) for number, row in enumerate(rows))
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' width='{_WIDTH}' height='{height}' "
        f"role='img' aria-label='{escape(title)}'>"
        f"<rect width='{_WIDTH}' height='{height}' rx='6' fill='{_GROUND}'/>"
        f"<text x='18' y='28' {_FONT} font-size='15' font-weight='600' fill='{_INK}'>{escape(title)}</text>"
        f"{drawn}</svg>\n"
    )


def _row(row: Bar, top: int, scale: float) -> str:
    middle, length = top + _ROW / 2, max(1.0, row.value * scale)
    mark = ""
    at = _LABELS + (row.limit or 0.0) * scale
    if _LABELS < at <= _WIDTH - _VALUES:
        mark = (
            f"<line x1='{at:.1f}' x2='{at:.1f}' y1='{top + 2}' y2='{top + _ROW - 2}' stroke='{_LIMIT}' "
            "stroke-width='2' stroke-dasharray='4 3'/>"
        )
    return (
        f"<text x='{_LABELS - 10}' y='{middle + 4:.0f}' {_FONT} font-size='13' text-anchor='end' fill='{_INK}'>"
        f"{escape(row.label)}</text>"
        f"<rect x='{_LABELS}' y='{top + 5}' width='{length:.1f}' height='{_ROW - 10}' rx='3' "
        f"fill='{_OURS if row.ours else _OTHERS}'/>{mark}"
        f"<text x='{_WIDTH - 14}' y='{middle + 4:.0f}' {_FONT} font-size='13' text-anchor='end' fill='{_QUIET}'>"
        f"{escape(row.text)}</text>"
    )
