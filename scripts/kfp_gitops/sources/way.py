"""The way of promotion: from which environment one is promoted (`promotesFrom`), and so on to the sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import GitOpsError, Problem, meant
from kfp_gitops.base.yamltext import Document
from kfp_gitops.base.yamlvalue import parse

KEY = "promotesFrom"


def declared(root: Path, name: str, key: str = KEY) -> str:
    """Which environment one says it is promoted from; empty when it does not say, or cannot be read.

    A look at another environment's values, which may be large and are checked when that one is read: a key of the
    document itself stands at the beginning of its line. `key`: another one that names an environment.
    """
    path = f"environments/{name}/values.yaml"
    try:
        text = files.read_text(root, path)
        if found := re.search(rf"^{key}:[ \t]+['\"]?([a-z0-9-]+)", text, re.MULTILINE):
            return found[1]
        value = parse(text, path).value if key in text else None  # in quotes, or a map in braces
    except GitOpsError:
        return ""
    return str(value.get(key) or "") if isinstance(value, Mapping) else ""


def to(root: Path, name: str) -> tuple[str, ...]:
    """From where a release comes to an environment, itself the last; of a circle each one once."""
    found = [name]
    while (before := declared(root, found[0])) and before not in found:
        found.insert(0, before)
    return tuple(found)


def shown(steps: Iterable[str]) -> str:
    """A way as people read it."""
    return " → ".join(steps)


def instead(steps: Sequence[str], source: str, pipeline: str = "") -> str:
    """How a release gets from an environment to the last of a way, in place of straight there."""
    of = f" --pipeline {pipeline}" if pipeline else ""
    between = steps[steps.index(source) + 1 :] if source in steps[:-1] else steps[-1:]
    first, *others = (f"--to {name}{of}" for name in between)
    then = "".join(f", once that is merged {other}" for other in others)
    return f"promote on this way: `python scripts/promote.py {first}`{then}"


def ordered(before: Mapping[str, str]) -> list[str]:
    """Environments along their ways: each one right after what it is promoted from, and that one's others.

    `before`: environment → the one that it is promoted from, or nothing. Of a circle none is left out.
    """
    found: list[str] = []
    for name in [*(name for name in before if before[name] not in before), *before]:
        _follow(name, before, found)
    return found


def _follow(name: str, before: Mapping[str, str], found: list[str]) -> None:
    if name not in found:
        found.append(name)
        for other in before:
            if before[other] == name:
                _follow(other, before, found)


def problems(
    root: Path, name: str, known: Sequence[str], base: Document, over: Document
) -> Iterator[Problem]:
    """Everything that is wrong with what an environment says of its way; both documents are maps."""
    if KEY in base.value:
        what = "an environment is promoted from one of its own, so this cannot be said of all"
        yield base.problem(
            (KEY,), what, f"write it into the environments/ENV/values.yaml of each: {KEY}: ENV", key=True
        )
    source = over.value.get(KEY)
    if not isinstance(source, str):
        return
    follows = over.value.get("follows", base.value.get("follows"))
    if follows == "sources":
        what = f"{name} follows the sources, so nothing is promoted to it"
        yield over.problem((KEY,), what, "take the line out, or write `follows: pinned`", key=True)
    elif source == name:
        yield over.problem((KEY,), f"{name} cannot be promoted from itself", _one_of(name, known))
    elif source not in known:
        like = meant(source, known)
        todo = f"did you mean {like!r}? {_one_of(name, known)}" if like else _one_of(name, known)
        yield over.problem((KEY,), f"there is no environment {source!r} to be promoted from", todo)
    elif circle := _circle(root, name, source):
        what = f"the way of promotion is a circle: {shown(circle)}"
        yield over.problem((KEY,), what, "let the first of them follow the sources, or take its line out")


def never_promoted(values: Document, name: str, pipelines: Sequence[str]) -> Iterator[Problem]:
    """Why an environment that follows pinned copies has no release of pipelines of its values: a file is told once.

    One of them alone cannot be promoted while others are missing, for what is promoted is rendered: the command is
    for all of them.
    """
    source = "" if KEY in values.value else "--from ENV "
    only = f" --pipeline {pipelines[0]}" if len(pipelines) == 1 else ""
    todo = f"run `python scripts/promote.py {source}--to {name}{only}`"
    by_file: dict[str, list[str]] = {}
    for pipeline in pipelines:
        place = values.problem(("pipelines", pipeline), "", "", key=True)
        by_file.setdefault(place.path, []).append(pipeline)
    for path, names in by_file.items():
        what = f"{_counted(names)} never promoted to {name}"
        left_out = f"`{names[0]}: null`" if len(names) == 1 else "`NAME: null` for each"
        more = f", or write {left_out} into environments/{name}/values.yaml until {_THEY[len(names) > 1]}"
        own = path.startswith(f"environments/{name}/")
        yield values.problem(("pipelines", names[0]), what, todo if own else todo + more, key=True)


_NAMED = 3
_THEY = ("it is", "they are")


def _counted(names: Sequence[str]) -> str:
    """Names with their verb; many are counted."""
    if len(names) == 1:
        return f"pipeline {names[0]!r} was"
    shown, more = [*map(repr, names[:_NAMED])], len(names) - _NAMED
    last = f"{more:,} more" if more > 0 else shown.pop()
    return f"pipelines {', '.join(shown)} and {last} were"


def _circle(root: Path, name: str, source: str) -> list[str]:
    """The environments from one round to itself; empty where the way has a beginning."""
    found = [source, name]
    while (before := declared(root, found[0])) and before not in found:
        found.insert(0, before)
    return [before, *found] if before == name else []


def _one_of(name: str, known: Sequence[str]) -> str:
    others = ", ".join(other for other in known if other != name)
    return f"it may be one of: {others or 'none, add one'}"
