"""Asks an instance whether it is healthy, as Cloud Foundry's healthcheck program does.

It asks the container's own address: an app that listens on 127.0.0.1 only is not healthy.
"""

import socket
import time

from foundation.model.running import HealthCheck

REDIRECTS = 10
USER_AGENT = "diego-healthcheck"


def failure(check: HealthCheck, address: str, port: int) -> str | None:
    """Return why the instance is not healthy, or None where it is; takes no longer than the check may."""
    if check.type == "process":
        return None
    if not address:
        return "the container has no address"
    if check.type == "http":
        return _http(check, address, port)
    tried = f"Failed to make TCP connection to {address}:{port}"
    try:
        socket.create_connection((address, port), timeout=check.invocation_timeout_s).close()
    except TimeoutError:
        return f"{tried}: timed out after {check.invocation_timeout_s:.2f} seconds"
    except OSError as error:
        return f"{tried}: {(error.strerror or str(error)).lower()}"
    return None


def _http(check: HealthCheck, address: str, port: int) -> str | None:
    """GET the endpoint: 200 exactly, redirects followed, the body read to its end."""
    import requests

    deadline = time.monotonic() + check.invocation_timeout_s
    tried = f"Failed to make HTTP request to '{check.endpoint}' on port {port}"
    late = f"{tried}: timed out after {check.invocation_timeout_s:.2f} seconds"
    url = f"http://{address}:{port}{check.endpoint}"
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the host's is not asked
        session.max_redirects = REDIRECTS
        session.headers.update({"User-Agent": USER_AGENT, "X-Forwarded-Proto": "https"})
        try:
            with session.get(url, timeout=check.invocation_timeout_s, stream=True) as answer:
                for _ in answer.iter_content(1 << 16):
                    if time.monotonic() > deadline:
                        return late
                status = answer.status_code
        except requests.Timeout:
            return late
        except requests.ConnectionError as error:  # also where the body does not come in time
            return late if "timed out" in str(error) else f"{tried}: connection refused"
        except requests.RequestException as error:
            return f"{tried}: {error}"
    if status != requests.codes.ok:
        return f"{tried}: received status code {status}"
    return None
