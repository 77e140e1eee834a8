"""Where main and the tag go: decided from the history, pushed at once, and what a refused push means.

Main only ever moves to a commit that holds the accepted one. Nothing is forced: each ref is pushed on the
condition that it still is what the decision was made on.
"""

from dataclasses import dataclass

from releaser import acceptance, candidate, report, version
from releaser.errors import (
    GitError,
    NotAcceptedError,
    OverwriteError,
    SupersededError,
    TrainError,
    WaitingError,
)
from releaser.model import ACCEPTED, BUILDPACK, Release, trailer_lines, trailers
from releaser.source import pin_paths
from releaser.tools.git import is_protected

ATTEMPTS = 5  # main may move by a change to the excludes each time


@dataclass(frozen=True, kw_only=True)
class Place:
    """What main shall be at, and the commit that gets the tag: None where main still lacks the release."""

    main: str | None
    tagged: str | None


def tagged(release: Release, accepted: str) -> str | None:
    """Return the commit that the release's tag is on, or None; raises OverwriteError for a foreign tag."""
    tag = release.world.repository.tags().get(release.tag)
    if tag is None:
        return None
    if accepted not in (tag.commit, tag.trailers.get(ACCEPTED)):
        raise OverwriteError(
            f"{release.tag} is on {tag.commit}, not on {accepted}",
            "A tag never moves. Delete it where it is not yours, or remove the candidate with "
            f"./inv prune --source {release.short} and release another version.",
        )
    return tag.commit


def is_placed(release: Release, accepted: str) -> bool:
    """Say whether main holds the tagged release, and the branches that led there are gone."""
    repository = release.world.repository
    main, commit = repository.branch(release.config.git.branch), tagged(release, accepted)
    if main is None or commit is None or not repository.is_ancestor(commit, main):
        return False
    return not any(repository.branch(name) for name in release.branches)


def decide(release: Release, accepted: str) -> Place:
    """Decide from what was last fetched; raises SupersededError, OverwriteError or NotAcceptedError."""
    repository = release.world.repository
    main = repository.branch(release.config.git.branch)
    for commit in (tagged(release, accepted), accepted):
        if commit and main and repository.is_ancestor(commit, main):
            return Place(main=main, tagged=commit)
    if release.config.git.main == "merge-request":
        return Place(main=main, tagged=_merged(release, accepted, main))
    return Place(main=_target(release, main, accepted), tagged=accepted)


def is_merged(release: Release) -> bool:
    """Say whether an accepted release is merged into a protected main, and only lacks its tag."""
    if release.config.git.main != "merge-request" or release.tag in release.world.repository.tags():
        return False
    ready = candidate.ready(release) if acceptance.passed(release) else None
    try:
        return ready is not None and decide(release, ready.commit).tagged is not None
    except TrainError:
        return False  # superseded, or changed while it was merged: its own run says so


def hindrance(release: Release, accepted: str) -> SupersededError | WaitingError | None:
    """Return why an accepted release cannot be published as main was last fetched, though nothing failed."""
    try:
        if decide(release, accepted).tagged is None:
            main = release.world.repository.branch(release.config.git.branch)
            return _waiting(release, merged=_target(release, main, accepted) != accepted)
    except SupersededError as error:
        return error
    return None


def put(release: Release, accepted: str) -> str:
    """Push main and tag and delete the candidate's branch, all or nothing; return the tagged commit.

    Where main moved meanwhile by changes to the excludes alone it is looked at again. Raises WaitingError
    where somebody has to merge first, SupersededError and GitError.
    """
    repository = release.world.repository
    for _ in range(ATTEMPTS):
        place = decide(release, accepted)
        if place.tagged is None:
            _request(release, accepted)
        try:
            _push(release, accepted, place)
        except GitError as error:
            main = repository.branch(release.config.git.branch)
            repository.fetch()
            if is_placed(release, accepted):
                break  # it was the answer alone that got lost, or another run of the same release was faster
            _require_race(release, main, error)
        else:
            break
    else:
        raise GitError(
            f"{release.config.git.branch} moved {ATTEMPTS} times while {release.version} was being pushed",
            "Nothing was pushed. Run the same command again.",
        )
    return place.tagged or accepted


def _push(release: Release, accepted: str, place: Place) -> None:
    repository, branch = release.world.repository, release.config.git.branch
    refs = {f"refs/tags/{release.tag}": _tag_object(release, accepted, place.tagged or accepted)}
    if release.config.git.main == "push":
        refs[f"refs/heads/{branch}"] = place.main or accepted
    refs |= {f"refs/heads/{name}": "" for name in release.branches}
    there = {name: repository.remote_ref(name) for name in refs}
    changed = {name: commit for name, commit in refs.items() if commit or there[name]}
    repository.push(
        *(f"{commit}:{name}" for name, commit in changed.items()),
        expect={name: there[name] or "" for name in changed},
    )
    report.fact(f"{branch} is at {(place.main or accepted)[:12]}, which holds {release.tag}")


