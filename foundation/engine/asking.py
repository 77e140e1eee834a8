"""What goes wrong between us and the Docker engine, in our own words."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from foundation.failures import EngineError, EngineGoneError, NotThereError


@contextmanager
def answering(doing: str) -> Iterator[None]:
    """Turn what goes wrong between us and the engine into EngineError or EngineGoneError."""
    import requests
    from docker.errors import APIError, DockerException, NotFound

    try:
        yield
    except NotFound as error:
        remedy = "What was removed meanwhile is made again when the foundation starts."
        raise NotThereError(
            f"the Docker engine cannot {doing}: {error.explanation or error}", remedy
        ) from error
    except APIError as error:
        raise EngineError(f"the Docker engine cannot {doing}: {error.explanation or error}") from error
    except (DockerException, requests.RequestException, ConnectionError) as error:
        where = os.environ.get("DOCKER_HOST", "its default socket")
        message = f"the Docker engine at {where} does not answer, so the foundation cannot {doing}: {error}"
        raise EngineGoneError(message, "Start the engine; `docker info` says whether it runs.") from error


@contextmanager
def fine(*statuses: int) -> Iterator[None]:
    """Let these HTTP statuses of the engine pass."""
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        if error.status_code not in statuses:
            raise
