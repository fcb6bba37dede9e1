"""What of a manifest its checks can tell apart: thousands are made from one template, and are wrong in one way or none.

Two manifests of one shape differ only in plain words and numbers that no check looks at but for their type: names and
texts for people, what a component's task is given, defaults that are handed to such tasks as they are, and when
schedules fire that fire as they should. Whatever might matter stays in the shape as it stands.
"""

from __future__ import annotations

import hashlib
import marshal
import math
import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

from kfp_gitops.checking.check import schedules
from kfp_gitops.language.attainable import shortfalls
from kfp_gitops.language.manifest import MAX_EXACT, reader, slo

# No mark of KFP's or Argo's, no macro, nothing that JSON escapes or a database refuses; never empty.
_PLAIN = re.compile(r"[A-Za-z0-9 ,.;:/_@+=*-]{1,500}")
_MOST = 16_000
"""Bytes of what runs are given; its sum is looked at where there is more (`sizes`)."""
_PYTHON = 2
"""The form of `marshal` in which equal data are equal bytes, and 1, 1.0 and True are three."""


def shape(value: Mapping[str, Any]) -> bytes | None:
    """The shape of a manifest's data, which its schema accepts; None where each is to be checked by itself."""
    spec = value["spec"]
    given = [value.get("schedules"), value.get("triggers"), spec.get("parameters")]
    if "ir" in spec or len(marshal.dumps(given, _PYTHON)) > _MOST:
        return None
    arguments: list[Any] = []
    rest = {key: part for key, part in spec.items() if key not in ("parameters", "tasks")}
    rest["tasks"] = dict(_tasks(spec.get("tasks", {}), arguments))
    used = marshal.dumps(rest, _PYTHON)
    parts = (
        {key: part for key, part in value.items() if key not in ("metadata", "spec", "schedules")},
        _words(value["metadata"]),
        dict(_parameters(spec.get("parameters", {}), set(_used(rest) if b"param" in used else ()))),
        arguments,
        [_schedule(one) for one in value.get("schedules", ())],
        [found.line for found in shortfalls(slo.of(value), reader.schedules(value), reader.triggers(value))],
    )
    return hashlib.sha256(used + marshal.dumps(parts, _PYTHON)).digest()


def _tasks(tasks: Mapping[str, Any], arguments: list[Any]) -> Iterator[tuple[str, Any]]:
    """The tasks without what components are given, which goes to `arguments`, but for what is put together."""
    for name, task in tasks.items():
        if "component" in task:
            kept = {}
            for key, given in task.get("arguments", {}).items():
                if type(given) is dict and given.keys() == {"param"}:
                    arguments.append((name, key, "param", given["param"]))
                elif type(given) in (dict, list):
                    kept[key] = given
                    arguments.append((name, key))
                else:
                    arguments.append((name, key, "value", _words(given)))
            yield name, {**task, "arguments": kept}
        elif "tasks" in task:
            yield name, {**task, "tasks": dict(_tasks(task["tasks"], arguments))}
        else:
            yield name, task


def _used(data: Any) -> Iterator[str]:
    """The parameters that are referred to."""
    if type(data) is dict:
        if type(data.get("param")) is str:
            yield data["param"]
        data = data.values()
    elif type(data) is not list:
        return
    for item in data:
        yield from _used(item)


def _parameters(parameters: Mapping[str, Any], used: Set[str]) -> Iterator[tuple[str, Any]]:
    """Of a parameter that more is done with than to hand it on, the default is kept as it is."""
    for name, one in parameters.items():
        masked = "default" in one and name not in used
        yield name, (masked, {**one, "default": _words(one["default"])} if masked else one)


def _schedule(one: Mapping[str, Any]) -> Any:
    cron = one.get("cron")
    fine = cron is not None and _PLAIN.fullmatch(cron) is not None and schedules.is_fine(cron)
    return fine, {**one, "cron": None} if fine else one


def _words(value: Any) -> Any:
    """The kind of each plain word and number; all else as it stands, in a tuple."""
    kind = type(value)
    if kind is str and _PLAIN.fullmatch(value):
        return "text"
    if kind is int and -MAX_EXACT <= value <= MAX_EXACT:
        return "int"
    if kind is float and math.isfinite(value):
        return "float"
    if kind is dict:
        return {key: _words(item) for key, item in value.items()}
    return [_words(item) for item in value] if kind is list else (value,)
