"""What a pipeline takes from around it by name: images, Secrets, ConfigMaps, claims, data; and what starts it.

Of a rendered manifest, the pipelines inside it, its component specs and what was compiled elsewhere: whatever template
and values they came from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.language import cron, waits
from kfp_gitops.language.manifest import (
    Constant,
    Manifest,
    OnChange,
    OnData,
    Schedule,
    Task,
    Trigger,
    Value,
    pod_values,
    walk,
)
from kfp_gitops.language.wellknown import STUB_IMAGES
from kfp_gitops.sources import components

_KINDS = {"secret": "secrets", "configMap": "configMaps", "pvc": "volumeClaims", "pullSecrets": "secrets"}
_CLAIMS = ("createPvc", "deletePvc")
# Of the platform document of an IR (kubernetes_executor_config.proto), and of Kubernetes' own pods, which a newer
# kfp may write into it. A name that is a parameter of the run stands under the second key.
_IN_IR = {
    "secretName": "secrets", "secretNameParameter": "secrets",
    "configMapName": "configMaps", "configMapNameParameter": "configMaps",
    "claimName": "volumeClaims", "pvcNameParameter": "volumeClaims",
}  # fmt: skip
_REFERENCES = {
    "secretKeyRef": "secrets", "secretRef": "secrets",
    "configMapKeyRef": "configMaps", "configMapRef": "configMaps",
}  # fmt: skip


@dataclass(frozen=True, order=True)
class Use:
    """A thing of a kind (a key of a team's limits) that a pipeline uses, and where; without a name the run tells it."""

    kind: str
    name: str
    where: str


@dataclass(frozen=True)
class Start:
    """A schedule that is on: the shortest time between two firings in seconds, and its runs at once.

    Or a trigger that is on, which other runs or data start: nobody knows how often.
    """

    name: str
    every: float
    at_once: int
    kind: Literal["schedule", "trigger"] = "schedule"


def uses(
    manifests: Iterable[Manifest], documents: Mapping[str, Sequence[Document]], images: Mapping[str, str]
) -> list[Use]:
    """All of a pipeline. `documents`: its component specs and compiled pipelines, by how a message calls them.

    `images`: logical name → reference, for specs in which they are not put in yet.
    """
    found = [use for manifest in manifests for use in _of_manifest(manifest)]
    for called, parts in documents.items():
        for document in parts:
            found += (
                Use("registries", images.get(name, name), called)
                for name in components.image_names(document)
                if name not in STUB_IMAGES
            )
            found += (Use(kind, name, called) for kind, name in _of_ir(_settings(document.value)))
    return sorted(set(found))


def _of_manifest(manifest: Manifest) -> Iterator[Use]:
    for trigger in manifest.triggers:
        if isinstance(trigger.run_on, OnData):
            yield Use("data", trigger.run_on.uri, f"trigger {trigger.name}")
    for node in walk(manifest.body):
        if not isinstance(node, Task):
            continue
        where = f"task {node.id}"
        for at, value, _ in pod_values(node.pod):
            if kind := _kind(at):
                yield Use(kind, _name(value), where)
        if node.kind in _CLAIMS:
            given = [node.arguments[key] for key in ("pvc_name", "pvc_name_suffix") if key in node.arguments]
            yield from (Use("volumeClaims", _name(value), where) for value in given)


def _kind(at: Path) -> str:
    """Of the path of a value of a pod: it ends with the kind, or with the number in a list of pull secrets."""
    return (
        next((_KINDS[str(part)] for part in reversed(at) if part in _KINDS), "") if at[0] in _PLACES else ""
    )


_PLACES = ("env", "volumes", "image")


def _name(value: Value) -> str:
    return str(value.value) if isinstance(value, Constant) else ""


def _settings(value: Any) -> Any:
    """What of a document may name something: the settings of a compiled pipeline stand beside it, in another one."""
    is_pipeline = isinstance(value, Mapping) and "root" in value
    return value.get("platforms") if is_pipeline else value


def _of_ir(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _of_ir(item)
    if not isinstance(value, Mapping):
        return
    for written, item in value.items():
        key = _UNDERSCORE.sub(lambda found: found[1].upper(), str(written))
        if key in _IN_IR:
            if (name := _given(item)) != _IN_OTHER_FIELD:
                yield _IN_IR[key], name
        elif key == "pvcMount":
            yield from (("volumeClaims", str(one["constant"])) for one in _maps(item) if "constant" in one)
            yield from _of_ir(item)
        elif key in _REFERENCES and isinstance(item, Mapping):
            yield _REFERENCES[key], str(item.get("name", ""))
        else:
            yield from _of_ir(item)


_IN_OTHER_FIELD = "\0"
_UNDERSCORE = re.compile("_([a-z])")
"""KFP takes a field by its name in the .proto, too: `secret_name` (protojson, from which its driver reads settings)."""


def _given(source: Any) -> str:
    """The constant of a source; empty when it comes from the run."""
    if isinstance(source, str):
        return source or _IN_OTHER_FIELD
    runtime = source.get("runtimeValue") if isinstance(source, Mapping) else None
    constant = runtime.get("constant") if isinstance(runtime, Mapping) else None
    return constant if isinstance(constant, str) else ""


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def starts(schedules: Iterable[Schedule], triggers: Iterable[Trigger] = ()) -> list[Start]:
    """Those of a pipeline that are on. Of a release there is one run alone, so what starts it is none of them."""
    by_cause = (one for one in triggers if one.enabled and not isinstance(one.run_on, OnChange))
    return [
        *(Start(s.name, _every(s).total_seconds(), s.max_concurrency) for s in schedules if s.enabled),
        *(Start(one.name, 0, one.max_concurrency, "trigger") for one in by_cause),
    ]


def _every(schedule: Schedule) -> timedelta:
    if schedule.interval_seconds:
        return timedelta(seconds=schedule.interval_seconds)
    return waits.shortest(cron.parse(schedule.cron or ""))


def to_text(found: Iterable[Start]) -> str:
    """For a memo, and another process."""
    return json.dumps([[one.name, one.every, one.at_once, one.kind] for one in found])


def from_text(text: str) -> list[Start]:
    """The reverse."""
    return [Start(*item) for item in json.loads(text)]
