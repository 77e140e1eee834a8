"""The command line: build the Go programs, make root file systems, serve a foundation."""

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from foundation.failures import FoundationError


def main(arguments: Sequence[str]) -> int:
    """Run one command; a failure that a person can mend is one message and exit code 1."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = options.command
    try:
        command(options)
    except FoundationError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


def _programs(options: argparse.Namespace) -> None:
    from foundation import programs

    sys.stdout.write(f"{programs.build(options.go.absolute(), options.out, cache=options.cache)}\n")


def _rootfs(options: argparse.Namespace) -> None:
    from foundation import rootfs

    found = rootfs.ensure(options.stack, options.cache, dict(options.label), _say)
    facts = {name: getattr(found, name) for name in ("stack", "image", "kind", "description")}
    sys.stdout.write(f"{json.dumps(facts)}\n")


def _debian(options: argparse.Namespace) -> None:
    from foundation import debian

    if options.out is None:
        sys.stdout.write(f"{json.dumps(debian.versions(debian.SUITE, options.packages))}\n")
        return
    debian.bootstrap(
        options.out,
        debian.SUITE,
        options.packages,
        left_out=debian.LEFT_OUT,
        hook=debian.FORGET,
        say=_say,
    )


def _serve(options: argparse.Namespace) -> None:
    from foundation.serving import Options, serve

    serve(
        Options(
            state=options.state.resolve(),
            listen=options.listen,
            router_listen=options.router_listen,
            domain=options.domain,
            network=options.network,
            labels=dict(options.label),
            stacks=options.stack,
            programs=options.programs,
            lifecycle=options.lifecycle,
            cache=options.cache,
            hosts=dict(options.host),
            certificates=options.certificates,
            tls_listen=options.tls_listen,
        ),
        _say,
    )


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m foundation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    programs = commands.add_parser("programs", help="build the Go programs that run in containers")
    programs.add_argument("--go", type=Path, required=True, help="the go program to build with")
    programs.add_argument("--out", type=Path, required=True, help="where the programs are put")
    programs.add_argument("--cache", type=Path, help="where Go keeps its caches; else beside --out")
    programs.set_defaults(command=_programs)

    rootfs = commands.add_parser("rootfs", help="make sure that a stack's image is in the engine")
    rootfs.add_argument("--stack", required=True)
    rootfs.add_argument("--cache", type=Path, required=True)
    rootfs.add_argument("--label", type=_pair, action="append", default=[], metavar="NAME=VALUE")
    rootfs.set_defaults(command=_rootfs)

    debian = commands.add_parser("debian", help="say which versions Debian has of packages, or install them")
    debian.add_argument("packages", nargs="+", metavar="NAME[=VERSION]")
    debian.add_argument("--out", type=Path, help="write the tar of a system with these packages")
    debian.set_defaults(command=_debian)

    server = commands.add_parser("serve", help="serve a foundation until SIGTERM")
    server.add_argument("--state", type=Path, required=True, help="what this foundation keeps")
    server.add_argument("--listen", required=True, metavar="ADDRESS:PORT", help="where the API listens")
    server.add_argument("--router-listen", required=True, metavar="ADDRESS:PORT", help="where apps answer")
    server.add_argument("--tls-listen", metavar="ADDRESS:PORT", help="where apps answer with TLS too")
    server.add_argument("--domain", default="apps.localhost", help="what app URLs end with")
    server.add_argument("--network", required=True, help="the Docker network of the containers")
    server.add_argument("--label", type=_pair, action="append", default=[], metavar="NAME=VALUE")
    server.add_argument(
        "--stack", action="append", required=True, help="a stack to offer; the first is default"
    )
    server.add_argument("--programs", type=Path, required=True, help="the Go programs, built")
    server.add_argument("--lifecycle", type=Path, help="builder and launcher to use in place of ours")
    server.add_argument("--cache", type=Path, required=True, help="what foundations may share")
    server.add_argument("--certificates", type=Path, help="the authorities that containers trust, in PEM")
    server.add_argument("--host", type=_pair, action="append", default=[], metavar="NAME=IP")
    server.set_defaults(command=_serve)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
