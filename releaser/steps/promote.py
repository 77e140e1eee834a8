"""Publishing the accepted release: main, tag, zips and record."""

from pathlib import Path, PurePosixPath

from releaser import candidate, publication, report, version
from releaser.candidate import Ready
from releaser.errors import GitError, NotAcceptedError, OverwriteError, SupersededError
from releaser.model import BUILDPACK, Release, sha256
from releaser.publication import Object
from releaser.source import pin_paths
from releaser.tools import zips


def skip(_release: Release) -> str | None:
    """Never skip: an accepted candidate is published."""
    return None


def find(release: Release) -> str | None:
    """Return the tag and the record's URL where main, tag, objects and record agree."""
    repository, store = release.world.repository, release.world.store
    repository.fetch()
    ready, commit = candidate.ready(release), repository.tags().get(release.tag)
    main = repository.branch(release.config.git.branch)
    if ready is None or main is None or commit != ready.commit or not repository.is_ancestor(commit, main):
        return None
    if repository.branch(release.branch) is not None:
        return None
    for one in _objects(release, ready):
        stored = store.head(one.key)
        if stored is None or stored.digest != one.digest:
            return None
    return f"{release.tag} on {commit[:12]}\n{release.world.public.url(release.record_key)}"


def run(release: Release) -> None:
    """Verify what was accepted, push main and tag at once, then publish those bytes, the record last."""
    repository = release.world.repository
    repository.fetch()
    ready = candidate.ready(release)
    if ready is None:
        raise NotAcceptedError(f"{release.ready_key} is not in the bucket", "Run ./inv package first.")
    made = _objects(release, ready)
    _require_free(release, made)
    for one in ready.zips:
        zips.entries(candidate.fetch(release, one))
    _push(release, ready)
    _publish(release, made)


def _objects(release: Release, ready: Ready) -> list[Object]:
    """Return every public object; raises NotAcceptedError where no acceptance of these zips passed."""
    passed = candidate.acceptance(release)
    if passed is None:
        name = release.config.foundation.name
        raise NotAcceptedError(f"{release.version} is not accepted on {name}", "Run ./inv accept first.")
    candidate.require_gate(release, ready, passed)
    return publication.objects(release, ready, passed)


def _require_free(release: Release, made: list[Object]) -> None:
    """Stop before anything becomes public where a public name holds other bytes."""
    for one in made:
        stored = release.world.store.head(one.key)
        if stored is not None and stored.digest != one.digest:
            raise OverwriteError(
                f"{one.key} exists with other bytes (there: {stored.digest}, accepted: {one.digest})",
                "Nothing published is ever overwritten. Find out who put it there; release another version.",
            )


def _push(release: Release, ready: Ready) -> None:
    """Push main and the tag and delete the candidate's branch, all or nothing."""
    repository, branch = release.world.repository, release.config.git.branch
    main, tag = repository.branch(branch), repository.tags().get(release.tag)
    if tag not in (None, ready.commit):
        raise OverwriteError(f"{release.tag} is on {tag}, not on {ready.commit}", "A tag never moves.")
    left = repository.branch(release.branch)
    target = _target(release, main, ready.commit)
    refspecs = [f"{target}:refs/heads/{branch}", f"{ready.commit}:refs/tags/{release.tag}"]
    expect = {f"refs/heads/{branch}": main or "", f"refs/tags/{release.tag}": tag or ""}
    if left:
        refspecs.append(f":refs/heads/{release.branch}")
        expect[f"refs/heads/{release.branch}"] = left
    try:
        repository.push(*refspecs, expect=expect)
    except GitError as error:
        _explain(release, main, error)
    report.fact(f"{branch} is at {target[:12]}, which holds {release.tag}")


def _explain(release: Release, main: str | None, error: GitError) -> None:
    """Tell a lost race from a refusal; a push whose answer was lost has worked."""
    repository, branch = release.world.repository, release.config.git.branch
    repository.fetch()
    if repository.tags().get(release.tag) and not repository.branch(release.branch):
        return
    if repository.branch(branch) != main:
        raise SupersededError(
            f"{branch} moved while {release.version} was being promoted; nothing was pushed",
            "Run the same command again: it looks at the new main.",
        ) from error
    raise error


def _target(release: Release, main: str | None, commit: str) -> str:
    """Return the commit that main shall be at: the release commit, main as it is, or a merge of the two."""
    repository, excludes = release.world.repository, release.config.excludes
    if main is None or repository.is_ancestor(main, commit):
        return commit
    if repository.is_ancestor(commit, main):
        return main
    _require_newest(release, main)
    if repository.changes(release.facts.source, main, excludes):
        raise SupersededError(
            f"{release.config.git.branch} has newer changes than {release.short}, "
            f"the source of {release.version}",
            "Nothing was pushed. Run the same command again: it releases the newest source.",
        )
    pins = {path: repository.read(commit, path) for path in pin_paths()}
    tree = repository.write_tree(main, pins)
    message = f"Merge {release.name} {release.version}\n\nIts pins, on {main[:12]}.\n"
    return repository.commit(tree, [main, commit], message, release.author)


def _require_newest(release: Release, main: str) -> None:
    named = release.world.repository.read(main, f"{BUILDPACK}/VERSION")
    there = (named or b"").decode().strip()
    if there and version.key(there) >= version.key(release.version):
        raise SupersededError(
            f"{release.config.git.branch} names {there} already, which is not older than {release.version}",
            "Nothing was pushed. Run the same command again: it releases the newest source.",
        )


def _publish(release: Release, made: list[Object]) -> None:
    """Put each object under its public name, where nothing may lie, in their order."""
    store = release.world.store
    for one in made:
        source = one.content if one.content is not None else _accepted(release, one)
        with report.transfer(one.key, one.size) as advance:
            store.put_new(one.key, source, digest=one.digest, kind=one.kind, advance=advance)


def _accepted(release: Release, one: Object) -> Path:
    """Return the local file of an accepted zip."""
    path = release.zips / PurePosixPath(one.key).name
    if not path.exists() or sha256(path) != one.digest:
        release.world.store.download(str(one.origin), path, one.digest, lambda _: None)
    return path
