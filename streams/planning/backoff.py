"""Back-off: how long to wait before the next attempt, doubling, bounded, spread by jitter.

The jitter is a function of the delivery, so that it needs no randomness and many deliveries
that failed together do not return together.
"""

from hashlib import blake2b
from typing import Final

MAX_ATTEMPTS: Final = 20
"""About one and a half to three hours: a relay may be restarted, or grey-list us, before a person is asked."""
_FIRST_SECONDS: Final = 2.0
_LONGEST_SECONDS: Final = 900.0
_STEPS: Final = 256


def backoff_seconds(attempt: int, delivery_id: str) -> float:
    """Real seconds to wait after the `attempt`-th failure (1 is the first): half to all of the doubling."""
    whole = min(_FIRST_SECONDS * 2.0 ** (attempt - 1), _LONGEST_SECONDS)
    seed = blake2b(f"{delivery_id}:{attempt}".encode(), digest_size=1).digest()[0]
    return whole * (0.5 + seed / (2 * _STEPS))
