"""What a task is given, in the IR, as values of a manifest: constants, references, texts of several parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kfp_gitops.compiling.compiler.build import RUN_FACTS
from kfp_gitops.importing.constants import of_type, written
from kfp_gitops.importing.source import UnsaidError

_FIELD = re.compile(r'parseJson\(string_value\)\["(.*)"\]')
_PLACEHOLDER = re.compile(
    r"\{\{\$\.inputs\.parameters\['([^']*)'\]\}\}|" + "|".join(map(re.escape, RUN_FACTS.values()))
)
_FACTS = {text: {"run": fact} for fact, text in RUN_FACTS.items()}

Output = Callable[[str, str], Any]
"""The value of an output of a task of the same DAG, by the task's key and the output's."""


def value(spec: Mapping[str, Any], kind: str, given: Mapping[str, Any], output: Output, inputs: Any) -> Any:
    """One argument of a task. `kind`: its type in the IR; `inputs`: all of the task's, for placeholders.

    Raises:
        UnsaidError: no manifest says it.
    """
    if "componentInputArtifact" in spec:
        return given[spec["componentInputArtifact"]]
    if "taskOutputArtifact" in spec:
        found = spec["taskOutputArtifact"]
        return output(found["producerTask"], found["outputArtifactKey"])
    selector = spec.get("parameterExpressionSelector")
    if "componentInputParameter" in spec:
        return _selected(given[spec["componentInputParameter"]], selector)
    if selector:
        raise UnsaidError(f"a selector of something else than a loop's item: {selector}")
    if "taskOutputParameter" in spec:
        found = spec["taskOutputParameter"]
        return output(found["producerTask"], found["outputParameterKey"])
    if "constant" in spec.get("runtimeValue", {}):
        return constant(spec["runtimeValue"]["constant"], kind, inputs)
    raise UnsaidError(f"an argument given by {', '.join(spec) or 'nothing'}")


def _selected(base: Any, selector: str | None) -> Any:
    if selector is None:
        return base
    found = _FIELD.fullmatch(selector)
    if found is None or not isinstance(base, dict) or set(base) != {"item"}:
        raise UnsaidError(f"a selector of something else than a loop's item: {selector}")
    return {**base, "field": found[1]}


def constant(found: Any, kind: str, inputs: Callable[[str], Any]) -> Any:
    """A constant; texts with placeholders become references, or `{concat: […]}`."""
    if not _holds(found):
        return written(of_type(found, kind))
    if isinstance(found, str):
        return _text(found, inputs, alone=False)
    return _inner(found, inputs)


def metadata(found: Mapping[str, Any], inputs: Callable[[str], Any]) -> Any:
    """The metadata of an importer: a map, or the entries of one where placeholders stand in keys."""
    ordered = _as_made(found)
    if not any(map(_holds, ordered)):
        return constant(ordered, "", inputs)
    return [{"key": text(key, inputs), "value": _inner(item, inputs)} for key, item in ordered.items()]


def _as_made(found: Any) -> Any:
    """Maps in an order in which their inputs are numbered as they are: the SDK counts where it meets each first."""
    if isinstance(found, dict):
        items = sorted(found.items(), key=lambda item: min(_numbers([item[0], item[1]]), default=0))
        return {key: _as_made(item) for key, item in items}
    return [_as_made(item) for item in found] if isinstance(found, list) else found


def _numbers(found: Any) -> Iterator[int]:
    """The numbers of the inputs whose placeholders stand in it: 1 of `metadata`, 2 of `metadata-2`."""
    if isinstance(found, str):
        for match in _PLACEHOLDER.finditer(found):
            number = (match[1] or "").rpartition("-")[2]
            yield int(number) if number.isdecimal() else 1
    elif isinstance(found, list | dict):
        parts = [*found, *found.values()] if isinstance(found, dict) else found
        for part in parts:
            yield from _numbers(part)


def text(found: str, inputs: Callable[[str], Any]) -> Any:
    """A text of the IR that is a constant, or a placeholder that stands for a reference."""
    return _text(found, inputs, alone=True) if _holds(found) else found


def _holds(found: Any) -> bool:
    if isinstance(found, str):
        return "{{$" in found
    if isinstance(found, dict):
        return any(map(_holds, found.values()))
    return isinstance(found, list) and any(map(_holds, found))


def _inner(found: Any, inputs: Callable[[str], Any]) -> Any:
    if not _holds(found):
        return written(of_type(found, ""))
    if isinstance(found, list):
        return [_inner(item, inputs) for item in found]
    if isinstance(found, dict):
        return {key: _inner(item, inputs) for key, item in found.items()}
    return _text(found, inputs, alone=True)


def _text(found: str, inputs: Callable[[str], Any], *, alone: bool) -> Any:
    """`alone`: a reference that is all of the text stands for itself; as an argument it would be handed over so."""
    parts: list[Any] = []
    end = 0
    for match in _PLACEHOLDER.finditer(found):
        parts += [found[end : match.start()]] if match.start() > end else []
        parts.append(_FACTS[match[0]] if match[0] in _FACTS else inputs(match[1]))
        end = match.end()
    parts += [found[end:]] if end < len(found) else []
    if any(isinstance(part, str) and "{{$" in part for part in parts):
        raise UnsaidError(f"a placeholder of another kind: {found}")
    if len(parts) == 1 and (alone or "run" in parts[0]):
        return parts[0]
    return {"concat": parts}
