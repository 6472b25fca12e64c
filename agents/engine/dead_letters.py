"""A refused record as it goes to the dead letters: key and value byte for byte, the rest in headers.

Must never repeat a payload in a header: reason and detail speak about the record without quoting it. Must never be
refused itself: a record that only compression made small enough for its topic is named there and left where it is.
"""

from agents.engine.batch import Batch
from agents.engine.logic import Output, Record, Refusal

PREFIX = "cairn-dead-letter-"
OMITTED = f"{PREFIX}omitted"
_MOST_BYTES = 524_288  # below any broker's default for max.message.bytes, our own headers included
_MOST_KEY_BYTES = 4_096


def dead_letter(topic: str, refusal: Refusal, batch: Batch, record: Record, *, is_private: bool = False) -> Output:
    """Return the record to write: the source's own headers, then where it came from and why it was refused.

    Of a private source the content stays where it is: a copy could not be erased with it.
    """
    added = {
        "reason": refusal.reason,
        "detail": refusal.detail,
        "topic": batch.topic,
        "partition": str(batch.partition),
        "offset": str(record.offset),
    }
    key, value, headers, size = record.key, record.value, record.headers, _size(record)
    if size > _MOST_BYTES:
        added["omitted"] = f"{size} bytes of value and headers; the record stands at the offset given"
        key, value, headers = (key if key and len(key) <= _MOST_KEY_BYTES else None), None, ()
    elif is_private:
        added["omitted"] = "it may name a person; the record stands at the offset given"
        value, headers = None, ()
    told = ((PREFIX + name, text.encode()) for name, text in added.items())
    return Output(topic=topic, key=key, value=value, headers=(*headers, *told))


def _size(record: Record) -> int:
    headers = sum(len(name.encode()) + len(text or b"") for name, text in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers
