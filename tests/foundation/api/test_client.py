"""The published Python client against a real server on a loopback port."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from cloudfoundry_client.client import CloudFoundryClient
from cloudfoundry_client.errors import InvalidStatusCode

from foundation.listening import listen
from tests.foundation.api.stand import running
from tests.foundation.api.talk import buildpack_zip


@pytest.fixture
def client(tmp_path: Path) -> Iterator[CloudFoundryClient]:
    """Return a client that is logged in."""
    with listen("127.0.0.1:0") as socket:
        api = f"http://127.0.0.1:{socket.getsockname()[1]}"
        with running(tmp_path, api=api) as stand:
            server = uvicorn.Server(uvicorn.Config(stand.app, log_level="warning"))
            thread = threading.Thread(target=server.run, args=([socket],))
            thread.start()
            while not server.started:
                time.sleep(0.01)
            found = CloudFoundryClient(api)
            found.init_with_user_credentials("admin", stand.world.auth.password)
            yield found
            server.should_exit = True
            thread.join()


def test_client_walks_from_organization_to_space_by_links(client: CloudFoundryClient) -> None:
    (organization,) = list(client.v3.organizations.list())
    assert [domain["name"] for domain in organization.domains()] == ["apps.test"]
    (space,) = list(client.v3.spaces.list(include="organization"))
    assert space.organization()["name"] == "local"


def test_client_creates_uploads_updates_and_removes_a_buildpack(
    client: CloudFoundryClient, tmp_path: Path
) -> None:
    archive = tmp_path / "my_buildpack.zip"
    archive.write_bytes(buildpack_zip())
    made = client.v3.buildpacks.create("mine", position=1)
    uploaded = client.v3.buildpacks.upload(made["guid"], str(archive))
    assert (uploaded["state"], uploaded["stack"], uploaded["filename"]) == (
        "READY",
        "cflinuxfs4",
        archive.name,
    )
    assert uploaded.job()["state"] == "COMPLETE"
    renamed = client.v3.buildpacks.update(made["guid"], "yours", position=1, stack="cflinuxfs4")
    assert renamed["name"] == "yours"
    client.v3.buildpacks.remove(made["guid"], asynchronous=False)
    with pytest.raises(InvalidStatusCode):
        client.v3.buildpacks.get(made["guid"])


def test_client_failed_upload_is_seen_in_the_job(client: CloudFoundryClient, tmp_path: Path) -> None:
    archive = tmp_path / "b.zip"
    archive.write_bytes(buildpack_zip("nowhere"))
    made = client.v3.buildpacks.create("mine", position=1)
    job = client.v3.buildpacks.upload(made["guid"], str(archive)).job()
    assert (job["state"], job["errors"][0]["code"]) == ("FAILED", 390012)
