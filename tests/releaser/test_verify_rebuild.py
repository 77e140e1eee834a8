"""`./inv verify --rebuild`: the tag is built again, and what differs is told entry by entry."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commands import verifying
from releaser.verify import inside, rebuild
from releaser.verify.rebuild import Errand, Outcome
from releaser.verify.rows import Row
from tests.releaser import released
from tests.releaser.released import content, edit_record, name_of, wrong
from tests.releaser.toy import CACHE, EPOCH, Stage, commit, git

ZIP, CACHED = "toy_buildpack-cflinuxfs4-v0.1.0.zip", "toy_buildpack-cached-cflinuxfs4-v0.1.0.zip"


def on_this_machine(errand: Errand) -> Outcome:
    """Do what the container does, without a container, with the files that it would be given."""
    order = json.loads(errand.mounts[errand.argv[-1]].read_bytes())
    order["repository"] = str(errand.mounts[order["repository"]])
    scratch = errand.mounts[errand.argv[-1]].parent / "scratch"
    scratch.mkdir()
    (scratch / "cache").symlink_to(CACHE)
    made = inside.main(order, scratch)
    return Outcome(code=0, out=f"heard meanwhile\n{json.dumps(made)}\n", err="")


def verify(stage: Stage) -> list[Row]:
    return rebuild.check(stage.world, "0.1.0", on_this_machine)


@pytest.mark.slow
def test_untouched_release_is_rebuilt_to_the_same_bytes(promoted: Stage) -> None:
    rows = verify(promoted)
    assert wrong(rows) == []
    assert not [row for row in rows if row.warning]
    assert [row.check for row in rows] == ["binary", "version", *["pins"] * 5, *["zip", "bytes"] * 2]
    binary = name_of(promoted, "toy-linux-amd64")
    assert rows[1].detail == f"what `{binary} --version` says is toy 0.1.0"


@pytest.mark.slow
def test_release_is_rebuilt_from_its_tag_whatever_main_holds_now(promoted: Stage) -> None:
    git(promoted.here, "pull", "--quiet", str(promoted.remote), "main")
    promoted.push_main("feat: other", {"buildpack/bin/supply": "#!/bin/sh\necho other\n"})
    assert wrong(verify(promoted)) == []


@pytest.mark.slow
def test_zip_that_differs_is_explained_entry_by_entry(promoted: Stage) -> None:
    other = changed_zip(content(promoted, ZIP))
    released.republish(promoted, ZIP, other)
    said = "\n".join(wrong(verify(promoted)))
    assert f"zip: {ZIP}: 4 entries differ" in said
    assert "\nbin/detect: rebuilt 0755 sha256 2752" in said
    assert "but not recorded" in said
    assert "\nbin/evil: recorded 0755 sha256" in said
    assert "but not rebuilt" in said
    supply = next(line for line in said.splitlines() if line.startswith("bin/supply: "))
    assert ": recorded 0755 sha256 " in supply
    assert ", rebuilt 0755 sha256 166f194aea8c" in supply
    assert "\nVERSION: recorded 0600 sha256" in said
    assert f"bytes: {ZIP}: recorded sha256 " in said


def changed_zip(raw: bytes) -> bytes:
    """Return the zip with an entry of other content, one of another mode, one more and one less."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(made, "w") as new:
        for info in old.infolist():
            text = old.read(info)
            if info.filename == "bin/detect":
                info.filename = "bin/evil"
            if info.filename == "bin/supply":
                text += b"evil\n"
            if info.filename == "VERSION":
                info.external_attr = 0o100600 << 16
            new.writestr(info, text)
    return made.getvalue()


@pytest.mark.slow
def test_binary_of_other_settings_is_explained_by_them(promoted: Stage) -> None:
    released.publish_binary(promoted, ["-trimpath", "-buildvcs=false", "-tags=evil"], "0.1.0", GOAMD64="v3")
    said = wrong(verify(promoted))[0].splitlines()
    assert ": recorded sha256 " in said[0]
    assert "-tags: recorded evil, rebuilt nothing" in said
    assert "GOAMD64: recorded v3, rebuilt v1" in said


@pytest.mark.slow
def test_binary_of_other_code_under_equal_settings_is_told_as_such(promoted: Stage) -> None:
    released.publish_binary(promoted, ["-trimpath", "-buildvcs=false"], "6.6.6")
    said = wrong(verify(promoted))[0].splitlines()
    assert said[-1].startswith("Go (1.27.3) and its settings are equal in both, so the code")


