"""What can end or turn back the engine, each error saying whose fault it is and what to do.

Must never be raised for one bad record: that is a refusal, and the next record goes on.
"""


class EngineError(Exception):
    """The engine cannot go on without breaking a promise; the process ends with this text and a non-zero status."""


class SetupError(EngineError):
    """Topics, offsets or state contradict each other; an operator has to look before anything is read."""


class RecordsLostError(EngineError):
    """Source records were deleted by retention before they were read."""


class FencedError(EngineError):
    """Another producer took our transactional id although nobody told us to retire."""


class RefusedWriteError(EngineError):
    """The broker refused a record batch for good, for example because it is too large."""


class BrokerAwayError(EngineError):
    """A call to the broker failed or outran its bound; what it did may be unknown, and memory is no longer trusted."""


class UnsettledError(BrokerAwayError):
    """The answer to a commit did not arrive: it may or may not have happened."""


class SupersededError(Exception):
    """A newer rebalance began; the attempt to own partitions stops and cleans up after itself."""


class TrippedError(Exception):
    """Too many of the last records were refused: this partition pauses, the others go on."""


class ReseekError(Exception):
    """The store of positions expects another offset than the batch starts at.

    Args:
        expected_offset: Where the partition has to be read from.
    """

    def __init__(self, expected_offset: int) -> None:
        super().__init__(f"the position is {expected_offset}")
        self.expected_offset = expected_offset
