"""What differs in the objects that Argo CD applies; what only follows from other changes is folded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.review.diff.fields import differences
from kfp_gitops.review.diff.model import Action, Change, Kind
from kfp_gitops.review.diff.state import Files

# Lists the pipelines' files: it changes whenever a pipeline comes or goes.
_FOLLOWS = frozenset({"kustomization.yaml"})
# Digests of all the others: they say nothing that those do not say.
_SAID = frozenset({"content.yaml"})


def changes(before: Files, after: Files) -> tuple[list[Change], list[str]]:
    """(changes of the delivery manifests, what was folded)."""
    found: list[Change] = []
    noise: list[str] = []
    for path in sorted({**before.texts, **after.texts}):
        if path in _SAID or before.texts.get(path) == after.texts.get(path):
            continue
        here = [*_file(path, before, after)]
        if path in _FOLLOWS or not here:
            noise.append(f"{path} {'lists other files' if here else 'is written differently'}")
        else:
            found += here
    return found, noise


def _file(path: str, before: Files, after: Files) -> Iterator[Change]:
    left, right = _objects(before, path), _objects(after, path)
    for name in [*right, *(name for name in left if name not in right)]:
        if name not in left:
            yield Change(Action.ADDED, Kind.DELIVERY, name, after=path)
        elif name not in right:
            yield Change(Action.REMOVED, Kind.DELIVERY, name, before=path)
        else:
            for field, old, new in differences(left[name], right[name]):
                if "spec.volumes[desired]" not in field:  # lists the pipelines' files again
                    yield Change(Action.CHANGED, Kind.DELIVERY, name, field, old, new)


def _objects(files: Files, path: str) -> dict[str, Any]:
    """`Kind/name` → object."""
    return {_label(value, path): value for value in files.documents(path) if value is not None}


def _label(value: Any, path: str) -> str:
    if not isinstance(value, Mapping):
        return path
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return f"{value.get('kind', path)}/{name}" if name else str(value.get("kind", path))
