"""Buildpacks: positions, stacks, uploads and their jobs."""

import pytest

from tests.foundation.api.stand import Stand
from tests.foundation.api.talk import a_zip, buildpack_zip


def upload(stand: Stand, guid: str, content: bytes, filename: str = "b.zip") -> list[int]:
    """Return the codes of the upload job's errors."""
    job = stand.job(stand.upload(f"/v3/buildpacks/{guid}/upload", content, filename))
    assert job["state"] == ("FAILED" if job["errors"] else "COMPLETE")
    return [error["code"] for error in job["errors"]]


def positions(stand: Stand) -> list[tuple[str, int]]:
    return [(pack["name"], pack["position"]) for pack in stand.get("/v3/buildpacks")["resources"]]


def test_positions_stay_dense_when_created_moved_and_deleted(stand: Stand) -> None:
    guids = {name: stand.post("/v3/buildpacks", {"name": name})["guid"] for name in ("a", "b", "c")}
    assert positions(stand) == [("c", 1), ("b", 2), ("a", 3)]
    stand.patch(f"/v3/buildpacks/{guids['c']}", {"position": 99})
    assert positions(stand) == [("b", 1), ("a", 2), ("c", 3)]
    assert stand.delete(f"/v3/buildpacks/{guids['a']}")["operation"] == "buildpack.delete"
    assert positions(stand) == [("b", 1), ("c", 2)]


def test_upload_sets_stack_filename_and_ready(stand: Stand) -> None:
    guid = stand.create_buildpack(stack="other")
    found = stand.get(f"/v3/buildpacks/{guid}")
    assert (found["stack"], found["filename"], found["state"]) == ("other", "b.zip", "READY")


def test_upload_other_bits_changes_the_key_and_same_bits_do_not(stand: Stand) -> None:
    guid = stand.create_buildpack()
    app = stand.create_app()
    keys = []
    for note in ("", "", "changed"):
        assert upload(stand, guid, buildpack_zip(note=note)) == []
        stand.build(app)
        keys.append(stand.stager.requests[-1].buildpacks[0].key)
    assert keys[0] == keys[1] != keys[2]
    assert "," not in keys[0]


def test_upload_answers_the_buildpack_with_links(stand: Stand) -> None:
    guid = stand.post("/v3/buildpacks", {"name": "b"})["guid"]
    answer = stand.upload(f"/v3/buildpacks/{guid}/upload", buildpack_zip())
    assert answer.json()["links"]["upload"]["method"] == "POST"


def test_upload_name_taken_on_the_zips_stack_fails_the_job_and_the_record_stays(stand: Stand) -> None:
    stand.create_buildpack()
    second = stand.post("/v3/buildpacks", {"name": "bp"})["guid"]
    assert upload(stand, second, buildpack_zip()) == [290000]
    assert stand.get(f"/v3/buildpacks/{second}")["state"] == "AWAITING_UPLOAD"
    sentence = "Buildpack with name 'bp' and an unassigned stack already exists"
    assert stand.details("POST", "/v3/buildpacks", {"name": "bp"}) == [sentence]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (buildpack_zip("other"), 390011),
        (buildpack_zip("nowhere"), 390011),
        (a_zip({"manifest.yml": "[: not yaml"}), 390013),
        (a_zip({"manifest.yml": "x" * (1 << 20) + "x"}), 390013),
    ],
)
def test_upload_contents_that_do_not_fit_fail_the_job(stand: Stand, content: bytes, code: int) -> None:
    guid = stand.post("/v3/buildpacks", {"name": "b", "stack": "cflinuxfs4"})["guid"]
    assert upload(stand, guid, content) == [code]


def test_upload_unknown_stack_fails_the_job(stand: Stand) -> None:
    guid = stand.post("/v3/buildpacks", {"name": "b"})["guid"]
    assert upload(stand, guid, buildpack_zip("nowhere")) == [390012]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "b.zip cannot be empty"),
        (b"text", "Uploaded buildpack file is invalid: b.zip is not a zip file."),
    ],
)
def test_upload_of_no_zip_is_refused_at_once(stand: Stand, content: bytes, sentence: str) -> None:
    guid = stand.post("/v3/buildpacks", {"name": "b"})["guid"]
    answer = stand.upload(f"/v3/buildpacks/{guid}/upload", content)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["detail"].startswith(sentence)


def test_upload_without_the_part_is_refused(stand: Stand) -> None:
    guid = stand.post("/v3/buildpacks", {"name": "b"})["guid"]
    answer = stand.http.post(f"/v3/buildpacks/{guid}/upload", files={"other": ("b.zip", b"x")})
    sentence = "A buildpack zip file must be uploaded as 'bits'"
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (422, sentence)


def test_upload_to_a_locked_buildpack_is_refused(stand: Stand) -> None:
    guid = stand.post("/v3/buildpacks", {"name": "b", "locked": True})["guid"]
    answer = stand.upload(f"/v3/buildpacks/{guid}/upload", buildpack_zip())
    assert answer.json()["errors"][0]["detail"] == "Buildpack is locked"


def test_upload_larger_than_the_limit_is_refused_and_leaves_nothing(stand: Stand) -> None:
    guid = stand.post("/v3/buildpacks", {"name": "b"})["guid"]
    assert stand.upload(f"/v3/buildpacks/{guid}/upload", b"x" * (5 << 20)).status_code == 413
    assert list((stand.world.blobs.root / "uploads").iterdir()) == []


def test_create_bad_bodies_are_refused_with_their_sentences(stand: Stand) -> None:
    stand.post("/v3/buildpacks", {"name": "b", "stack": "cflinuxfs4"})
    assert stand.details("POST", "/v3/buildpacks", {"name": "b", "stack": "x"}) == [
        "Stack 'x' does not exist"
    ]
    assert stand.details("POST", "/v3/buildpacks", {"name": "b", "stack": "cflinuxfs4"}) == [
        "Buildpack with name 'b', stack 'cflinuxfs4' and lifecycle 'buildpack' already exists"
    ]
    assert stand.details("POST", "/v3/buildpacks", {"colour": 1, "position": 0}) == [
        "Unknown field(s): 'colour'",
        "Name can't be blank",
        "Position must be greater than or equal to 1",
    ]


def test_update_changes_what_is_sent_and_keeps_a_stack(stand: Stand) -> None:
    guid = stand.create_buildpack()
    path = f"/v3/buildpacks/{guid}"
    changed = stand.patch(path, {"enabled": False, "metadata": {"labels": {"a": "1", "b": None}}})
    assert (changed["enabled"], changed["locked"], changed["metadata"]["labels"]) == (
        False,
        False,
        {"a": "1"},
    )
    assert stand.patch(path, {}) | {"updated_at": ""} == changed | {"updated_at": ""}
    assert stand.details("PATCH", path, {"stack": None}) == ["Buildpack stack cannot be changed"]


def test_show_unknown_guid_is_buildpack_not_found(stand: Stand) -> None:
    assert stand.details("GET", "/v3/buildpacks/x", status=404) == ["Buildpack not found"]
