"""Run a registered pipeline once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kfp_gitops.base import charset
from kfp_gitops.base.errors import UsageError
from kfp_gitops.checking import check
from kfp_gitops.checking.check import given
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language import storage
from kfp_gitops.language.manifest import Manifest, Type, nested
from kfp_gitops.reconcile.hosts import is_loopback
from kfp_gitops.reconcile.records import experiment_name
from kfp_gitops.sources.components import Interface


@dataclass(frozen=True)
class Request:
    """A run to start."""

    owner: Owner
    pipeline: str
    version: str
    digest: str
    """Of the IR that the version must hold."""
    parameters: Mapping[str, Any]
    by: str = ""
    """Who asks for it."""
    called: str = ""
    """The pipeline's name in KFP, where that is another."""


def parameters(manifest: Manifest, texts: Sequence[str]) -> dict[str, Any]:
    """Parse `key=value` texts by the types that the pipeline declares.

    Raises:
        UsageError: every text that is wrong, and what is right.
    """
    types = {parameter.name: parameter.type for parameter in manifest.parameters}
    values, problems = _typed(types, texts)
    missing = [p.name for p in manifest.parameters if p.required and p.name not in values]
    problems += [f"--param {name}=… is needed: it has no default" for name in missing]
    if problems:
        raise UsageError("\n".join(problems))
    return values


_IR_TYPES: Mapping[str, Type] = {
    "STRING": "str",
    "NUMBER_INTEGER": "int",
    "NUMBER_DOUBLE": "float",
    "BOOLEAN": "bool",
    "LIST": "list",
    "STRUCT": "dict",
}


def changed(spec: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """The same by the types that the IR of a registered version declares; none is needed.

    Raises:
        UsageError: every text that is wrong, and what is right.
    """
    root = spec.get("pipeline_spec", spec).get("root") or {}
    declared = (root.get("inputDefinitions") or {}).get("parameters") or {}
    types = {name: _IR_TYPES.get(one.get("parameterType", ""), "str") for name, one in declared.items()}
    values, problems = _typed(types, texts)
    if problems:
        raise UsageError("\n".join(problems))
    return values


def _typed(types: Mapping[str, Type], texts: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            problems.append(f"--param {text}: write key=value")
        elif name not in types:
            problems.append(f"--param {text}: no such parameter; there are: {', '.join(types) or 'none'}")
        else:
            try:
                values[name] = _value(value, types[name])
            except (ValueError, RecursionError):  # of a hundred thousand brackets
                problems.append(f"--param {text}: {value!r} is not a {types[name]}{_example(types[name])}")
    return values, problems


def refuse_unstorable(values: Mapping[str, Any]) -> None:
    """Before anything is sent: KFP would start the run's workflow, and then answer 500.

    Raises:
        UsageError: each parameter with a character that KFP's database does not keep.
    """
    found = [
        f"--param {'.'.join(map(str, at))}: a text with {character}; {charset.TODO}"
        for at, character, _ in charset.found_in(dict(values))
    ]
    if found:
        raise UsageError(charset.without("\n".join(found)))


def refuse_unsound(
    manifest: Manifest | None, inner: Mapping[str, Manifest], values: Mapping[str, Any], host: str = ""
) -> None:
    """Before anything is sent: what rendering refuses of the parameters of schedules and triggers.

    A server on this machine is the development server, whose importers read files of this machine, too.

    Raises:
        UsageError: each parameter that KFP or Argo would not take as it is. Without a manifest, whose use of them
            is not known: with Argo's braces, characters that cannot be stored, or too long.
    """
    refuse_unstorable(values)
    if manifest is None:
        found = given.unknown_pipeline(values)
    else:
        interfaces: dict[str, Interface] = {}
        for name in nested.innermost_first(manifest, inner):
            interfaces[name] = check.interface(inner[name], {}, interfaces)
        found = given.faults(manifest, interfaces, values)
    if is_loopback(host):
        found = [
            (name, what, todo + _of_this_machine(values.get(name), (what, todo)))
            for name, what, todo in found
            if not _is_file(values.get(name))
        ]
    if found:
        raise UsageError("\n".join(f"--param {name}: {what}; {todo}" for name, what, todo in found))


def _is_file(value: Any) -> bool:
    """By its whole path: the server is in a folder of its own."""
    with suppress(OSError):  # a text that is too long for a path
        return isinstance(value, str) and Path(value).is_absolute() and Path(value).is_file()
    return False


def _of_this_machine(value: Any, fault: tuple[str, str]) -> str:
    if not isinstance(value, str) or storage.root(value) != fault:
        return ""
    whole = str(Path(value).absolute())
    meant = f", here {whole}" if _is_file(whole) else ""
    return f"; for the development server also the whole path of a file of this machine{meant}"


def _value(text: str, wanted: Type) -> Any:
    if wanted == "str":
        return text
    value: Any = json.loads(text)
    kinds: dict[str, type | tuple[type, ...]] = {
        "int": int,
        "float": (int, float),
        "bool": bool,
        "list": list,
        "dict": dict,
    }
    if not isinstance(value, kinds[wanted]) or (isinstance(value, bool) and wanted != "bool"):
        raise ValueError(text)
    return float(str(value)) if wanted == "float" else value


def _example(wanted: Type) -> str:
    return {
        "bool": "; write true or false",
        "list": '; write JSON such as ["a", "b"]',
        "dict": "; write JSON",
    }.get(wanted, "")


def start(api: KfpApi, request: Request) -> str:
    """Submit the registered version under a unique name; returns the run's id."""
    pipeline_id = api.pipeline_id(request.called or request.pipeline)
    version_id = api.version_id(
        pipeline_id, request.version, request.digest, of_any_name=bool(request.called)
    )
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return api.create_run(
        name=f"{request.pipeline}-{stamp}-{secrets.token_hex(2)}",
        pipeline_id=pipeline_id,
        version_id=version_id,
        experiment_id=experiment(api, request.owner, request.pipeline),
        parameters=request.parameters,
        description=started(by=request.by),
    )


def experiment(api: KfpApi, owner: Owner, pipeline: str) -> str:
    """The id of the experiment of a pipeline's runs; made where no schedule has made it yet."""
    name = experiment_name(pipeline, owner.environment)
    found = api.experiment(name) or api.create_experiment(
        name, ownership.describe(owner, f"Runs of {pipeline}.")
    )
    return found.id


def started(**facts: str) -> str:
    """The description of a run that a person starts: KFP keeps no name of whoever made a run."""
    words = {name: "-".join(charset.without(text).split())[:_FACT] for name, text in facts.items()}
    line = " ".join(f"{name}={word}" for name, word in words.items() if word)
    return f"kfp-gitops {line}" if line else ""


_FACT = 60
"""The most characters of one: KFP keeps 255 of a run's description."""
