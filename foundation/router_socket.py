"""HTTP over the socket in the router's folder, by which the foundation talks to its router."""

import http.client
import os
import socket
from pathlib import Path

SOCKET = "router.sock"


class RouterConnection(http.client.HTTPConnection):
    """A connection to the router, whose folder's path may be longer than a socket's name may be."""

    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__("router", timeout=seconds)
        self._folder = folder

    def connect(self) -> None:
        """Connect by way of the folder's descriptor."""
        folder = os.open(self._folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(f"/proc/self/fd/{folder}/{SOCKET}")
        finally:
            os.close(folder)
