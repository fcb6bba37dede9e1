"""What differs in the objects that Argo CD applies; what only follows from other changes is folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.rendering import artifact, repacked
from kfp_gitops.review.diff import leftover
from kfp_gitops.review.diff.fields import differences
from kfp_gitops.review.diff.follows import Facts, without
from kfp_gitops.review.diff.model import Action, Change, Kind
from kfp_gitops.review.diff.state import Files, State
from kfp_gitops.review.diff.strict import Item, Place, unsaid
from kfp_gitops.review.diff.told import Told

# Digests of all the others: that it follows is nothing to speak of.
_SAID = frozenset({"content.yaml"})


def changes(environment: str, before: State, after: State) -> tuple[list[Change], list[str]]:
    """(changes of the delivery manifests, what was folded)."""
    left, right = Facts(environment, before), Facts(environment, after)
    was, is_ = before.delivery(), after.delivery()
    found: list[Change] = []
    rewritten: list[str] = []
    follow: list[str] = []
    archives = 0
    for path in sorted({**was.texts, **is_.texts}):
        if was.texts.get(path) == is_.texts.get(path):
            continue
        if path.startswith(repacked.PREFIX) and left.is_repacked(path) and right.is_repacked(path):
            archives += 1
            continue
        if not path.endswith((".yaml", ".yml", ".json")):
            found += leftover.text(
                f"manifests/{environment}/{path}", was.texts.get(path), is_.texts.get(path)
            )
            continue
        pair = was.documents(path), is_.documents(path)
        here = [*_file(environment, path, *(without(*pair, left, right) if all(pair) else pair))]
        if not any(pair):  # nothing but comments, before or after
            here = [*_empty(environment, path, was, is_)]
        found += here
        if not here and pair[0] == pair[1]:
            rewritten.append(f"{path} is written differently")
        elif not here and path not in _SAID:
            follow.append(path)
    return found, [*rewritten, *_following(follow, archives)]


def _following(files: list[str], archives: int) -> Iterator[str]:
    """One line for all of them: with a change of a component go three."""
    if files:
        yield f"{', '.join(files)} {'follows' if len(files) == 1 else 'follow'} from other files"
    if archives:
        yield f"{repacked.PREFIX}, {archives} of its files, follows from other files"


def warnings(environment: str, after: State) -> list[str]:
    """That what is delivered is not what is shown here."""
    folder = f"manifests/{environment}"
    found = (*repacked.faults(folder, after.texts), *artifact.faults(folder, after.texts))
    return [str(problem) for problem in found]


def _file(environment: str, path: str, before: list[Any], after: list[Any]) -> Iterator[Change]:
    left, right = _labelled(before, after, path)
    here = [*_objects(left, right)]
    yield from here
    yield from leftover.changes(f"manifests/{environment}/{path}", _unsaid(left, right, Told(here)))


def _empty(environment: str, path: str, before: Files, after: Files) -> Iterator[Change]:
    sides = (leftover.whole([] if path in files.texts else None) for files in (before, after))
    yield from leftover.document(f"manifests/{environment}/{path}", *sides)


def _objects(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys([*right, *left]):
        if name not in left:
            yield Change(Action.ADDED, Kind.DELIVERY, name, after=right[name])
        elif name not in right:
            yield Change(Action.REMOVED, Kind.DELIVERY, name, before=left[name])
        else:
            for field, old, new in differences(left[name], right[name]):
                yield Change(Action.CHANGED, Kind.DELIVERY, name, field or None, old, new)


def _unsaid(
    left: Mapping[str, Any], right: Mapping[str, Any], told: Told
) -> Iterator[tuple[Place, Any, Any]]:
    def said(place: Place, old: Any, new: Any) -> bool:
        return place != () and told.says([Kind.DELIVERY], place[0], place[1:], old, new)

    yield from unsaid(left, right, said)
    order = [name for name in left if name in right], [name for name in right if name in left]
    if order[0] != order[1]:
        yield (Item("order"),), *order


def _labelled(before: list[Any], after: list[Any], path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Label → object of both sides: `Kind/name`, with the namespace and a number where that is not one object's."""
    sides = (before, after)
    for form in (_plain, _with_namespace):
        labels = [[form(value, path) for value in side] for side in sides]
        if all(len(set(found)) == len(found) for found in labels):
            break
    left, right = (
        dict(zip(_numbered(found), side, strict=True)) for found, side in zip(labels, sides, strict=True)
    )
    return left, right


def _numbered(labels: list[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for label in labels:
        seen[label] += 1
        yield label if seen[label] == 1 else f"{label} #{seen[label]}"


def _plain(value: Any, path: str) -> str:
    if not isinstance(value, Mapping):
        return path
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return f"{value.get('kind', path)}/{name}" if name else path


def _with_namespace(value: Any, path: str) -> str:
    metadata = value.get("metadata") if isinstance(value, Mapping) else None
    namespace = metadata.get("namespace") if isinstance(metadata, Mapping) else None
    return f"{_plain(value, path)} in {namespace}" if namespace else _plain(value, path)
