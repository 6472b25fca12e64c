"""The page: every mail and in-app message that went out, to look at.

One file without any outside resource, so that it can be opened, kept and passed on as it is.
Mails are shown in frames without rights. It must never show a message that did not leave:
mails are read from what the mail server received, in-app messages from the clients' inbox.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from demo.sent import SentMessage

_ASSETS = Path(__file__).with_name("assets")


def page_html(practice: str, messages: Iterable[SentMessage]) -> str:
    """The whole document, newest message first."""
    images: dict[str, str] = {}
    items = [_item(message, images) for message in sorted(messages, key=_sent_at, reverse=True)]
    data = json.dumps({"practice": practice, "items": items, "images": images}, separators=(",", ":"))
    page = (_ASSETS / "page.html").read_text(encoding="utf-8")
    for mark, content in (
        ("/*STYLE*/", (_ASSETS / "page.css").read_text(encoding="utf-8")),
        ("/*SCRIPT*/", (_ASSETS / "page.js").read_text(encoding="utf-8")),
        ("/*DATA*/", _inert(data)),
    ):
        page = page.replace(mark, content, 1)
    return page


def _sent_at(message: SentMessage) -> datetime:
    return message.sent_at


def _item(message: SentMessage, images: dict[str, str]) -> dict[str, Any]:
    """The message as the script wants it; pictures that many mails share are kept once."""
    used = {}
    for cid, png in message.images.items():
        key = hashlib.sha256(png).hexdigest()[:16]
        images.setdefault(key, f"data:image/png;base64,{base64.b64encode(png).decode()}")
        used[cid] = key
    return {
        "id": message.delivery_id,
        "channel": message.channel,
        "tier": message.tier,
        "client": message.client_name,
        "to": message.client_email,
        "from": message.sender,
        "milestone": message.milestone,
        "at": message.sent_at.isoformat(),
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "images": used,
        "beside": message.beside,
        "files": {name: base64.b64encode(content).decode() for name, content in message.files.items()},
    }


def _inert(json_text: str) -> str:
    """JSON that cannot end the script element it stands in (HTML Standard, 4.12.1.3)."""
    return json_text.replace("<", "\\u003c")
