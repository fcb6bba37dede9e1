"""Edits of merged values as edits of the one file in which an environment says what is its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path as Folder
from typing import Any

from kfp_gitops.base import files, yamledit
from kfp_gitops.base.errors import InputError, RefusedError
from kfp_gitops.base.yamltext import Path, parse
from kfp_gitops.rendering.trial import REMOVED, Edit
from kfp_gitops.rendering.trial import changed as with_edit
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import Environment

_HEAD = "pipelines:\n"


def written(root: Folder, env: Environment, edits: Iterable[tuple[str, Edit]]) -> dict[str, str]:
    """Path → the new text of each file; what base.yaml says is said again in the environment's own file.

    Raises:
        RefusedError: a file is written in a way that cannot be changed line by line.
    """
    texts: dict[str, str] = {}
    for name, together in _groups(edits):
        path = env.file_of(name)
        texts.setdefault(path, files.read_text(root, path))
        texts[path] = _edited(root, env.name, path, texts, name, together)
    return texts


def _groups(edits: Iterable[tuple[str, Edit]]) -> list[tuple[str, list[Edit]]]:
    """What of one pipeline goes alone, and what only together: `until` is refused without `state`, and it without."""
    groups: list[tuple[str, list[Edit]]] = []
    for name, edit in edits:
        last = groups[-1] if groups else None
        if last and last[0] == name and len(edit[0]) == len(last[1][0][0]) == 1:
            last[1].append(edit)
        else:
            groups.append((name, [edit]))
    return groups


def _edited(
    root: Folder, name: str, path: str, texts: Mapping[str, str], pipeline: str, edits: Sequence[Edit]
) -> str:
    """The text after which the merged values are those that are wanted, and no others."""
    wanted = _entry(root, name, texts, pipeline)
    for at, value in edits:
        wanted = with_edit(wanted, at, value)
    before, part, behind = _part(texts[path], pipeline)
    for after in _texts(part, ("pipelines", pipeline), edits, wanted):
        text = before + after.removeprefix(_HEAD if before else "") + behind
        with suppress(InputError):
            if _entry(root, name, {**texts, path: text}, pipeline) == wanted:
                return text
    where = " and ".join(".".join(map(str, ("pipelines", pipeline, *at))) for at, _ in edits)
    shown = "take it out" if edits[0][1] is REMOVED else f"write {yamledit.flow(edits[0][1])} there"
    raise RefusedError(
        f"{path}: {where} cannot be changed line by line; {shown} by hand, nothing was written"
    )


def _part(text: str, pipeline: str) -> tuple[str, str, str]:
    """The text around an entry, and this as a document of its own: of a thousand others no line is looked at.

    The whole text, where the entry does not stand in lines of its own.
    """
    head = re.search(r"^pipelines:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*( +)", text, re.MULTILINE)
    found = head and re.compile(rf"^{head[1]}{re.escape(pipeline)}:", re.MULTILINE).search(text, head.start())
    if not head or not found:
        return "", text, ""
    end = re.compile(rf"^ {{0,{len(head[1])}}}[^ #\n]", re.MULTILINE).search(text, found.end())
    stop = end.start() if end else len(text)
    return text[: found.start()], _HEAD + text[found.start() : stop], text[stop:]


def _texts(text: str, entry: Path, edits: Sequence[Edit], wanted: Any) -> Iterator[str]:
    """The text after all edits, each in one of its ways."""
    if not edits:
        yield text
        return
    for place, new in _ways(text, entry, edits[0], wanted):
        with suppress(yamledit.UneditableError):
            after = yamledit.take(text, place) if new is REMOVED else yamledit.put(text, place, new)
            yield from _texts(after, entry, edits[1:], wanted)


def _entry(root: Folder, name: str, texts: Mapping[str, str], pipeline: str) -> Any:
    return environment.load(root, name, texts).values.value["pipelines"][pipeline]


def _ways(text: str, entry: Path, edit: Edit, whole: Any) -> Iterator[tuple[Path, Any]]:
    """(place in the file, what is put there): the value itself; the list around it; null over what base.yaml says."""
    (at, value), own = edit, parse(text, "").value
    if value is REMOVED:
        if _holds(own, (*entry, *at)):
            yield (*entry, *at), REMOVED
        yield (*entry, *at), None
        return
    lists = [i for i, part in enumerate(at) if isinstance(part, int)]
    if not lists or _holds(own, (*entry, *at[: lists[0]])):
        yield (*entry, *at), value
    if lists:  # a list of the environment's own replaces that of base.yaml
        around = at[: lists[0]]
        found = whole
        for part in around:
            found = found[part]
        yield (*entry, *around), found


def _holds(value: Any, at: Path) -> bool:
    for part in at:
        within = isinstance(part, int) and part < len(value) if isinstance(value, list) else False
        if not within and not (isinstance(value, dict) and part in value):
            return False
        value = value[part]
    return True
