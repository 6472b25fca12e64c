"""Whether what somebody presents is one of the signatures that would fit."""

import hmac
from collections.abc import Iterable


def fits_one(presented: str, fitting: Iterable[bytes | str]) -> bool:
    """Whether it is one of them; every one is compared, in constant time, so the time does not tell which.

    A header's bytes that are no text arrive as lone surrogates, and are a bad signature like any other.
    """
    given = presented.encode("utf-8", "surrogateescape")
    fits = False
    for one in fitting:
        fits |= hmac.compare_digest(one if isinstance(one, bytes) else one.encode(), given)
    return fits
