"""What the traps are set with: the stager, its requests and the runners of the neighbouring tests."""

from tests.foundation.running.conftest import empty, make_runner
from tests.foundation.staging.conftest import request_of, stager

__all__ = ["empty", "make_runner", "request_of", "stager"]
