"""A stager, and requests to it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from foundation.engine.engine import Engine
from foundation.model.staging import BuildpackRef, StagingRequest
from foundation.staging.stager import ContainerStager
from tests.foundation.engine_fixtures import STACK, zip_of
from tests.foundation.staging.stagings import Request


@pytest.fixture
def stager(engine: Engine, images: Mapping[str, str], programs: Path, tmp_path: Path) -> ContainerStager:
    return ContainerStager(engine=engine, images=images, programs=programs, cache=tmp_path / "cache")


@pytest.fixture
def request_of(tmp_path: Path) -> Request:
    """Make a request from buildpacks as `name={file: text}`, in order; other fields by `replace`."""

    def make(**buildpacks: Mapping[str, str]) -> StagingRequest:
        references = [
            BuildpackRef(key=f"key-{name}", name=name, archive=zip_of(tmp_path / f"{name}.zip", files))
            for name, files in buildpacks.items()
        ]
        return StagingRequest(
            build_guid="build-1",
            app_guid="app-1",
            stack=STACK,
            package=zip_of(tmp_path / "app.zip", {"run.sh": "#!/bin/sh\n", "sub/folder/data": "content"}),
            buildpacks=references,
            skip_detect=True,
            environment={"GREETING": "hello"},
            memory_mb=256,
            disk_mb=512,
            timeout_s=120,
            offline=True,
            cache=tmp_path / "blobs" / "cache.tgz",
            droplet=tmp_path / "blobs" / "droplet.tgz",
        )

    return make
