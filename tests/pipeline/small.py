"""A small world for the player's own tests: a remote, a clone that pushes to it, and any pipeline."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from faults import subject
from faults.store import ACCESS_KEY, BUCKET, SECRET_KEY, Server
from tests.pipeline.player.plan import Build
from tests.pipeline.player.player import Player

Steps = list[dict[str, Any]]


@dataclass
class Small:
    """A repository whose main is pushed to, and a player."""

    folder: Path
    player: Player
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    commits: int = 0

    def __post_init__(self) -> None:
        self.remote, self.clone = self.folder / "remote.git", self.folder / "clone"
        subject.git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.remote))
        subject.git(self.folder, "init", "--quiet", "--initial-branch=main", str(self.clone))
        self.resources["code"] = self.git()

    def git(self, **source: Any) -> dict[str, Any]:
        """Return a git resource of the remote."""
        return {"type": "git", "source": {"uri": str(self.remote), "branch": "main", **source}}

    def s3(self, server: Server, **source: Any) -> dict[str, Any]:
        """Return an s3 resource of a server's bucket."""
        where = {"bucket": BUCKET, "endpoint": server.endpoint, "region_name": "us-east-1"}
        keys = {"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY, "use_path_style": True}
        return {"type": "s3", "source": {**where, **keys, **source}}

    def push(self, files: Mapping[str, str], message: str = "a change") -> str:
        """Push a commit, and return it."""
        for name, text in files.items():
            path = self.clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.commits += 1
        made = subject.commit(self.clone, message, subject.EPOCH + self.commits)
        subject.git(self.clone, "push", "--quiet", str(self.remote), "HEAD:main")
        return made

    def task(self, script: str, **task: Any) -> str:
        """Return a task file that runs a script."""
        run = {"path": "sh", "args": ["-euc", script], **task.pop("run", {})}
        return json.dumps({"platform": "linux", **task, "run": run})

    def pipeline(self, **jobs: Steps | dict[str, Any]) -> str:
        """Return a pipeline of these jobs: plans, or whole jobs."""
        resources = [{"name": name, **one} for name, one in self.resources.items()]
        whole = [
            {"name": name, **({"plan": job} if isinstance(job, list) else job)} for name, job in jobs.items()
        ]
        return str(yaml.safe_dump({"resources": resources, "jobs": whole}))

    def set(self, **jobs: Steps | dict[str, Any]) -> None:
        """Set a pipeline of these jobs."""
        self.player.set(self.pipeline(**jobs), "{}")

    def played(self) -> list[str]:
        """Play, and return the jobs that ran, with how they ended."""
        return [f"{build.job} {build.status}" for build in self.player.play()]

    def only(self) -> Build:
        """Play, and return the one build that ran."""
        (build,) = self.player.play()
        return build


def get(name: str = "code", **more: Any) -> dict[str, Any]:
    """Return a get that triggers."""
    return {"get": name, "trigger": True, **more}


GETS: Steps = [get(), get("image")]


def task(name: str, **more: Any) -> dict[str, Any]:
    """Return a step that runs a task file of the same name."""
    return {"task": name, "file": f"code/{name}", "image": "image", "timeout": "1m", **more}


def run(small: Small, files: dict[str, str], *plan: dict[str, Any], **job: Any) -> Build:
    """Push task files, and run one job."""
    small.push(files)
    small.set(job={"plan": [*GETS, *plan], **job})
    return small.only()


def row(*names: str, **more: Any) -> list[dict[str, Any]]:
    """Return inputs or outputs by name."""
    return [{"name": name, **more} for name in names]
