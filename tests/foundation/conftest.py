"""Makes the fixtures of tests with real containers known to all tests of the foundation."""

from tests.foundation.engine_fixtures import engine, go, images, log, programs, router

__all__ = ["engine", "go", "images", "log", "programs", "router"]
