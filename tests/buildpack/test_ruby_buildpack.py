"""The stand-in for ruby_buildpack on the real root file system, and apps on it, all without a platform."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from foundation.engine.engine import Engine
from foundation.engine.wanted import TMP
from releaser import config
from releaser.tools import go
from tests.buildpack import stack
from tests.buildpack.staging_area import (
    NAME,
    NOWHERE,
    ROOT,
    STACK,
    VERSION,
    digest,
    packaged,
    pin,
    unreleased,
)

pytestmark = pytest.mark.engine

FIXTURES = ROOT / "fixtures"
FINALIZE = f"""
profile={TMP}/contents1/profile.d; mkdir -p $profile $deps/1 $deps/2
{TMP}/final/bin/finalize $build $cache $deps 2 $profile || exit
"""
# As the platform: the droplet's folders get their places; each process sources profile.d in the app's folder.
LAUNCH = f"""
cp -a $build /home/vcap/app && cp -a {TMP}/contents1/* /home/vcap && rm -rf $build {TMP}/contents1
export DEPS_DIR=/home/vcap/deps PORT=8080 HOME=/home/vcap/app; cd ~ || exit
launch() {{ for script in ../profile.d/*; do . $script; done; exec bash -c "$1"; }}
"""
# A process that never listens is given up after a minute: the machine may be slow.
ASK = """
ask() { for i in {1..600}; do curl -s "$1" && echo && return; sleep 0.1; done; echo "no answer from $1"; }
web=$(sed -n 's/^web: //p' Procfile)
"""


@pytest.fixture
def final(engine: Engine, images: Mapping[str, str]) -> tuple[Engine, str]:
    return engine, images[STACK]


def folders(app: Path) -> dict[str, Path]:
    return {"app": app, "final": FIXTURES / "ruby_buildpack"}


def test_what_the_other_buildpacks_installed_is_found_at_run_time_the_later_first(
    final: tuple[Engine, str],
) -> None:
    script = f"""
mkdir -p $deps/0/bin $deps/0/lib $deps/1/bin $deps/0/profile.d
for i in 0 1; do printf '#!/bin/sh\\necho %s\\n' $i >$deps/$i/bin/which-one; done; chmod +x $deps/?/bin/*
echo 'export GREETING="from $DEPS_DIR/0"' >$deps/0/profile.d/greeting.sh
{FINALIZE} {LAUNCH}
echo end; (launch which-one); (launch 'echo $GREETING $LD_LIBRARY_PATH'); ls ../profile.d
"""
    done = stack.run(*final, script, folders(FIXTURES / "rubyapp"))
    assert (done.code, done.err) == (0, "")
    expected = ["1", "from /home/vcap/deps/0 /home/vcap/deps/0/lib"]
    assert done.out.partition("end\n")[2].splitlines() == [
        *expected,
        "000_multi-supply.sh",
        "0_greeting.sh",
        "2_ruby.sh",
    ]


def test_what_the_other_buildpacks_installed_is_found_at_staging(final: tuple[Engine, str]) -> None:
    """A ruby in the deps comes before the stack's, and has the variables of the deps."""
    script = f"""
mkdir -p $deps/0/bin $deps/0/env; printf 9.8.7 >$deps/0/env/THEIRS
printf '#!/bin/sh\\necho $THEIRS' >$deps/0/bin/ruby; chmod +x $deps/0/bin/ruby
{FINALIZE}
"""
    done = stack.run(*final, script, folders(FIXTURES / "rubyapp"))
    assert done.code == 0, done.err
    assert "       Ruby 9.8.7, gems:" in done.out


def test_output_says_that_it_is_a_stand_in_and_so_does_the_droplet(final: tuple[Engine, str]) -> None:
    script = f"{FINALIZE} echo end; cat $deps/2/config.yml"
    done = stack.run(*final, script, folders(FIXTURES / "rubyapp"))
    assert done.code == 0, done.err
    assert done.out.startswith(
        "-----> Using the Ruby of the stack: a stand-in for the official ruby_buildpack"
    )
    assert " sinatra 3." in done.out
    assert "(stand-in)" in done.out.partition("end\n")[2]


@pytest.mark.parametrize(
    ("gemfile", "words"),
    [
        ('source "https://rubygems.org"\ngem "rails", "~> 7"\n', "wants rails"),
        (None, "the app has no Gemfile"),
    ],
)
def test_an_app_that_it_cannot_serve_fails_at_staging(
    final: tuple[Engine, str], tmp_path: Path, gemfile: str | None, words: str
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    if gemfile:
        (app / "Gemfile").write_text(gemfile)
    done = stack.run(*final, FINALIZE, folders(app))
    assert done.code == 1
    assert f"Error: {'the app' if gemfile else ''}" in done.err
    assert words in done.err


@pytest.fixture(scope="session")
def sidecar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real sidecar, compiled as a release does."""
    path = tmp_path_factory.mktemp("sidecar") / NAME
    settings = config.load(ROOT / "sidecar.yml")
    source, cache = ROOT / settings.sidecar.source, ROOT / ".local" / "cache"
    program = go.find(settings.go.version)
    go.build(program, source, path, target="linux/amd64", variables={"version": VERSION}, cache=cache)
    return path


def test_rubyapp_gets_its_configuration_from_the_sidecar_that_supply_installed(
    final: tuple[Engine, str], tmp_path: Path, sidecar: Path
) -> None:
    source = pin(unreleased(tmp_path / "source", impatient=False), NOWHERE, digest(sidecar.read_bytes()))
    buildpack = packaged(source, tmp_path / "buildpack", cached=True, program=sidecar)
    script = f"""
{TMP}/buildpack/bin/supply $build $cache $deps 0 || exit
{FINALIZE} {LAUNCH} {ASK}
export CONFIG_SERVER_PORT=8082
launch ./config-server >/tmp/sidecar.log & sidecar=$!
launch "$web" >/tmp/web.log 2>/tmp/web.err & web=$!
echo end
ask localhost:8080/; ask localhost:8082/healthz; ask localhost:8080/config
kill $sidecar; wait $sidecar; ask localhost:8080/config
cat /tmp/web.log; ps -o args= -p $web; kill $web
"""
    done = stack.run(*final, script, {**folders(FIXTURES / "rubyapp"), "buildpack": buildpack})
    lines = [line for line in done.out.partition("end\n")[2].splitlines() if line]
    assert lines[:2] == ["Hi, I'm an app with a sidecar!", "ok"], done
    assert lines[2] == '{"Scope":"some-service.admin","Password":"not-a-real-p4$$w0rd"}'
    assert lines[3] == '{"error":"error connecting to local config-server"}'
    asked = "Asking the config-server at http://localhost:8082/config/"
    assert lines[4:8:2] == [asked, asked]
    assert lines[5].startswith("Got the configuration: status 200")
    assert lines[7].startswith("No configuration: ")
    assert "rackup --host 0.0.0.0 --port 8080" in lines[8]


def test_app_without_sidecar_says_whether_it_has_one(final: tuple[Engine, str]) -> None:
    """The second answer is the control: the page looks for a process and is not just a text."""
    script = f"""
{FINALIZE} {LAUNCH} {ASK}
launch "$web" >/dev/null 2>&1 & web=$!
echo end; ask localhost:8080/
cp /bin/sleep /tmp/config-server; /tmp/config-server 1000 & sleep 0.2; ask localhost:8080/
kill $web %2
"""
    done = stack.run(*final, script, folders(FIXTURES / "app_without_sidecar"))
    assert done.out.partition("end\n")[2].splitlines() == [
        "Hi, I'm an app without a sidecar!",
        "Hi, I'm an app, and a sidecar runs beside me!",
    ]
