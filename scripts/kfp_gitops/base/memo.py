"""What came out before of the same inputs, so that only what changed is done again. Nothing depends on it.

It is in the user's cache, `kfp-gitops/render/`, and never in the repository: there a pull request could bring one
along that says whatever it likes of its manifests. It holds digests alone: of inputs, and of what came out of them. It
only ever says that what stands in manifests/ is the outcome already; one that does not fit is ignored. It is not
trusted across versions: with another byte in this package, another Python or another installed distribution it is
empty. `--check` and the reconciler never read it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from kfp_gitops.base import files, private
from kfp_gitops.base.errors import InputError, UsageError

FEWEST = 50  # pipelines; with fewer the whole of it takes longer than it saves


@dataclass(frozen=True)
class Memo:
    """Digest of inputs → digest of what came of them; `fresh` is what was learnt or confirmed in this process."""

    known: Mapping[str, str] = field(default_factory=dict)
    fresh: dict[str, str] = field(default_factory=dict)
    used: bool = False

    def carry_over(self, key: str) -> None:
        """Keep what is known of inputs that are still there, though nobody asked for it now."""
        if key in self.known:
            self.fresh[key] = self.known[key]


def load(root: Path, environment: str) -> Memo:
    """What is remembered of an environment; nothing when in doubt."""
    try:
        found = json.loads(files.read_text(folder(root), f"{environment}.json"))
        known = found["known"] if found["version"] == version() else {}
        return Memo({str(key): str(value) for key, value in known.items()}, used=True)
    except (InputError, UsageError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return Memo(used=True)


def save(root: Path, environment: str, memo: Memo) -> None:
    """Keep what was used now; what was not is of inputs that are gone."""
    if memo.used and dict(memo.known) != memo.fresh:
        text = json.dumps({"version": version(), "known": memo.fresh}, indent=0, sort_keys=True)
        with suppress(InputError, UsageError, OSError):  # no place of this user's own: nothing is kept
            files.write_text(folder(root), f"{environment}.json", text + "\n")


def folder(root: Path) -> Path:
    """Where what is remembered of a repository stands.

    Raises:
        OSError, UsageError: there is no place that is this user's alone.
    """
    return private.cache("render", hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:24])


def digest(*inputs: Any) -> str:
    """Identity of JSON-like data."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


@cache
def version() -> str:
    """Identity of everything that could make something else of the same inputs."""
    package = Path(__file__).parents[1]
    names = [name for name in files.list_files(package.parent, package.name) if ".pyc" not in name]
    code = {name: hashlib.sha256((package / name).read_bytes()).hexdigest() for name in names}
    return digest(sys.version, sorted(code.items()), sorted(_distributions(sys.path)))


def _distributions(paths: Iterable[str]) -> set[str]:
    """Name and version of what is installed, from the names of folders: importlib.metadata would read each of them."""
    found = (entry.name for path in paths if Path(path).is_dir() for entry in Path(path).iterdir())
    return {name for name in found if name.endswith((".dist-info", ".egg-info", ".egg-link"))}
