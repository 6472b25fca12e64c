"""Free TCP ports of the loopback interface.

Must never be taken for a reservation: between the answer and its use anybody may take the port.
"""

import socket

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port on which nobody listened a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
