"""What a privileged task gets: all that this machine has, which may be less than everything."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

# In the order of their bits; engines of every age know these.
CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *(
        "LINUX_IMMUTABLE",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_ADMIN",
        "NET_RAW",
        "IPC_LOCK",
        "IPC_OWNER",
    ),
    *(
        "SYS_MODULE",
        "SYS_RAWIO",
        "SYS_CHROOT",
        "SYS_PTRACE",
        "SYS_PACCT",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_NICE",
    ),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL"),
    *("SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ"),
)
ALL = (1 << len(CAPABILITIES)) - 1
# What an engine in the task writes to, and what is read-only unless the engine outside calls it privileged.
WRITABLE = """
if command -v mount >/dev/null; then
  for place in /proc/sys /sys/fs/cgroup/*; do mount -o remount,bind,rw "$place"; done
fi
exec "$@"
"""


def granted(argv: Sequence[str]) -> dict[str, Any]:
    """Return the options of a container that runs a program with all privileges that there are.

    An engine that lacks a capability itself refuses `privileged`; then each part of it is given by name.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    bounding = next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd"))
    bits = int(bounding, 16)
    if bits & ALL == ALL:
        return {"privileged": True}
    return {
        "entrypoint": ["sh", "-c", WRITABLE, "sh", *argv],
        "cap_add": [name for number, name in enumerate(CAPABILITIES) if bits >> number & 1],
        "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
        "device_cgroup_rules": ["a *:* rwm"],
        "cgroupns": "private",
    }
