"""What the tests say to a foundation over HTTP, and the zips they send."""

import base64
import io
import time
import zipfile
from collections.abc import Mapping
from typing import Any

import httpx


class Talk:
    """A client that is logged in."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def log_in(self, password: str) -> dict[str, Any]:
        """Return a token document and use its token from now on."""
        form = {"grant_type": "password", "username": "admin", "password": password}
        document: dict[str, Any] = self.http.post("/login/oauth/token", data=form).json()
        self.http.headers["Authorization"] = f"Bearer {document['access_token']}"
        return document

    def get(self, path: str, status: int = 200) -> Any:
        answer = self.http.get(path)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, status: int = 201) -> Any:
        return self.send("POST", path, body, status)

    def patch(self, path: str, body: Any, status: int = 200) -> Any:
        return self.send("PATCH", path, body, status)

    def send(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self.http.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def details(self, method: str, path: str, body: Any = None, status: int = 422) -> list[str]:
        """Return the sentences of a refusal."""
        return [entry["detail"] for entry in self.send(method, path, body, status)["errors"]]

    def delete(self, path: str, status: int = 202) -> Any:
        return self.job(self.http.delete(path), status)

    def job(self, answer: Any, status: int = 202) -> Any:
        """Return the job that an answer points to."""
        assert answer.status_code == status, answer.text
        if status != 202:
            return None
        return self.get(answer.headers["Location"].removeprefix(str(self.http.base_url)))

    def upload(self, path: str, content: bytes, filename: str = "some/where/b.zip") -> Any:
        return self.http.post(path, files={"bits": (filename, content)})

    @property
    def space(self) -> str:
        guid: str = self.get("/v3/spaces?names=local")["resources"][0]["guid"]
        return guid

    def create_app(self, name: str = "a", **more: Any) -> str:
        relation = {"space": {"data": {"guid": self.space}}}
        guid: str = self.post("/v3/apps", {"name": name, "relationships": relation, **more})["guid"]
        return guid

    def create_buildpack(self, name: str = "bp", stack: str | None = "cflinuxfs4", **more: Any) -> str:
        guid: str = self.post("/v3/buildpacks", {"name": name, **more})["guid"]
        job = self.job(self.upload(f"/v3/buildpacks/{guid}/upload", buildpack_zip(stack)))
        assert job["state"] == "COMPLETE", job
        return guid

    def create_package(self, app: str, files: Mapping[str, str] | None = None) -> str:
        body = {"type": "bits", "relationships": {"app": {"data": {"guid": app}}}}
        guid: str = self.post("/v3/packages", body)["guid"]
        answer = self.upload(f"/v3/packages/{guid}/upload", a_zip(files or {"run": "#!/bin/sh"}))
        assert answer.status_code == 200, answer.text
        return guid

    def build(self, app: str, files: Mapping[str, str] | None = None, **lifecycle: Any) -> Any:
        """Stage an app's new package and return the build when it has ended."""
        body: dict[str, Any] = {"package": {"guid": self.create_package(app, files)}}
        if lifecycle:
            body["lifecycle"] = {"type": "buildpack", "data": lifecycle}
        return self.ended(self.post("/v3/builds", body)["guid"])

    def ended(self, build: str) -> Any:
        """Return a build that is no longer STAGING."""
        for _ in range(6000):
            found = self.get(f"/v3/builds/{build}")
            if found["state"] != "STAGING":
                return found
            time.sleep(0.01)
        raise AssertionError("the build stays in STAGING")

    def assign(self, app: str, droplet: str, status: int = 200) -> Any:
        path = f"/v3/apps/{app}/relationships/current_droplet"
        return self.patch(path, {"data": {"guid": droplet}}, status)

    def push(self, name: str = "a") -> str:
        """Return an app that is staged and started."""
        if not self.get("/v3/buildpacks")["resources"]:
            self.create_buildpack()
        app = self.create_app(name)
        self.assign(app, self.build(app)["droplet"]["guid"])
        self.post(f"/v3/apps/{app}/actions/start", status=200)
        return app

    def log(self, app: str, query: str = "") -> list[tuple[str, str]]:
        """Return source and text of an app's log lines."""
        batch = self.get(f"/api/v1/read/{app}?{query}")["envelopes"]["batch"]
        return [
            (entry["tags"]["source_type"], base64.b64decode(entry["log"]["payload"]).decode())
            for entry in batch
        ]

    def manifest(self, text: str, action: str = "actions/apply_manifest") -> Any:
        headers = {"Content-Type": "application/x-yaml"}
        return self.http.post(f"/v3/spaces/{self.space}/{action}", content=text, headers=headers)

    def apply(self, text: str) -> Any:
        """Return the job of an applied manifest."""
        return self.job(self.manifest(text))


def a_zip(files: Mapping[str, str], mode: int = 0o644) -> bytes:
    """Return a zip of files with this mode."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def buildpack_zip(stack: str | None = "cflinuxfs4", note: str = "") -> bytes:
    """Return a buildpack's zip; its manifest names a stack unless it is None."""
    files = {"bin/supply": f"#!/bin/sh\n# {note}\n"}
    if stack:
        files["manifest.yml"] = f"language: x\nstack: {stack}\n"
    return a_zip(files)
