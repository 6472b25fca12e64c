"""TCP ports of the loopback interface for servers about to start.

Must never be taken for a reservation: between the answer and its use anybody may take the port. A free one lies below
those that Linux gives to outgoing connections (32768 and up, `ip_local_port_range`), so that none of these takes it
while a server is still starting.
"""

import secrets
import socket

LOOPBACK = "127.0.0.1"
_LOWEST, _BEYOND = 20_000, 32_000
_TRIES = 100


class PortTakenError(RuntimeError):
    """Somebody else listens on the port that was asked for."""


def usable_port(wanted: int | None = None) -> int:
    """The wanted port, or any free one when None.

    Raises:
        PortTakenError: Somebody listens on the wanted port, or on every one that was tried.
    """
    ports = [wanted] if wanted else [_LOWEST + secrets.randbelow(_BEYOND - _LOWEST) for _ in range(_TRIES)]
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of a past server do not count
            try:
                probe.bind((LOOPBACK, port))
            except OSError as error:
                reason = error.strerror
            else:
                return port
    raise PortTakenError(f"Port {ports[-1]} on {LOOPBACK} is taken ({reason}). Stop its owner, or choose another.")
