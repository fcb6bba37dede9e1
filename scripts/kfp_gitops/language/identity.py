"""The identity of a compiled pipeline: the digest of its IR, as it was compiled and as a server tells it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_WHOLE_IN_TASKS = (("retryPolicy", "maxRetryCount"), ("iteratorPolicy", "parallelismLimit"))
_WHOLE_IN_PLATFORMS = (
    "resourceTtlOnCompletion",
    "resourceTtlOnSuccess",
    "resourceTtlOnFailure",
    "activeDeadlineSeconds",
)
"""The 32-bit integers of pipeline_spec.proto (kfp-pipeline-spec 2.17); all other numbers of an IR are doubles, and
64-bit integers are texts. A test holds this against the messages."""


def digest(documents: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 of the canonical IR, without `sdkVersion`: another SDK that compiles to the same changes nothing."""
    return f"sha256:{hashlib.sha256(canonical(documents)).hexdigest()}"


def canonical(documents: Sequence[Mapping[str, Any]]) -> bytes:
    """The documents as one line of JSON."""
    first = {key: value for key, value in documents[0].items() if key != "sdkVersion"}
    text = json.dumps([first, *documents[1:]], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def digest_of_stored(spec: Mapping[str, Any]) -> str:
    """The same digest, of the `pipeline_spec` that KFP tells of a version.

    KFP stores the messages anew (v2_template.go Bytes) and tells them as a Struct: the pipeline's alone, or that and
    the platform's as a pair (api_util.go YamlStringToPipelineSpecStruct). In a Struct each number is a double, which
    Go writes without a fraction where it has none; the SDK writes `2.0` for a double and `2` for an integer.
    """
    try:
        return digest(documents_of_stored(spec))
    except NO_IR:
        return "no IR"


NO_IR = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What making documents of something raises that is none."""


def documents_of_stored(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The documents of a file that KFP tells as a `pipeline_spec`, with the numbers that the file has.

    Raises:
        NO_IR: it is none.
    """
    found = _with_doubles(spec)
    documents = [found["pipeline_spec"], found["platform_spec"]] if "pipeline_spec" in found else [found]
    for holder, key in _whole_numbers(documents):
        holder[key] = int(holder[key])
    return documents


def _with_doubles(value: Any) -> Any:
    """A copy in which each number is a double; what has come as JSON holds nothing else than this knows.

    Most of it is texts, and this is a fifth of what a plan of thousands of pipelines does.
    """
    if isinstance(value, dict):
        return {key: inner if type(inner) is str else _with_doubles(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_doubles(inner) for inner in value]
    return float(value) if type(value) is int else value


def _whole_numbers(documents: Sequence[Mapping[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    components = [documents[0].get("root", {}), *documents[0].get("components", {}).values()]
    for component in components:
        for task in component.get("dag", {}).get("tasks", {}).values():
            for policy, key in _WHOLE_IN_TASKS:
                yield from _number(task.get(policy, {}), key)
    platforms = [item for found in components for item in found.get("singlePlatformSpecs", ())]
    for platform in (
        *platforms,
        *(p for found in documents[1:] for p in found.get("platforms", {}).values()),
    ):
        for key in _WHOLE_IN_PLATFORMS:
            yield from _number(platform.get("pipelineConfig", {}), key)


def _number(holder: dict[str, Any], key: str) -> Iterator[tuple[dict[str, Any], str]]:
    found = holder.get(key)
    if isinstance(found, float) and found.is_integer():
        yield holder, key
