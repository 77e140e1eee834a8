"""Hands connections on from an address that containers reach to a port of loopback, as they are."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class _Connection(socketserver.BaseRequestHandler):
    request: socket.socket
    server: "_Server"

    def handle(self) -> None:
        with socket.create_connection(self.server.behind) as other:
            back = threading.Thread(target=_copy, args=(other, self.request), daemon=True)
            back.start()
            _copy(self.request, other)
            back.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    behind: tuple[str, int]


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def forwarding(address: str, behind: tuple[str, int]) -> Iterator[str]:
    """Yield the URL at which a port of loopback is reached."""
    server = _Server((address, 0), _Connection)
    server.behind = behind
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://{address}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