@pytest.mark.slow
@pytest.mark.parametrize(("tool", "then"), [("lock", "ab" * 32), ("architecture", "linux/arm64")])
def test_bytes_made_by_other_tools_are_not_compared_and_that_is_said(
    promoted: Stage, tool: str, then: str
) -> None:
    edit_record(promoted, lambda found: found["tools"].update({tool: then}))
    rows = verify(promoted)
    assert wrong(rows) == []
    warned = [row.detail for row in rows if row.warning]
    assert len(warned) == 2
    assert f"{ZIP} was not compared byte by byte: {tool} {then} then, " in "\n".join(warned)
    assert not [row for row in rows if row.check == "bytes" and not row.warning]


def answering(change: Any) -> Any:
    """Return what builds, and then changes what came out."""

    def run(errand: Errand) -> Outcome:
        done = on_this_machine(errand)
        first, made = done.out.splitlines()
        found: Mapping[str, Any] = json.loads(made)
        change(found)
        return replace(done, out=f"{first}\n{json.dumps(found)}\n")

    return run


@pytest.mark.slow
def test_zip_that_was_not_rebuilt_or_not_recorded_is_named(promoted: Stage) -> None:
    run = answering(lambda made: made["zips"].update({"more.zip": made["zips"].pop(CACHED)}))
    assert wrong(rebuild.check(promoted.world, "0.1.0", run)) == [
        "zip: more.zip: rebuilt, but not recorded",
        f"zip: {CACHED}: recorded, but not rebuilt",
    ]


@pytest.mark.slow
def test_pins_that_come_out_otherwise_are_told_by_their_first_other_line(promoted: Stage) -> None:
    run = answering(lambda made: made["pins"].update({"buildpack/VERSION": "6.6.6\n"}))
    [said] = wrong(rebuild.check(promoted.world, "0.1.0", run))
    assert "buildpack/VERSION" in said
    assert "line 1 is '0.1.0', expected '6.6.6'" in said


@pytest.mark.slow
def test_tag_that_was_moved_is_said_beside_what_was_rebuilt(promoted: Stage) -> None:
    git(promoted.remote, "update-ref", "refs/tags/v0.1.0", promoted.release.facts.source)
    rows = verify(promoted)
    assert {line.partition(":")[0] for line in wrong(rows)} == {"tag", "trailers"}
    assert "zip" in {row.check for row in rows}


@pytest.mark.slow
def test_build_that_fails_is_no_pass_and_its_last_words_are_told(promoted: Stage) -> None:
    failing = Outcome(code=3, out="", err="one\nGo 1.27.3 is not here\n")
    [said] = wrong(rebuild.check(promoted.world, "0.1.0", lambda _: failing))
    assert "cannot be built again; it ended with 3:\none\nGo 1.27.3 is not here" in said


@pytest.mark.slow
@pytest.mark.engine
def test_container_without_network_rebuilds_the_same_bytes(promoted: Stage) -> None:
    rows = rebuild.check(promoted.world, "0.1.0", verifying.in_container)
    assert wrong(rows) == []
    assert [row.check for row in rows] == ["binary", "version", *["pins"] * 5, *["zip", "bytes"] * 2]


@pytest.mark.slow
def test_tag_that_has_the_program_is_built_by_its_own_code(promoted: Stage) -> None:
    own = "import sys\nsys.exit('the code of the tag')\n"
    files = {"releaser/__init__.py": "", "releaser/verify/__init__.py": "", "releaser/verify/inside.py": own}
    given: list[str] = []

    def run(errand: Errand) -> Outcome:
        code = errand.mounts["/rebuild/code/releaser"]
        given.append((code / "verify" / "inside.py").read_text())
        return Outcome(code=1, out="", err="")

    rebuild.check(promoted.world, "0.1.0", run)
    tag_with(promoted, files)
    rebuild.check(promoted.world, "0.1.0", run)
    assert given == [Path(inside.__file__).read_text(), own]


def tag_with(stage: Stage, files: Mapping[str, str]) -> None:
    git(stage.here, "fetch", "--quiet", str(stage.remote), "refs/tags/v0.1.0")
    git(stage.here, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    made = commit(stage.here, "more", files, EPOCH)
    git(stage.here, "push", "--quiet", "--force", str(stage.remote), "HEAD:refs/tags/v0.1.0")
    edit_record(stage, lambda found: found.update(commit=made))
