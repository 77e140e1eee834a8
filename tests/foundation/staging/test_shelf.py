"""The folder of unzipped buildpacks."""

from pathlib import Path

import pytest

from foundation.failures import ArchiveError
from foundation.model.staging import BuildpackRef
from foundation.staging import shelf
from tests.foundation.engine_fixtures import zip_of


def test_the_folder_of_a_key_is_named_as_the_builder_looks_for_it() -> None:
    assert shelf.folder_name("") == "ef46db3751d8e999"  # the published XXH64 of nothing, seed 0


def test_a_buildpack_is_unzipped_once_and_lent_by_its_folder(tmp_path: Path) -> None:
    packed = zip_of(tmp_path / "b.zip", {"bin/supply": "1"})
    uploaded = BuildpackRef(key="k", name="b", archive=packed)
    by_url = BuildpackRef(key="https://example.com/b.git", name="u", archive=None)
    kept = shelf.Shelf(tmp_path / "shelf")
    with kept.lent([uploaded, by_url]) as folders:
        assert folders == {shelf.folder_name("k"): tmp_path / "shelf" / shelf.folder_name("k")}
    packed.unlink()
    with kept.lent([uploaded]) as folders:
        (place,) = folders.values()
        assert (place / "bin/supply").read_text() == "1"


def test_a_broken_buildpack_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(b"no zip")
    kept = shelf.Shelf(tmp_path / "shelf")
    broken = BuildpackRef(key="k", name="my_buildpack", archive=tmp_path / "b.zip")
    with (
        pytest.raises(ArchiveError, match=r"^buildpack 'my_buildpack': the archive is broken"),
        kept.lent([broken]),
    ):
        pytest.fail("it was lent")
    assert list((tmp_path / "shelf").iterdir()) == []


def test_only_buildpacks_that_nobody_uses_are_pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_UNUSED", 1)
    packed = zip_of(tmp_path / "b.zip", {"bin/supply": "1"})
    kept = shelf.Shelf(tmp_path / "shelf")
    used, *others = (BuildpackRef(key=key, name="b", archive=packed) for key in ("a", "b", "c", "d"))
    with kept.lent([used]) as folders:
        for other in others:
            with kept.lent([other]):
                pass
        (place,) = folders.values()
        assert place.is_dir()
        assert len(list((tmp_path / "shelf").iterdir())) == 2
