"""The apps in fixtures/ are pushed with the sidecar as sidecar.yml calls it."""

from tests.acceptance import manifests
from tests.acceptance.candidate import Sidecar

STORY = Sidecar(
    name="config-server",
    command="./config-server",
    process_types=("web",),
    port_variable="CONFIG_SERVER_PORT",
)
AGENT = Sidecar(
    name="agent",
    command="./agent",
    process_types=("web", "worker"),
    port_variable="AGENT_PORT",
    memory="64M",
)
APP = {
    "name": "app",
    "env": {"CONFIG_SERVER_PORT": 8082, "OTHER": "x"},
    "sidecars": [
        {"name": "config-server", "process_types": ["web"], "command": "./config-server"},
        {"name": "own", "process_types": ["web"], "command": "./own"},
    ],
}


def test_manifest_of_the_story_stays_as_it_is() -> None:
    assert manifests.fitted(APP, STORY) == APP


def test_renamed_sidecar_takes_the_place_of_the_storys() -> None:
    found = manifests.fitted(APP, AGENT)
    assert found["sidecars"] == [
        {"name": "agent", "process_types": ["web", "worker"], "command": "./agent", "memory": "64M"},
        {"name": "own", "process_types": ["web"], "command": "./own"},
    ]
    assert found["env"] == {"CONFIG_SERVER_PORT": 8082, "AGENT_PORT": 8082, "OTHER": "x"}


def test_app_without_sidecar_and_port_gets_neither() -> None:
    assert manifests.fitted({"name": "app"}, AGENT) == {"name": "app"}


def test_port_that_an_app_names_itself_counts() -> None:
    found = manifests.fitted({"env": {"CONFIG_SERVER_PORT": 1, "AGENT_PORT": 2}}, AGENT)
    assert found["env"] == {"CONFIG_SERVER_PORT": 1, "AGENT_PORT": 2}
