from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from agents.engine.batch import Batch, Misfit, fit


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """A record that is only its offset."""

    offset: int
    timestamp: int = 0
    timestamp_type: int = 1
    key: bytes | None = b"k"
    value: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def batch(start: int, end: int, *offsets: int) -> Batch:
    return Batch(topic="t", partition=0, start=start, end=end, records=[At(offset=offset) for offset in offsets])


def test_a_batch_that_starts_where_the_reader_stands_fits_as_it_is() -> None:
    given_batch = batch(5, 9, 5, 7)
    assert fit(given_batch, 5) is given_batch


def test_a_batch_that_starts_later_is_a_hole() -> None:
    assert fit(batch(6, 9, 6), 5) is Misfit.HOLE


def test_a_batch_that_ends_at_the_reader_is_old() -> None:
    assert fit(batch(1, 5, 1), 5) is Misfit.OLD


def test_an_overlap_is_dropped_record_by_record() -> None:
    fitted = fit(batch(1, 9, 1, 4, 6, 8), 5)
    assert isinstance(fitted, Batch)
    assert (fitted.start, fitted.end, [record.offset for record in fitted.records]) == (5, 9, [6, 8])


def test_control_records_alone_leave_an_empty_batch_that_moves_the_reader() -> None:
    fitted = fit(batch(5, 6), 5)
    assert isinstance(fitted, Batch)
    assert (fitted.records, fitted.end) == ([], 6)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), max_size=60))
def test_whatever_arrives_in_whatever_order_each_offset_is_taken_at_most_once_and_in_order(
    ranges: list[tuple[int, int]],
) -> None:
    position, taken = 0, []
    for start, length in ranges:
        fitted = fit(batch(start, start + length, *range(start, start + length)), position)
        if isinstance(fitted, Batch):
            taken += [record.offset for record in fitted.records]
            position = fitted.end
    assert taken == list(range(position))
