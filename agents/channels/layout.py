"""Layout: parts of a message set as plain text, as paragraphs for the app, and as a mail in HTML.

It must never lose or add words: the three say the same. What stands above the words depends on
the weight: a badge, a bar, a large number, or nothing.

Theory of operation: every text is escaped here, once; the isolates around a name that runs from
right to left become `<bdi>`, since old mail readers draw a box for the characters themselves.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from agents.channels.parts import Links, Part
from streams.planning.compose import END_ISOLATE, ISOLATE, Words

BADGE_CID = "badge"
_WHOLE_PERCENT = 100
_WRAP = textwrap.TextWrapper(width=76, break_on_hyphens=False, break_long_words=False)
_ITEM = textwrap.TextWrapper(
    width=76, break_on_hyphens=False, break_long_words=False, initial_indent="- ", subsequent_indent="  "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A whole message, ready to be set.

    Attributes:
        preview: what a mailbox shows beside the subject; may be empty.
        fixed: the short texts of its language by name, see `_fixed.txt`.
        language: BCP 47 tag of the words.
    """

    subject: str
    preview: str
    parts: tuple[Part, ...]
    words: Words
    links: Links
    fixed: Mapping[str, str]
    language: str


class Layout:
    """Sets mails in HTML.

    Args:
        templates: the folder that has `layout.html.j2`.
    """

    def __init__(self, templates: Path) -> None:
        environment = Environment(  # no sandbox: the layout is ours alone, and gets words that are filled in already
            loader=FileSystemLoader(templates),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update(shown=shown, bare=without_isolates)
        self._template = environment.get_template("layout.html.j2")

    def mail(self, sheet: Sheet, *, badge: bool) -> str:
        """The whole document; a badge stands in it as `cid:badge`."""
        return self._template.render(
            sheet=sheet, words=sheet.words, links=sheet.links, fixed=sheet.fixed, figure=_figure(sheet, badge=badge)
        )


def plain_mail(sheet: Sheet) -> str:
    """The same in plain text, wrapped, with every address written out."""
    fixed, links = sheet.fixed, sheet.links
    parts = [_plain(part) for part in sheet.parts if part.kind != "aside"]
    parts.append("\n".join(sheet.words["signature"]))
    parts += [_plain(part) for part in sheet.parts if part.kind == "aside"]
    if links.inbox_url:
        parts.append(f"{fixed['inbox']}: {links.inbox_url}")
    if links.preferences_url:
        parts.append(f"{fixed['preferences']}: {links.preferences_url}")
    if links.unsubscribe_url:
        parts.append(f"-- \n{fixed['unsubscribe']}: {links.unsubscribe_url}")
    return "\n\n".join(parts) + "\n"


def note_text(sheet: Sheet) -> str:
    """A message inside the app as text."""
    return "\n\n".join(f"{part.text}\n{_address(part)}" if part.link else _run_in(part) for part in sheet.parts)


def note_html(sheet: Sheet) -> str:
    """A message inside the app as a fragment: paragraphs, with links at their end."""
    return "".join(f"<p>{shown(_run_in(part))}{_anchor(part)}</p>" for part in sheet.parts)


def shown(text: str) -> Markup:
    """The text escaped, with `<bdi>` around what runs from right to left."""
    escaped = escape(text)
    if ISOLATE not in text:
        return escaped
    return Markup(str(escaped).replace(ISOLATE, "<bdi>").replace(END_ISOLATE, "</bdi>"))  # noqa: S704 - escaped before


def without_isolates(text: str) -> str:
    """The text without isolates: for names alone, where there is no sentence to turn."""
    return text.replace(ISOLATE, "").replace(END_ISOLATE, "")


def _plain(part: Part) -> str:
    lines = [_WRAP.fill(part.text), *map(_ITEM.fill, part.items)]
    return "\n".join([*lines, _address(part)] if part.link else lines)


def _address(part: Part) -> str:
    return "{}: {}".format(*part.link) if part.link else ""


def _run_in(part: Part) -> str:
    """A list as a sentence, where there is no room for one."""
    return f"{part.text} {', '.join(part.items)}." if part.items else part.text


def _anchor(part: Part) -> Markup:
    if part.link is None:
        return Markup("")
    label, url = part.link
    return Markup(' <a href="{}">{}</a>').format(url, shown(label))


def _figure(sheet: Sheet, *, badge: bool) -> Mapping[str, object] | None:
    """What stands above the words: each weight has a look of its own, and a nudge has none."""
    words = sheet.words
    number = words.get("number")
    if badge:
        return {"kind": "badge", "alt": f"{sheet.fixed['badge']}: {words['name']}", "url": _badge_url(sheet)}
    if words["kind"] == "percent" and number is not None:
        return {"kind": "bar", "percent": min(number, _WHOLE_PERCENT)}
    if words["tier"] == "major" and number is not None and words["kind"] == "count" and number > 1:
        return {"kind": "number", "number": number}
    return None


def _badge_url(sheet: Sheet) -> str | None:
    urls = {part.link[1] for part in sheet.parts if part.link}
    return sheet.links.badge_url if sheet.links.badge_url in urls else None
