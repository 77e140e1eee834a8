"""bin/finalize: the buildpack was put last, which it cannot be."""

from tests.buildpack.staging_area import NAME, Staging


def test_finalize_says_what_the_buildpack_is_and_where_it_belongs(cached: Staging) -> None:
    done = cached.supply("bin/finalize")
    assert (done.code, done.out) == (1, "")
    assert f"{NAME}_buildpack is a supply buildpack" in done.err
    assert f"cf push -b {NAME}_buildpack -b ruby_buildpack" in done.err
    assert f"buildpacks: [{NAME}_buildpack, ruby_buildpack]" in done.err


def test_finalize_names_a_fork_by_its_own_name(cached: Staging) -> None:
    manifest = cached.buildpack / "manifest.yml"
    manifest.write_text(manifest.read_text().replace(f"language: {NAME}\n", "language: 'my-server'\n"))
    assert "Error: my-server_buildpack is a supply buildpack" in cached.supply("bin/finalize").err


def test_finalize_without_pins_still_says_what_the_buildpack_is(cached: Staging) -> None:
    (cached.buildpack / "manifest.yml").unlink()
    done = cached.supply("bin/finalize")
    assert done.code == 1
    assert done.err.startswith("Error: sidecar_buildpack is a supply buildpack")
