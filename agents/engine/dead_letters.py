"""A refused record as it goes to the dead letters: key and value byte for byte, the rest in headers.

Must never repeat a payload in a header: reason and detail speak about the record without quoting it.
"""

from agents.engine.batch import Batch
from agents.engine.logic import Output, Record, Refusal

PREFIX = "cairn-dead-letter-"


def dead_letter(topic: str, refusal: Refusal, batch: Batch, record: Record) -> Output:
    """Return the record to write: the source's own headers, then where it came from and why it was refused."""
    added = {
        "reason": refusal.reason,
        "detail": refusal.detail,
        "topic": batch.topic,
        "partition": str(batch.partition),
        "offset": str(record.offset),
    }
    headers = (*record.headers, *((PREFIX + name, text.encode()) for name, text in added.items()))
    return Output(topic=topic, key=record.key, value=record.value, headers=headers)
