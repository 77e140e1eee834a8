"""The cached buildpack stages where nothing can be downloaded; the uncached one fails there."""

import pytest

from releaser.tools import cf
from tests.acceptance import offline
from tests.acceptance.pushes import ENDS_S, Pushes, ended
from tests.acceptance.run import Run


def test_cached_buildpack_stages_without_a_download(run: Run, pushes: Pushes, stack: str) -> None:
    if offline.proof(run) == offline.NO_NETWORK:
        app = ended(pushes.apps[offline.cached_row(run, stack)], "it was not pushed")
        assert offline.is_off_the_network(run, app.guid)
        assert app.droplet["guid"]
    else:
        staged = ended(pushes.stagings["cached", stack], "it was not staged", whole=True)
        assert staged["guid"]


def test_uncached_buildpack_fails_where_nothing_can_be_downloaded(pushes: Pushes, stack: str) -> None:
    """The negative control: without it, the proof above could pass on a foundation that ignores it."""
    error = pushes.stagings["uncached", stack].exception(ENDS_S)
    if error is None:
        pytest.fail(f"the uncached buildpack was staged on {stack}: staging can reach the network")
    assert isinstance(error, cf.StagingFailedError), error
    assert offline.UNREACHABLE.search(error.message), f"it failed, but not to download: {error.message}"
