"""Robots: tells a person who opens an address from a machine that looks at it for somebody.

It must never keep a robot out: it sees the same answer, and is not counted. What says that it is a browser is
taken at its word; a mail scanner that pretends to be one is counted.
"""

import re
from typing import Final

from aiohttp import web

_NAMES: Final = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|preview|scan|facebookexternalhit|^whatsapp|skypeuri|embedly|iframely|vkshare"
    r"|bitly|mastodon|python|curl|wget|go-http|java/|okhttp|headless|monitor|uptime|proofpoint|barracuda|mimecast"
    r"|google-read-aloud|googleimageproxy|yahoomailproxy",
    re.IGNORECASE,
)  # Cubot makes telephones; browsers inside Telegram, Snapchat or Pinterest name these and belong to people


def is_person(request: web.Request) -> bool:
    """Whether a browser that somebody holds asks, as far as it says so.

    HEAD, prefetching (`Sec-Purpose`, in the Fetch standard, and the older `Purpose` and `X-Moz`) and clients
    without a name, or with a robot's, do not count.
    """
    agent = request.headers.get("User-Agent", "")
    early = " ".join(request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz", "X-Purpose"))
    return (
        request.method == "GET"
        and bool(agent)
        and not _NAMES.search(agent)
        and not re.search("pre(fetch|view|render)", early)
    )
