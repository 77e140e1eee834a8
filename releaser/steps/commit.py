"""Committing the pins to the candidate's branch."""

from releaser import pins
from releaser.errors import GitError
from releaser.model import Release


def skip(_release: Release) -> str | None:
    """Never skip: the candidate has to be fetchable by commit."""
    return None


def find(release: Release) -> str | None:
    """Return the commit where the candidate's branch or the tag holds exactly the release commit."""
    release.world.repository.fetch()
    there = release.commit()
    if there is None:
        return None
    expected = make(release)
    if there != expected:
        raise GitError(
            f"{release.branch} or {release.tag} holds {there[:12]}, not the release commit {expected[:12]}",
            f"Look at both (git show {there[:12]}); delete the branch to make the candidate anew.",
        )
    where = release.branch if release.world.repository.branch(release.branch) else release.tag
    return f"{there[:12]} on {where}: {release.message.splitlines()[0]}"


def run(release: Release) -> None:
    """Push the release commit to the candidate's branch, which must not exist yet; main is not touched."""
    repository, commit = release.world.repository, make(release)
    ref = f"refs/heads/{release.branch}"
    try:
        repository.push(f"{commit}:{ref}", expect={ref: ""})
    except GitError:
        repository.fetch()
        # Else the answer was lost, or another run of the same release was faster.
        if release.commit() != commit:
            raise


def make(release: Release) -> str:
    """Make the release commit in the train's clone and return its id: the same for the same release."""
    repository, source = release.world.repository, release.facts.source
    tree = repository.write_tree(source, pins.of(release))
    return repository.commit(tree, [source], release.message, release.author)
