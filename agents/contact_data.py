"""Contact data in an event: what is taken for an address, the same for hooks as for tables.

An event must name nobody: a client's address belongs to their profile, which an erasure reaches. Only what has the
form of an e-mail address is recognised. Pure.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from schemas.refusal import Refused

_ADDRESS = re.compile(rb'[^\s@"]@[^\s@"]+\.[^\s@"]')
_encode = msgspec.json.Encoder().encode


def refuse_addresses(fields: Mapping[str, Any], belongs: str) -> None:
    """Let fields of an event pass that hold no address.

    Args:
        fields: their values by the names that a sender knows.
        belongs: where an address would be right.

    Raises:
        Refused: `contact_data`, with the field's name and never what it holds.
    """
    if b"@" not in _encode(fields):
        return
    for name, value in fields.items():
        if _ADDRESS.search(_encode(name)):
            raise Refused("contact_data", f"the name of a field is an address; {belongs}")
        if _ADDRESS.search(_encode(value)):
            raise Refused("contact_data", f"{name} holds an address; {belongs}")
