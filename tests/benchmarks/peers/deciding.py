"""The decision as Faust and Quix Streams call it: Cairn's own codec, `advance` and bytes of a state.

What a framework costs is then all that differs. Environment: BENCH_RULEBOOK, a file.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from schemas.codec import decode_event
from schemas.milestone import Milestone
from schemas.rulebook import load_rulebook
from streams.tracking.advance import advance
from streams.tracking.compiling import compile_rulebook
from streams.tracking.state import decode_state, encode_state

_rulebook = Path(os.environ["BENCH_RULEBOOK"])
_plan = compile_rulebook(load_rulebook(_rulebook.read_text(), str(_rulebook)))


def decide(known: bytes | None, key: bytes, value: bytes, now_ms: int) -> tuple[bytes, Sequence[Milestone]]:
    """The client's state after an event, and what was reached by it.

    Args:
        known: the client's state before; None at first.
        key: the record's key, `tenant/client`.
        value: the record's value.
        now_ms: when the record was appended.
    """
    state = decode_state(known, key.decode()) if known else None
    advanced = advance(state, decode_event((), value), _plan, now_ms)
    return encode_state(advanced.state), advanced.milestones
