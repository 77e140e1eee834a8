"""A release from somebody's own clone, to the bucket and the remote that the pipeline releases to."""

import os
import shutil
import subprocess

from faults import store
from faults.subject import git
from tests.pipeline import git_server, subject
from tests.pipeline.world import World, secrets

SHARED = ("env", "uv", "cache")


def release(world: World, source: str) -> "subprocess.CompletedProcess[str]":
    """Empty the bucket, put main back to the source, and release it from a clone with `--env production`."""
    world.bucket.replace_all({})
    for ref in world.refs():
        if ref != "refs/heads/main":
            git(world.remote, "update-ref", "-d", ref)
    git(world.remote, "update-ref", "refs/heads/main", source)
    clone = world.folder / "laptop"
    shutil.rmtree(clone, ignore_errors=True)
    git(world.folder, "clone", "--quiet", "--template=", str(world.remote), str(clone))
    (clone / ".local").mkdir()
    for name in SHARED:
        (clone / ".local" / name).symlink_to(subject.CHECKOUT / ".local" / name)
    given = secrets()
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(world.folder),
        "NO_PROXY": "*",
        "AWS_ACCESS_KEY_ID": store.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": store.SECRET_KEY,
        "GIT_USERNAME": git_server.USER,
        "GIT_PASSWORD": git_server.PASSWORD,
        "CF_USERNAME": given["cf_username"],
        "CF_PASSWORD": given["cf_password"],
        "RELEASE_SIGNING_KEY": given["signing_key"],
    }
    argv = [str(clone / "inv"), "release", "--env", "production"]
    return subprocess.run(
        argv, check=False, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
