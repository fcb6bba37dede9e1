"""A JSON Schema as a page for people: a table for each kind of map, then KFP's constructs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.language.faults import KINDS
from kfp_gitops.language.reference.constructs import CONSTRUCTS, LEFT_OUT

_HEAD = """\
<!-- Generated from pipeline-manifest.schema.json by `python scripts/reference.py`; edit the schema, not this. -->

# The pipeline manifest

What a template in `templates/pipelines/<name>/pipeline.yaml.j2` renders to. Editors complete and explain it from the
JSON Schema when the template's first line is

    # yaml-language-server: $schema=../../../scripts/kfp_gitops/language/schemas/pipeline-manifest.schema.json

References are maps, never expressions in texts: `{param: folds}`, `{task: train, output: model}`. What is wrong is
told with its line, all at once, by `python scripts/render.py --env dev`; what is allowed but known to fail on a KFP
backend is warned of there. Older versions of the language: [manifest-migration.md](manifest-migration.md).

YAML readers disagree about texts without quotes: `007`, `0x1F`, `1_000`, `2026-01-01` and `yes` are texts to some, and
numbers, times and true to KFP (Go's yaml.v3), to kubectl and Argo CD, or to the SDK. Here and in values such a text
stands in quotes, or is refused with its line; what is rendered is in quotes wherever any of them needs them.

Put a text of the values into the template by `{{ values.note | tojson }}`, without quotes around it. A text that YAML
would cut or read as something else where it is put (`abc #def`, `1e3`, `yes`, `a: b`, `it's` between quotes) is refused
with the template's line. `{{ values.schedule.cron | hours_apart }}` is the longest wait between two firings of a cron,
in hours: what a task must know that is to say when the next run is due.

A pipeline inside another one is a template of its own in the same folder, `<inner>.pipeline.yaml.j2`, and a task says
`pipeline: <inner>`. It is rendered with the same values, and belongs to the release of the pipeline around it: to its
digest, its promotion and its pinned copy, so it never changes under it. A pipeline that two others need is a file in
each of the two folders.
"""
# The kinds of maps in the order of the page: definition in the schema → heading.
_SECTIONS: Mapping[str, str] = {
    "metadata": "metadata",
    "spec": "spec",
    "irSpec": "spec, when the pipeline is compiled already",
    "parameter": "spec.parameters.NAME",
    "artifact": "spec.artifacts.NAME",
    "result": "spec.outputs.NAME, when it is no reference",
    "workspace": "spec.workspace",
    "config": "spec.config",
    "task": "A task",
    "nested": "A task that is a pipeline",
    "importer": "A task that imports an artifact",
    "createPvc": "A task that makes a volume claim",
    "deletePvc": "A task that removes a volume claim",
    "condition": "A condition",
    "comparison": "if",
    "choice": "outputs.NAME of a condition",
    "loop": "A loop",
    "guarded": "An exit handler",
    "mapping": "References",
    "retry": "retry",
    "resources": "resources",
    "envSource": "env.NAME, when it is no text",
    "volume": "volumes.PATH",
    "placement": "placement",
    "entry": "importer.metadata, one item of a list",
    "toleration": "placement.tolerations, one item",
    "affinityTerm": "placement.nodeAffinity, one item",
    "labelMatch": "matchExpressions and matchFields, one item",
    "pod": "pod",
    "image": "image",
    "securityContext": "securityContext",
    "schedule": "schedules, one item",
    "trigger": "triggers, one item",
    "runOn": "runOn of a trigger, other than change",
    "causeFact": "References in parameters of a trigger after a run or on data",
    "onlyWithin": "onlyWithin of a trigger",
    "slo": "slo",
}


def page(schema: Mapping[str, Any]) -> str:
    """The whole page, in Markdown."""
    parts = [_HEAD, _section("The document", schema, schema)]
    parts += [_section(title, schema["$defs"][name], schema) for name, title in _SECTIONS.items()]
    parts += [_faults(), _constructs(), _left_out()]
    return "\n".join(parts)


def _section(title: str, part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    rows = [_row(*found, schema) for found in _keys(part, schema, "")]
    text = part.get("description")
    lead = [f"{text[0].upper()}{text[1:]}.", ""] if text else []
    return "\n".join([f"## {title}", "", *lead, "| key | | example |", "|---|---|---|", *rows, ""])


def _keys(
    part: Mapping[str, Any], schema: Mapping[str, Any], above: str
) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """(name, its schema, whether it must be there) of every key, those of maps inside it, too."""
    for variant in (part, *part.get("dependentSchemas", {}).values(), part.get("else", {})):
        if "$ref" in variant:
            continue
        for key, inner in variant.get("properties", {}).items():
            yield f"{above}{key}", inner, key in variant.get("required", [])
            if "properties" in inner or "dependentSchemas" in inner:
                yield from _keys(inner, schema, f"{above}{key}.")


def _row(name: str, part: Mapping[str, Any], needed: bool, schema: Mapping[str, Any]) -> str:
    found = _resolved(part, schema)
    text = found.get("description", "")
    options = found.get("enum") or ([found["const"]] if "const" in found else [])
    said = "; ".join(
        filter(None, [text, "one of " + ", ".join(map(_code, options)) if len(options) > 1 else ""])
    )
    examples = " ".join(_code(example) for example in found.get("examples", options[:1]))
    return f"| `{name}`{' (needed)' if needed else ''} | {_cell(said)} | {_cell(examples)} |"


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """With what it refers to, where it does not say it itself."""
    if "$ref" not in part:
        return part
    referred = _resolved(schema["$defs"][part["$ref"].removeprefix("#/$defs/")], schema)
    return {**referred, **part}


def _code(value: Any) -> str:
    return f"`{value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _faults() -> str:
    rows = [f"| `{kind}` | {_cell(what)} |" for kind, what in KINDS.items()]
    lead = (
        "KFP registers a pipeline with any of these, and some of its runs work. `spec.acceptedFaults` of the outermost "
        "manifest names the kinds with which it is compiled all the same ([how](migrate.md#faults-that-kfp-registers))."
    )
    return "\n".join(["## Accepted faults", "", lead, "", "| kind | what |", "|---|---|", *rows, ""])


def _constructs() -> str:
    rows = [
        f"| {_cell(kfp)} | {_cell(form)} | [{test}](../tests/dsl/{test}) |" for kfp, form, test in CONSTRUCTS
    ]
    lead = (
        "Each test holds a pipeline written by hand in the DSL, and a manifest that compiles to the same IR."
    )
    head = "| KFP construct | manifest form | test |"
    return "\n".join(
        ["## KFP construct → manifest form → test", "", lead, "", head, "|---|---|---|", *rows, ""]
    )


def _left_out() -> str:
    rows = [f"| {_cell(what)} | {_cell(why)} |" for what, why in LEFT_OUT]
    lead = (
        "All 22 functions of kfp-kubernetes 2.17 are in the table above. Of kfp and kfp-kubernetes not there:"
    )
    return "\n".join(["## Left out", "", lead, "", "| what | why |", "|---|---|", *rows, ""])
