"""The fixed head of every stored state: format, deadline, last applied offset of each source topic.

Must never depend on what the body is: a restore reads deadlines at fixed places and decodes no body.

Theory of operation: `>Bq` (format byte, deadline in ms or -1) followed by one `q` per source topic in fold order
(the offset of the last record of that topic applied to this state, or -1). A record at or below that offset is a
replay. A new source topic may be appended to the fold order: the format byte counts the offsets that were written.
"""

from collections.abc import Iterable, Mapping
from struct import Struct

NEVER = -1
_DEADLINE = Struct(">q")
_NEGATIVE = 0x80  # the first byte of a negative deadline is at least this
_FORMAT = 0x10  # high nibble: format 1; low nibble: the number of topics


class Header:
    """Packs and unpacks the head for one number of source topics.

    Args:
        topics: How many source topics the engine folds, 1 to 15.
    """

    __slots__ = ("_format", "_none", "_packer", "size")

    def __init__(self, topics: int) -> None:
        self._format = _FORMAT | topics
        self._none = (NEVER,) * topics
        self._packer = Struct(f">Bq{topics}q")
        self.size = self._packer.size

    def pack(self, deadline_ms: int, applied: Iterable[int], body: bytes) -> bytes:
        """Return the stored value; `deadline_ms` may be `NEVER`."""
        return self._packer.pack(self._format, deadline_ms, *applied) + body

    def unpack(self, value: bytes) -> tuple[int, tuple[int, ...], bytes]:
        """Return deadline (or `NEVER`), applied offsets and body.

        Raises:
            ValueError: The value was written by another version of this format.
        """
        form, deadline, *applied = self._packer.unpack_from(value)
        if form != self._format:
            raise ValueError(
                f"state format {form:#x} is not {self._format:#x}: written by another version of the engine"
            )
        return deadline, tuple(applied), value[self.size :]

    def deadline(self, value: bytes) -> int:
        """Return the deadline alone, or `NEVER`."""
        return int.from_bytes(value[1:9], "big", signed=True)

    def deadlines(self, values: Mapping[bytes, bytes]) -> list[tuple[int, bytes]]:
        """Return the deadline and key of every value that has one."""
        read = _DEADLINE.unpack_from
        return [(read(value, 1)[0], key) for key, value in values.items() if value[1] < _NEGATIVE]

    @property
    def unapplied(self) -> tuple[int, ...]:
        """The applied offsets of a key that has no state yet."""
        return self._none
