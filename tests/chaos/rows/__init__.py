"""Every row of the matrix, in the order in which they are played: the longest come last."""

from tests.chaos.row import Row
from tests.chaos.rows import broker, clocks, erasures, ledger, mail, records, trackers

ROWS: tuple[Row, ...] = (
    *mail.ROWS,
    *ledger.ROWS,
    *erasures.ROWS,
    *records.ROWS,
    *clocks.ROWS,
    *broker.ROWS,
    *trackers.ROWS,
)
