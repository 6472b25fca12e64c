"""The text types that every boundary shares, with their limits.

Identifiers and free text are bounded at decode, so that nothing downstream meets a value
that it cannot store, sort or print.
"""

from typing import Annotated

from msgspec import Meta

TEXT_MAX_CHARS = 512
EVENT_MAX_BYTES = 64 * 1024

Text = Annotated[str, Meta(min_length=1, max_length=TEXT_MAX_CHARS)]
"""Free text or an identifier: 1 to 512 characters."""

BoundedId = Annotated[str, Meta(min_length=1, max_length=128)]
"""What is as long as an `Identifier`."""

Identifier = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\s/\x00-\x1f\x7f]+(?!\n)$")]
"""A tenant's or client's id: 1 to 128 characters without spaces, control characters or `/`."""

TypeName = Annotated[str, Meta(max_length=64, pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+(?!\n)$")]
"""An event type: lower-case words joined by dots, as in `session.completed`."""

Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}(?!\n)$")]
"""An ISO 4217 code."""
