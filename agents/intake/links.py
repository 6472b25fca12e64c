"""The `Link` header: where a list goes on, as its server says (RFC 8288).

Pure. It must never raise, whatever a header holds: what is no link says nothing.
"""

import re
from collections.abc import Iterable

_PARAMETER = r"""[!#$&+\-.^`|~\w]+\*?(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]+))?"""
_LINK = re.compile(rf"<([^<>]*)>((?:\s*;\s*{_PARAMETER})*)", re.ASCII)
_PART = re.compile(r"""([!#$&+\-.^`|~\w]+\*?)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+)))?""", re.ASCII)


def next_reference(headers: Iterable[str]) -> str | None:
    """The target of the first link with `rel="next"`, as it stands there, absolute or relative.

    Args:
        headers: the values of every `Link` header of an answer.

    A link with an `anchor` is about another document and is passed over (RFC 8288, 3.2); of
    several `rel` parameters the first counts (3.3).
    """
    for header in headers:
        for target, text in _LINK.findall(header):
            parameters: dict[str, str] = {}
            for name, quoted, plain in _PART.findall(text):
                parameters.setdefault(name.lower(), quoted or plain)
            if "next" in parameters.get("rel", "").lower().split() and "anchor" not in parameters:
                return str(target).strip()
    return None
