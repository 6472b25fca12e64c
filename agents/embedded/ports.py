"""TCP ports of the loopback interface for servers about to start.

Must never be taken for a reservation: between the answer and its use anybody may take the port.
"""

import socket

LOOPBACK = "127.0.0.1"


class PortTakenError(RuntimeError):
    """Somebody else listens on the port that was asked for."""


def usable_port(wanted: int | None = None) -> int:
    """The wanted port, or any free one when None.

    Raises:
        PortTakenError: Somebody listens on the wanted port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a past server do not count
        try:
            probe.bind((LOOPBACK, wanted or 0))
        except OSError as error:
            raise PortTakenError(
                f"Port {wanted} on {LOOPBACK} is taken ({error.strerror}). Stop its owner, or choose another."
            ) from error
        return int(probe.getsockname()[1])
