"""Containers of ended stagings are removed in the background, until they are gone."""

from foundation.failures import EngineError
from foundation.staging.removal import Removal
from tests.foundation.engine_fixtures import until


class Engine:
    """Removes once it is back."""

    def __init__(self) -> None:
        self.away = True
        self.asked: list[str] = []
        self.removed: list[str] = []

    def remove(self, container: str) -> None:
        self.asked.append(container)
        if self.away:
            raise EngineError("it is away")
        self.removed.append(container)


def test_a_removal_is_repeated_until_the_engine_is_back() -> None:
    engine = Engine()
    removal = Removal(engine.remove)
    removal.take("first")
    until(lambda: engine.asked.count("first") >= 2, seconds=10)
    removal.take("second")
    until(lambda: "second" in engine.asked, seconds=10)
    engine.away = False
    until(lambda: engine.removed == ["first", "second"], seconds=10)
    asked = len(engine.asked)
    removal.close()
    assert len(engine.asked) == asked


def test_what_is_left_at_the_end_is_tried_once_more() -> None:
    engine = Engine()
    removal = Removal(engine.remove)
    removal.take("left")
    until(lambda: engine.asked, seconds=10)
    engine.away = False
    removal.close()
    assert engine.removed == ["left"]
