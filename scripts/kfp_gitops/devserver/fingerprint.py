"""The fingerprint by which KFP's driver knows a task again (backend/src/v2/cacheutils/cache.go, as of 2.17.0).

Comes in: what a task is about to be executed with, in protobuf JSON. Goes out: SHA-256 over the cache key, as Go's
encoding/json writes it. Environment, resources, labels, the names of the task and its component, and a `cacheKey` of
its `cachingOptions` are not in it: 2.17.0's driver reads none of them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
# From here on, and below there, Go writes an exponent (encoding/json `floatEncoder`).
_LARGE, _SMALL = 1e21, 1e-6


def of(asked: Mapping[str, Any]) -> str:
    """The fingerprint of a task.

    `asked` has `inputs` and `outputs` of the ExecutorInput, `outputParameterTypes`, `commandAndArgs`, `image` and
    `pvcNames`; what an artifact is known by in the store is its `name`.
    """
    return hashlib.sha256(go_json(key(asked)).encode()).hexdigest()


def key(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The key before it is hashed; protobuf JSON leaves out what is empty."""
    inputs, outputs = asked.get("inputs") or {}, asked.get("outputs") or {}
    types = asked.get("outputParameterTypes") or {}
    container = {
        "image": asked.get("image", ""),
        "cmdArgs": list(asked.get("commandAndArgs") or ()),
        "pvcNames": sorted(set(asked.get("pvcNames") or ())),
    }
    return _filled(
        {
            "containerSpec": _filled(container),
            "inputParameterValues": dict(inputs.get("parameterValues") or {}),
            "inputArtifactNames": {k: _names(v) for k, v in _lists(inputs)},
            "outputParametersSpec": {name: types[name] for name in outputs.get("parameters") or {}},
            "outputArtifactsSpec": {k: _without_uri(v[0]) for k, v in _lists(outputs) if v},
        }
    )


def _lists(side: Mapping[str, Any]) -> Iterable[tuple[str, list[Mapping[str, Any]]]]:
    for name, given in (side.get("artifacts") or {}).items():
        yield name, list(given.get("artifacts") or ())


def _names(artifacts: list[Mapping[str, Any]]) -> dict[str, list[str]]:
    names = [str(artifact.get("name", "")) for artifact in artifacts]
    return {"artifactNames": names} if names else {}


def _without_uri(artifact: Mapping[str, Any]) -> dict[str, Any]:
    found = {part: artifact[part] for part in ("name", "type", "metadata") if part in artifact}
    return {part: value for part, value in found.items() if value != ""}


def _filled(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value not in ("", [], {})}


def go_json(value: Any) -> str:
    """JSON as Go writes it: no blanks, keys sorted, numbers as float64, and five characters escaped."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_text(k)}:{go_json(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(go_json, value)) + "]"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return _number(float(value))


def _text(value: str) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return "".join(_ESCAPES.get(character, character) for character in written)


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no JSON number")
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    if _SMALL <= abs(value) < _LARGE:
        text = format(Decimal(repr(value)), "f")
        return text.removesuffix(".0")
    mantissa, _, exponent = repr(value).partition("e")
    sign, digits = exponent[0], exponent[1:].lstrip("0")
    return f"{mantissa.removesuffix('.0')}e{sign}{digits}"
