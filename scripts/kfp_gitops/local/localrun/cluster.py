"""Settings that only a cluster can give: what is ignored, with a warning, and what a task cannot do without."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from kfp_gitops.local.localrun.spec import Executor, Pipeline

# Data that comes from the cluster as files.
_FILES = {
    "secretAsVolume": "a secret as files",
    "configMapAsVolume": "a config map as files",
    "pvcMount": "a persistent volume",
}
# Data that comes from the cluster as environment variables.
_VARIABLES = {
    "secretAsEnv": "a secret",
    "configMapAsEnv": "a config map",
    "fieldPathAsEnv": "a field of its pod",
}
# Empty room for a task's own files: harmless where the path exists here too.
_ROOM = {"emptyDirMounts": "an empty volume", "genericEphemeralVolume": "an ephemeral volume"}


def problems(
    pipeline: Pipeline, executor: Executor, environ: Mapping[str, str], mounts: Collection[str] = ()
) -> Iterator[str]:
    """Data from the cluster that the task would miss; at `mounts` there are folders of this machine instead."""
    for setting, entries in _settings(pipeline, executor).items():
        for entry in entries if isinstance(entries, list) else []:
            if entry.get("mountPath") not in mounts and (why := _problem(setting, entry, environ)):
                yield why


def mounted(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths at which an executor's settings put files of the cluster."""
    return tuple(
        entry["mountPath"]
        for setting in _FILES
        for entry in settings.get(setting, ())
        if "mountPath" in entry
    )


def ignored(pipeline: Pipeline, environ: Mapping[str, str], mounts: Collection[str]) -> str:
    """One warning that names every setting without an effect here; empty if there is none."""
    labels: dict[str, list[str]] = {}
    for executor in pipeline.executors.values():
        settings = _settings(pipeline, executor)
        for name in _names(pipeline, executor):
            if _stood_for(name, settings.get(name), environ, mounts):
                continue
            labels.setdefault(name, []).append(executor.label)
    texts = [f"{name} ({', '.join(labels[name])})" for name in sorted(labels)]
    texts += sorted(pipeline.cluster.get("pipelineConfig", {}))
    return f"settings for Kubernetes without effect on this machine: {'; '.join(texts)}" if texts else ""


def variables(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The environment variables that an executor's settings take from the cluster."""
    entries = [entry for setting in _VARIABLES for entry in settings.get(setting, ())]
    return tuple(name for entry in entries for name in _variables(entry))


def _settings(pipeline: Pipeline, executor: Executor) -> Mapping[str, Any]:
    executors = pipeline.cluster.get("deploymentSpec", {}).get("executors", {})
    settings: Mapping[str, Any] = executors.get(executor.label) or {}
    return settings


def _names(pipeline: Pipeline, executor: Executor) -> list[str]:
    return sorted({*_settings(pipeline, executor), *(["resources"] if executor.limits else [])})


def _stood_for(setting: str, entries: Any, environ: Mapping[str, str], mounts: Collection[str]) -> bool:
    """Whether something of this machine has the place of all that a setting would give."""
    if not isinstance(entries, list) or not entries:
        return False
    if setting in _FILES:
        return all(entry.get("mountPath") in mounts for entry in entries)
    return setting in _VARIABLES and all(name in environ for entry in entries for name in _variables(entry))


def _problem(setting: str, entry: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    if entry.get("optional"):
        return ""
    where = entry.get("mountPath", "")
    if setting in _FILES:
        return (
            f"reads {_FILES[setting]} at {where!r}, which only a cluster has; make a folder of that path here "
            f"and give --mount {where} to let it stand for that"
        )
    if setting in _ROOM and not Path(where).is_dir():
        return f"writes to {_ROOM[setting]} at {where!r}; that folder does not exist here"
    unset = [name for name in _variables(entry) if name not in environ]
    if setting in _VARIABLES and unset:
        given = " ".join(f"--pass-env {name}" for name in unset)
        return (
            f"gets {', '.join(unset)} from {_VARIABLES[setting]}; set it in the environment and give {given}"
        )
    return ""


def _variables(entry: Mapping[str, Any]) -> list[str]:
    pairs = [pair.get("envVar", "") for pair in entry.get("keyToEnv", ())]
    return [name for name in (*pairs, entry.get("name", "")) if name]
