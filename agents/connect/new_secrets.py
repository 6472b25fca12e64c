"""New secrets: how they are made, and when one may be put before those that are valid.

It must never push out a value that may still be in use: while two are valid, there is no third.
"""

import secrets as randomness
from base64 import b64encode
from collections.abc import Iterable
from typing import Final

from agents.secret_files import SecretFiles

_PATH_BYTES: Final = 24
_KEY_BYTES: Final = 32
_MOST_VALID: Final = 2


class TwoAreValid(Exception):
    """A secret that still has two valid values cannot be rotated; the text says what to do."""


def new_path() -> str:
    """The last part of a hook's address: 192 bits, in hex."""
    return randomness.token_hex(_PATH_BYTES)


def new_key() -> str:
    """A signing key: 256 bits, in hex."""
    return randomness.token_hex(_KEY_BYTES)


def new_webhook_key() -> str:
    """A key as the Standard Webhooks specification writes it."""
    return "whsec_" + b64encode(randomness.token_bytes(_KEY_BYTES)).decode()


def require_room(secrets: SecretFiles, tenant: str, names: Iterable[str]) -> None:
    """Raise unless each of these secrets may get one more value.

    Raises:
        TwoAreValid: the last rotation was not finished.
    """
    for name in names:
        if len(secrets.values(tenant, name)) >= _MOST_VALID:
            raise TwoAreValid(
                f"{name} of {tenant} has {_MOST_VALID} valid values already: once nobody uses the older one any more, "
                f"`cairn secrets retire {tenant} {name}`; then rotate"
            )
