"""Git credentials from the environment, as a pipeline's task gets them: for the remote's own host alone.

`GIT_USERNAME` and `GIT_PASSWORD` answer git over HTTP, `GIT_PRIVATE_KEY` is a deploy key for ssh; the host is
checked against `GIT_KNOWN_HOSTS` where that is given. Where none is set, git's own means count.
"""

import functools
import os
import urllib.parse
from collections.abc import Mapping

from releaser.tools import private

SSH = "ssh -oBatchMode=yes -oConnectTimeout=30 -oServerAliveInterval=15 -oServerAliveCountMax=4"
# Git runs it in a shell; the values come from the environment, so that no argument list shows them.
HELPER = (
    '!f() { test "$1" != get || printf "username=%s\\npassword=%s\\n" "$GIT_USERNAME" "$GIT_PASSWORD"; }; f'
)


def environment(remote: str) -> dict[str, str]:
    """Return the variables by which git reaches this remote with the credentials that are given."""
    key, password = os.environ.get("GIT_PRIVATE_KEY", ""), os.environ.get("GIT_PASSWORD", "")
    found = (
        {"GIT_SSH_COMMAND": f"{SSH} {_identity(key, os.environ.get('GIT_KNOWN_HOSTS', ''))}"} if key else {}
    )
    url = urllib.parse.urlsplit(remote)
    if password and url.scheme in ("http", "https"):
        place = f"credential.{url.scheme}://{url.netloc}.helper"
        found |= {"GIT_USERNAME": os.environ.get("GIT_USERNAME") or "git", "GIT_PASSWORD": password}
        found |= _configuration({place: ("", HELPER)})  # an empty helper forgets those of the user
    return found


def _configuration(settings: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """Return settings as git reads them from the environment."""
    rows = [(key, value) for key, values in settings.items() for value in values]
    keys = {f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in enumerate(rows)}
    values = {f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in enumerate(rows)}
    return {"GIT_CONFIG_COUNT": str(len(rows)), **keys, **values}


@functools.cache
def _identity(key: str, known_hosts: str) -> str:
    """Write the key to a file, and return ssh's options for it."""
    file = private.file("git-key", key.replace("\r\n", "\n").rstrip("\n") + "\n")
    if not known_hosts:
        hosts, checking = file.with_name("git-hosts"), "accept-new"  # ssh keeps there what it sees first
    else:
        hosts, checking = private.file("git-hosts", f"{known_hosts.strip()}\n"), "yes"
    return f"-i {file} -oIdentitiesOnly=yes -oUserKnownHostsFile={hosts} -oStrictHostKeyChecking={checking}"
