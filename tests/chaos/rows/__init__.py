"""Every row of the matrix, in the order in which they are played."""

from tests.chaos.row import Row
from tests.chaos.rows import broker, ledger, mail, records, trackers

ROWS: tuple[Row, ...] = (*trackers.ROWS, *broker.ROWS, *records.ROWS, *ledger.ROWS, *mail.ROWS)
