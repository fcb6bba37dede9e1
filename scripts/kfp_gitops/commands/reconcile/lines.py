"""Notes of a plan about lines of an environment's values: with the line, where the repository is at hand."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kfp_gitops.base.errors import GitOpsError
from kfp_gitops.reconcile.values_lines import values_of

if TYPE_CHECKING:
    from kfp_gitops.reconcile.plan import Plan


def placed(arguments: Namespace, found: Plan) -> Plan:
    """The same plan, whose notes name `path:line:column` in place of the file."""
    path = values_of(found.environment)
    if not any(path in note for note in found.notes):
        return found
    places = _places(arguments.root, found)
    notes = (note.replace(path, places.get(note.partition(":")[0], path)) for note in found.notes)
    return replace(found, notes=tuple(notes))


def notes(arguments: Namespace, found: Plan) -> Iterator[str]:
    """Those notes alone."""
    path = values_of(found.environment)
    for note, shown in zip(found.notes, placed(arguments, found).notes, strict=True):
        if path in note:
            yield shown


def _places(root: Path, found: Plan) -> dict[str, str]:
    from kfp_gitops.sources import environment, loose_ends

    try:
        env = environment.load(root, found.environment)
    except GitOpsError:  # none here that can be read: the file's name is enough
        return {}
    keys = {**dict.fromkeys(env.absent, "state"), **dict.fromkeys(env.paused, "until")}
    return {name: loose_ends.place(env.values, name, [key]) for name, key in keys.items()}
