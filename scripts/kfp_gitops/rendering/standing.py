"""What stands in manifests/<env>/ of pipelines that are not rendered now: it is taken as it is, and stays so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kfp_gitops.base import files, generated
from kfp_gitops.base.errors import InputError, Problem
from kfp_gitops.rendering import rendered
from kfp_gitops.rendering.rendered import ENVIRONMENT, RenderedPipeline
from kfp_gitops.sources.environment import Environment, values_path
from kfp_gitops.sources.selection import Selection

Entry = Mapping[str, Any]
_LISTS = ("pipelines", "absent", "backfills")


@dataclass(frozen=True)
class Standing:
    """Pipelines and tombstones of environment.yaml beside those that are rendered; `chosen` are these."""

    chosen: frozenset[str]
    pipelines: Mapping[str, RenderedPipeline] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)
    absent: Mapping[str, Entry] = field(default_factory=dict)
    backfills: Mapping[str, Entry] = field(default_factory=dict)
    """Those of pipelines that are not rendered now, by their ids."""
    head: Entry = field(default_factory=dict)
    """The rest of environment.yaml, which is about all of them; empty where there is none yet."""

    def refuse_other(self, env: Environment, head: Entry) -> None:
        """What an environment says of all its pipelines cannot be rendered for some.

        Raises:
            InputError: it would be other than what stands there.
        """
        others = sorted(key for key in {*head, *self.head} if head.get(key) != self.head.get(key))
        if self.head and others:
            what = f"{', '.join(others)} of {rendered.ENVIRONMENT} would be another, which is about all pipelines"
            todo = f"render all of it: python scripts/render.py --env {env.name}"
            raise InputError([Problem(values_path(env.name), 0, 0, what, todo)])


def read(root: Path, env: Environment, selection: Selection) -> Standing:
    """What is not selected of an environment, as it stands.

    Raises:
        UsageError: the selection names what is neither in the values nor there.
        InputError: what stands there cannot be read.
    """
    found = _settings(root, env)
    entries, absent = ({entry["name"]: entry for entry in found.get(key, ())} for key in _LISTS[:2])
    now = {name: env.team_of(name) for name in (*env.pipelines, *env.absent)}
    before = {name: str(entry.get("team", "")) for name, entry in {**entries, **absent}.items()}
    chosen = selection.chosen({**before, **now}, env.name)
    kept = {name: entry for name, entry in entries.items() if name not in chosen}
    folder = f"manifests/{env.name}"
    return Standing(
        chosen,
        {name: rendered.read(root, folder, entry) for name, entry in kept.items()},
        kept,
        {name: entry for name, entry in absent.items() if name not in chosen},
        {one["id"]: one for one in found.get("backfills", ()) if one["pipeline"] not in chosen},
        {key: value for key, value in found.items() if key not in _LISTS},
    )


def _settings(root: Path, env: Environment) -> Entry:
    path = f"manifests/{env.name}/{ENVIRONMENT}"
    if not (root / path).is_file():
        return {}
    found: Entry = generated.read("environment", files.read_text(root, path), path).value
    return found
