"""Listening addresses as they are written on the command line: HOST:PORT."""

import socket

from foundation.failures import FoundationError


class ListenError(FoundationError):
    """An address cannot be listened on."""


def listen(address: str) -> socket.socket:
    """Return a listening socket; raise ListenError where the address is bad or taken."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ListenError(f"{address!r} is not an address to listen on", "Write it as 127.0.0.1:8080.")
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, int(port)))
        found.listen(128)
    except OSError as error:
        found.close()
        raise ListenError(
            f"cannot listen on {address}: {error.strerror}",
            "Stop what listens there, or choose another port.",
        ) from error
    return found
