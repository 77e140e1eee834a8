"""What git must show of a release: the tag on the record's commit, on main, with the source as its parent."""

from collections.abc import Iterator

from releaser import pins
from releaser.errors import VerifyError
from releaser.model import ACCEPTED, trailers
from releaser.source import pin_paths
from releaser.verify import differences
from releaser.verify.rows import Row, failed, passed, same
from releaser.verify.subject import Subject


def tag(subject: Subject) -> Iterator[Row]:
    """The tag is on the record's commit, and it or the commit names this release and its source."""
    release, record = subject.release, subject.record
    found = release.world.repository.tags().get(release.tag)
    if found is None:
        raise VerifyError(f"the remote has no tag {release.tag}")
    yield same("tag", f"the commit of {release.tag}", record.commit, found.commit)
    wanted = {"Release": f"{release.name} {release.version}", "Source": record.source}
    if record.accepted_commit:
        wanted[ACCEPTED] = record.accepted_commit
    for name, value in wanted.items():
        yield same("trailers", f"{name} of {release.tag}", value, found.trailers.get(name))


def main(subject: Subject) -> Iterator[Row]:
    """The commit that the record names is reachable from main."""
    repository, branch = subject.release.world.repository, subject.release.config.git.branch
    head = repository.branch(branch)
    if head is None:
        raise VerifyError(f"the remote has no branch {branch}")
    named = subject.record.commit
    commit = repository.resolve(named)
    if commit and repository.is_ancestor(commit, head):
        yield passed("main", f"{branch} holds {commit[:12]}")
    else:
        yield failed("main", f"{branch} ({head[:12]}) does not hold the record's commit {named}")


def source(subject: Subject) -> Iterator[Row]:
    """The accepted commit is the source with nothing but the pins added."""
    release, record = subject.release, subject.record
    repository = release.world.repository
    accepted = repository.resolve(record.accepted_commit or record.commit)
    if accepted is None:  # squashed: the branch that held it is gone, its tree is what counts
        at = repository.is_ancestor(release.facts.source, subject.commit)
        row = passed if at else failed
        yield row("source", f"{subject.commit[:12]} {'' if at else 'does not '}follow {release.short}")
    else:
        for name, value in trailers(release.facts).items():
            form = f"--format=%(trailers:key={name},valueonly,unfold)"
            found = repository.git("show", "-s", form, accepted)
            yield same("source", f"{name} of {accepted[:12]}", value, found.strip())
        parents = repository.git("show", "-s", "--format=%P", accepted)
        yield same("source", f"the parent of {accepted[:12]}", record.source, parents)
    changed = repository.git(
        *("diff-tree", "-r", "--name-only", "--no-renames", release.facts.source, subject.commit)
    ).splitlines()
    strays = sorted(set(changed) - set(pin_paths()))
    if strays:
        yield failed("source", f"{subject.commit[:12]} changes more than the pins: {', '.join(strays)}")


def tree(subject: Subject) -> Iterator[Row]:
    """Each pin holds exactly what the released binary, the version and the history ask for."""
    release, repository = subject.release, subject.release.world.repository
    for path, wanted in pins.of(release).items():
        there = repository.read(subject.commit, path)
        where = f"{path} in {subject.commit[:12]}"
        if there is None:
            yield failed("pins", f"{where} is missing")
        elif there == wanted:
            yield passed("pins", f"{where} is what the release asks for")
        else:
            yield failed("pins", f"{where}: {differences.text(wanted, there)}")
