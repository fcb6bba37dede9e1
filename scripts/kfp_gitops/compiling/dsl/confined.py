"""What the process of a DSL file may use: time, memory, no network, and the variables that it was given."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_FILE_BYTES = 256 * 2**20
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
"""CLONE_NEWUSER and CLONE_NEWNET, unshare(2)."""


def bounded(seconds: int, megabytes: int) -> None:
    """At most so much processor time and memory; elsewhere than on POSIX systems nothing is bounded."""
    try:
        import resource
    except ImportError:  # Windows
        return
    wanted = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_AS: megabytes * 2**20,
        resource.RLIMIT_FSIZE: _FILE_BYTES,
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in wanted.items():
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def without_network() -> bool:
    """Leave the machine's network, where the system lets a process do so (Linux); whether it did."""
    if sys.platform != "linux":
        return False
    user, group = os.getuid(), os.getgid()
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    if unshare(_NEW_NETWORK) == 0:
        return True
    if unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return False
    try:
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    except OSError:
        pass  # files are still read as the one who started it
    return True


def noting_variables(asked: Callable[[str], None]) -> None:
    """Tell each variable of the environment that is asked for and was not given, `os.getenv` included."""
    kind: Any = type(os.environ)

    class Noted(kind):  # type: ignore[misc]  # the class of os.environ has no public name
        def __getitem__(self, name: str) -> str:
            try:
                return str(super().__getitem__(name))
            except KeyError:
                asked(name)
                raise

    os.environ.__class__ = Noted  # it is that object which everybody has
