"""Python's cyclic collector, kept from walking what will live as long as the process.

Must never be switched off: a cycle somewhere would then grow without a bound.

Theory of operation: with many live objects the collector costs a quarter of the throughput. After a restore all that
lives is moved to the permanent generation, and collections run less often. What was moved there before is looked at
again each time: producers, pipes and the states of a lost partition are cycles that nothing else would ever free. A
restore makes so many short-lived records that the collector would walk the whole process every few ten thousand of
them: it is held back before.
"""

import gc

_THRESHOLDS = (50_000, 20, 50)


def hold_back() -> None:
    """Let it run less often, and not over what is alive now; the next `settle` looks at that again."""
    gc.set_threshold(*_THRESHOLDS)
    gc.freeze()


def settle() -> None:
    """Collect once, then take everything alive out of the collector's sight."""
    gc.unfreeze()
    gc.collect()
    hold_back()
