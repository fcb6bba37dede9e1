"""A compiled file that stays in one piece beside its template: its parameters' defaults and schedules are values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from kfp_gitops.base.errors import InputError, Problem
from kfp_gitops.importing import images, proof, texts
from kfp_gitops.importing.constants import of_type
from kfp_gitops.importing.proof import TEMPLATE, Proof, RefusedError
from kfp_gitops.importing.result import Imported
from kfp_gitops.importing.said import Asked, accepting
from kfp_gitops.importing.settable import Settable, with_defaults
from kfp_gitops.importing.source import Source
from kfp_gitops.language import faults
from kfp_gitops.sources.brought import Brought
from kfp_gitops.sources.components import IR_TYPES

_LONGEST = 63
_LONGEST_FILE = 58
_LONGEST_TEXT = 1000
_DISPLAYED = 128


def whole(file: Brought, text: str, asked: Asked, why: Sequence[Problem], ir: str = "") -> Imported:
    """The import of a file as it is, by the name `ir` where it shall have one; `why` no manifest says it.

    Raises:
        InputError: rendering or the SDK refuses the file itself.
    """
    source = Source(file)
    name = _name(source)
    ir = ir or f"{name[:_LONGEST_FILE] if name != 'pipeline' else 'compiled'}.yaml"
    worth = Settable(with_defaults(dict(_parameters(file))))
    values = worth.values(asked.owner, asked.schedules)
    manifest = accepting(_manifest(source, ir, worth, asked.owner), tuple(faults.KINDS))
    files = {TEMPLATE: texts.template(manifest), ir: text}
    found = _proved(source, proof.rendered(name, files, values, {}, asked.env))
    files |= {TEMPLATE: texts.template(accepting(manifest, found.kinds))}
    schema = {"values.schema.json": worth.schema(name)}
    loose = tuple(images.loose(file.values))
    said = (found.digest, found.told, {ir: why}, True)
    return Imported(name, {**files, **schema}, {}, values, loose, *said, accepted=found.kinds)


def _proved(source: Source, rendered: Any) -> Proof:
    try:
        return proof.proved(source, rendered)
    except RefusedError as error:
        raise InputError([fault.problem for fault in error.args]) from None
    except InputError as error:
        raise InputError([_in_file(source, problem) for problem in error.problems]) from None


def _in_file(source: Source, problem: Problem) -> Problem:
    """Of the file itself at its line; of the manifest, which stands nowhere, at its beginning."""
    if problem.path == TEMPLATE or problem.path.endswith("/pipeline.yaml"):
        return source.brought.spec.problem((), problem.what, problem.todo)
    return Problem(source.path, problem.line, problem.column, problem.what, problem.todo)


def _name(source: Source) -> str:
    """The name of the pipeline here, which is at most 63 letters long; in the file it keeps its own."""
    found: str = source.spec["pipelineInfo"]["name"]
    return re.sub(r"-+\Z", "", found[:_LONGEST])


def _parameters(file: Brought) -> Any:
    """As a manifest would declare them."""
    for name, one in file.declared.items():
        kind = one["parameterType"]
        found: dict[str, Any] = {"type": IR_TYPES[kind]}
        found |= {"default": of_type(one["defaultValue"], kind)} if "defaultValue" in one else {}
        found |= {"description": one["description"]} if one.get("description") else {}
        found |= (
            {"literals": [of_type(value, kind) for value in one["literals"]]} if one.get("literals") else {}
        )
        yield name, found


def _manifest(source: Source, ir: str, worth: Settable, owner: str) -> dict[str, Any]:
    info = source.spec["pipelineInfo"]
    metadata = {
        "name": info["name"],
        "description": info.get("description", "")[:_LONGEST_TEXT],
        "owner": owner,
    }
    if shown := info.get("displayName"):
        metadata["displayName"] = shown[:_DISPLAYED]
    defaults = {name: {"default": one["default"]} for name, one in worth.parameters.items()}
    return {
        "apiVersion": "kfp-gitops/v1",
        "kind": "PipelineManifest",
        "metadata": metadata,
        "spec": {"ir": ir, **({"parameters": defaults} if defaults else {})},
    }
