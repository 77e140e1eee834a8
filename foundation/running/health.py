"""Asks an instance whether it is healthy, as Cloud Foundry's healthcheck program does and in its words.

It asks the container's own address: an app that listens on 127.0.0.1 only is not healthy.
"""

import socket
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from foundation.model.running import HealthCheck

REDIRECTS = 10
USER_AGENT = "diego-healthcheck"

Probe = Callable[[], str | None]  # returns why the instance is not healthy, or None where it is


def probes(check: HealthCheck, address: str, ports: Sequence[int]) -> list[Probe]:
    """Return how each port is asked: by http the first one only. A process check asks nothing."""
    if check.type == "process":
        return []
    first = _http if check.type == "http" else _tcp
    ways = [first, *[_tcp] * len(ports)]
    return [partial(way, check, address, port) for way, port in zip(ways, ports, strict=False)]


def _tcp(check: HealthCheck, address: str, port: int) -> str | None:
    if not address:
        return "failure to find suitable interface"
    tried = f"failed to make TCP connection to {address}:{port}"
    try:
        socket.create_connection((address, port), timeout=check.invocation_timeout_s).close()
    except TimeoutError:
        return f"{tried}: timed out after {check.invocation_timeout_s:.2f} seconds"
    except OSError as error:
        words = (error.strerror or str(error)).lower()
        return f"{tried}: dial tcp {address}:{port}: connect: {words}"
    return None


def _http(check: HealthCheck, address: str, port: int) -> str | None:
    """GET the endpoint: 200 exactly, redirects followed; every error but a timeout is called refused."""
    import requests

    if not address:
        return "failure to find suitable interface"
    tried = f"failed to make HTTP request to '{check.endpoint}' on port {port}"
    began = time.monotonic()
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the host's is not asked
        session.max_redirects = REDIRECTS
        session.headers.update({"User-Agent": USER_AGENT, "X-Forwarded-Proto": "https"})
        url = f"http://{address}:{port}{check.endpoint}"
        try:
            with session.get(url, timeout=check.invocation_timeout_s, stream=True) as answer:
                took_ms = int((time.monotonic() - began) * 1000)
                _drink(answer.iter_content(1 << 16), began + check.invocation_timeout_s)
                status = answer.status_code
        except requests.Timeout:
            return f"{tried}: timed out after {check.invocation_timeout_s:.2f} seconds"
        except requests.RequestException:
            return f"{tried}: connection refused"
    if status != requests.codes.ok:
        return f"{tried}: received status code {status} in {took_ms}ms"
    return None


def _drink(body: Iterable[bytes], deadline: float) -> None:
    """Read a body, so that the app sees no error; one that is late or breaks is no failure."""
    import requests

    try:
        for _ in body:
            if time.monotonic() > deadline:
                return
    except requests.RequestException:
        return
