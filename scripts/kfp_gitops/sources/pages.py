"""Where people read a file of the repository in a browser: what alerts and messages link to."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SSH = re.compile(r"(?:ssh://)?(?:[^@/]+@)(?P<host>[^:/]+)(?::\d+/|[:/])(?P<path>.+)")


def of(repository: Mapping[str, str]) -> str:
    """What stands before the path of a file: `web` of the section `repository`, else what follows from `url`.

    `/blob/BRANCH` is how GitHub calls it; GitLab leads from there to its own name of it.
    """
    web = repository.get("web", "")
    return web.rstrip("/") if web else f"{_browsed(repository['url'])}/blob/{repository['branch']}"


def _browsed(url: str) -> str:
    """The page of the repository: its clone URL without `.git`, `git@host:path` and `ssh://` by https."""
    plain = url.rstrip("/").removesuffix(".git")
    found = _SSH.fullmatch(plain)
    return f"https://{found['host']}/{found['path']}" if found else plain
