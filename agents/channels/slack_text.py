"""The text of a Slack post: words stay words, whatever a name or title holds.

It must never let a text reach into Slack's markup: `&`, `<` and `>` are what makes links,
mentions and commands such as `<!channel>` (Slack, "Formatting text for app surfaces"). An
`@` that begins a word is parted from it by a word joiner, which nobody sees, so that no
setting of a workspace makes a mention of it either.
"""

import re
from typing import Final

MAX_CHARS: Final = 40_000
"""Slack cuts off what is longer (changelog of 2018-04, "Truncating really long messages")."""

_MENTION: Final = re.compile(r"(?<!\w)@(?=\w)")


def escaped(text: str) -> str:
    """The text as Slack is to be given it."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, entity)
    return _MENTION.sub("@\N{WORD JOINER}", text)