def _tag_object(release: Release, accepted: str, commit: str) -> str:
    """Return what the tag is: the commit; where it is not the accepted one, an object that names that."""
    there = release.world.repository.remote_ref(f"refs/tags/{release.tag}")
    if there or commit == accepted:
        return there or commit
    words = trailer_lines({**trailers(release.facts), ACCEPTED: accepted})
    message = f"{release.name} {release.version}\n\n{words}"
    return release.world.repository.annotate(commit, release.tag, message, release.author)


def _require_race(release: Release, main: str | None, error: GitError) -> None:
    """Return where a push failed since main moved; raise what else it was."""
    branch = release.config.git.branch
    if release.world.repository.branch(branch) != main:
        return
    if is_protected(error):
        raise GitError(
            f"the remote does not let the train push {branch}: {error.message}",
            "Nothing was pushed. Allow the train's user to, or set git.main: merge-request in sidecar.yml.",
        ) from error
    raise error


def _request(release: Release, accepted: str) -> None:
    """Push the branch that somebody has to merge, and end: nothing is public yet.

    Where main has moved the branch holds the merge already: the pins of two releases conflict else.
    """
    repository, ref = release.world.repository, f"refs/heads/{release.merge_branch}"
    target = _target(release, repository.branch(release.config.git.branch), accepted)
    if repository.branch(release.merge_branch) != target:
        repository.push(f"+{target}:{ref}", expect={ref: repository.branch(release.merge_branch) or ""})
    raise _waiting(release, merged=target != accepted)


def _waiting(release: Release, *, merged: bool) -> WaitingError:
    """Return what somebody has to do; `merged`: the branch holds a merge of main already."""
    ways = "with a merge commit, squashed or rebased"
    if merged:
        ways = (
            f"with a merge commit, since {release.config.git.branch} has moved: squashed or rebased "
            "it would be another tree than the accepted one"
        )
    return WaitingError(
        f"{release.name} {release.version} is accepted and waits to be merged: "
        f"{release.merge_branch} into {release.config.git.branch}",
        f"Merge it {ways}, and run the same command again. Nothing is public yet.",
    )


def _merged(release: Release, accepted: str, main: str | None) -> str | None:
    """Return the commit of main that is the accepted one squashed or rebased: its tree decides."""
    repository, branch = release.world.repository, release.config.git.branch
    if main is None:
        return None
    tree = repository.tree(accepted)
    for commit, its_tree in repository.since(release.facts.source, main).items():
        if its_tree == tree:
            return commit
    pin = f"{BUILDPACK}/.downloadurl"
    if repository.read(main, pin) == repository.read(accepted, pin):
        raise NotAcceptedError(
            f"{branch} names {release.version}, but no commit of it has the tree of {accepted[:12]}, "
            "which was accepted",
            "It was changed while it was merged, or squashed onto other changes. Revert it there and merge "
            f"{release.merge_branch} with a merge commit, or commit a change and release that.",
        )
    _require_current(release, main)
    return None


def _target(release: Release, main: str | None, accepted: str) -> str:
    """Return the commit that main shall be at: the accepted one, or a merge of main and it."""
    repository = release.world.repository
    if main is None or repository.is_ancestor(main, accepted):
        return accepted
    _require_current(release, main)
    pins = {path: repository.read(accepted, path) for path in pin_paths()}
    tree = repository.write_tree(main, pins)
    message = f"Merge {release.name} {release.version}\n\nIts pins, on {main[:12]}.\n"
    return repository.commit(tree, [main, accepted], message, release.author)


def _require_current(release: Release, main: str) -> None:
    """Raise SupersededError where main names an equal or newer version, or has a newer source."""
    repository, excludes = release.world.repository, release.config.excludes
    branch = release.config.git.branch
    named = (repository.read(main, f"{BUILDPACK}/VERSION") or b"").decode().strip()
    if version.SEMVER.fullmatch(named) and version.key(named) >= version.key(release.version):
        raise SupersededError(
            f"{branch} names {named} already, which is not older than {release.version}",
            "Nothing was pushed. Run the same command again: it releases the newest source.",
        )
    if repository.changes(release.facts.source, main, excludes):
        newer = repository.newest_change(main, excludes) or main
        raise SupersededError(
            f"{branch} has newer changes than {release.short}, the source of {release.version}: "
            f"{repository.subject(newer)}",
            f"Nothing was pushed. Run the same command again: it releases {newer[:12]} instead.",
        )
