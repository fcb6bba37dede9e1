"""The lint of a whole IR, and its findings as problems of the file that it was read from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kfp_gitops.base import charset, schema
from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document
from kfp_gitops.language.irlint import (
    argo,
    claims,
    cluster,
    containers,
    dag,
    executors,
    exits,
    facts,
    importers,
    kept,
    optionals,
    texts,
)
from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.view import Ir, Node

# backend/src/apiserver/template/v2_template.go: what the server says to other names and versions is «400».
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")
_SCHEMA_VERSION = "2.1.0"


def findings(documents: Sequence[Node], *, nested: bool = False) -> list[Finding]:
    """Everything wrong in one or two documents whose structure is that of `schemas/ir.schema.json`.

    `nested`: it is what a task of another pipeline runs, where alone it shows whether optional inputs are given.
    """
    ir = Ir(documents[0])
    found = [*_identity(ir), *dag.recursion(ir), *dag.too_much(ir)]
    for component in ir.all():
        found += dag.findings(ir, component)
    for check in (executors, containers, claims, importers, cluster, exits, facts):
        found += check.findings(ir)
    found += [] if nested else optionals.findings(ir)
    for document in documents[1:]:
        found += [*executors.platform(ir, document), *cluster.platform(document)]
    found += [*argo.findings(documents), *kept.findings(documents)]
    return found


def unread_defaults(spec: Node, defaults: Mapping[str, Any]) -> Iterator[tuple[str, Finding]]:
    """Of parameters with other defaults than the IR declares, those with a URI that no importer of it reads."""
    declared = Ir(spec).root.declared("inputs", "parameters")
    given = {name: {**declared[name], "defaultValue": defaults[name]} for name in declared.keys() & defaults}
    root = {**spec.get("root", {}), "inputDefinitions": {"parameters": given}}
    for found in cluster.importers(Ir({**spec, "root": root})):
        if found.at[:3] == ("root", "inputDefinitions", "parameters"):
            yield str(found.at[3]), found


def _identity(ir: Ir) -> Iterator[Finding]:
    name = ir.spec.get("pipelineInfo", {}).get("name", "")
    if not _NAME.fullmatch(name):
        todo = "write 1 to 128 lower-case letters, digits and -, not - first"
        yield Finding(0, ("pipelineInfo", "name"), f"the pipeline's name is {name!r}", todo)
    if ir.spec.get("schemaVersion") != _SCHEMA_VERSION:
        what = f"schemaVersion is {ir.spec.get('schemaVersion')!r}"
        yield Finding(0, ("schemaVersion",), what, f"compile with a kfp that writes {_SCHEMA_VERSION}")


def unknown_settings(documents: Sequence[Document]) -> list[Problem]:
    """What an IR whose structure is right sets for its executors, and KFP 2.17 does not know: a later one may."""
    found: list[Problem] = []
    for name, document in zip(("ir-containers", "ir-kubernetes"), documents, strict=False):
        found += schema.problems(schema.named(name), document)
    return found


def problems(documents: Sequence[Document], *, nested: bool = False) -> list[Problem]:
    """What is wrong in an IR file: in its structure, or if that is right in its references; `nested` as `findings`."""
    first, *rest = documents
    found = [*schema.problems(schema.named("ir"), first)]
    for document in rest:
        found += schema.problems(schema.named("ir-platform"), document)
    found += [problem for one in documents for problem in charset.problems(one, one.value)]
    if found:
        return found
    values: list[Any] = [document.value for document in documents]
    return [*texts.problems(first), *_told(documents, findings(values, nested=nested))]


def texts_for_argo(documents: Sequence[Document]) -> list[Problem]:
    """The texts of an IR file whose structure is right that Argo would not leave as they are."""
    return _told(documents, argo.findings([document.value for document in documents]))


def _told(documents: Sequence[Document], found: Iterable[Finding]) -> list[Problem]:
    return [
        documents[finding.document].problem(
            finding.at, finding.what, finding.todo, key=True, fault=finding.fault
        )
        for finding in found
    ]
