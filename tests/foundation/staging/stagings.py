"""What tests of staging in real containers share: buildpacks that are scripts, and requests."""

from collections.abc import Callable, Mapping

from foundation.model.staging import StagingRequest

FINAL = {
    "bin/finalize": "#!/bin/sh\necho finalized\n",
    "bin/release": "#!/bin/sh\necho 'default_process_types: {web: ./run.sh}'\n",
}
Request = Callable[..., StagingRequest]


def supply(script: str) -> Mapping[str, str]:
    return {"bin/supply": f"#!/bin/sh\n{script}\n"}
