"""What a new pipeline or component begins with: texts for files, made from a name and the components it uses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kfp_gitops.base.errors import InputError, UsageError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.base.yamltext import parse
from kfp_gitops.sources import newtests
from kfp_gitops.sources.components import Component, Port

_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_EXAMPLES: Mapping[str, object] = {
    "str": "change-me",
    "int": 1,
    "float": 0.5,
    "bool": False,
    "list": [],
    "dict": {},
}
JSON_TYPES: Mapping[str, str] = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}

_COMPONENT = '''"""The step `{name}`: plain Python, compiled to component.yaml by `make components`."""

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Output


@dsl.component(base_image="{image}", install_kfp_package=False)
def {name}(
    text: str,
    lines: Output[Dataset],
    repeat: int = 2,
) -> NamedTuple("Outputs", [("count", int)]):
    """Write a text several times. Say here in a sentence what the step does.

    Args:
        text: What is written.
        repeat: How often.

    Returns:
        lines: The text, once a line.
        count: The number of lines.
    """
    # The step runs alone: import inside it what it needs, from its image.
    from pathlib import Path

    Path(lines.path).write_text(f"{{text}}\\n" * repeat, encoding="utf-8")
    return (repeat,)
'''


@dataclass(frozen=True)
class Scaffold:
    """New files by path, and the lines that an environment's values get."""

    files: Mapping[str, str]
    values: Mapping[str, object]


def component(name: str, image: str) -> dict[str, str]:
    """The files of a new Python component."""
    fields = {"name": name, "image": image}
    return {
        f"components/{name}/component.py": _COMPONENT.format(**fields),
        f"tests/components/test_{name}.py": newtests.of_component(name),
    }


def pipeline(
    name: str, owner: str, env: str, used: Sequence[Component], known: Mapping[str, object]
) -> Scaffold:
    """The files of a new pipeline that runs components one after the other.

    What a component needs comes from those before it when the kind of artifact agrees; other artifacts are imported,
    and parameters become parameters of the pipeline. `known` has values for some of them.

    Raises:
        UsageError: a component that nothing can be given to.
    """
    parameters = {port.name: port for each in used for port in _needed(each) if port.type}
    values = {port: known.get(port, _EXAMPLES[str(parameters[port].type)]) for port in parameters}
    folder = f"templates/pipelines/{name}"
    function = name.replace("-", "_")
    files = {
        f"{folder}/pipeline.yaml.j2": _template(name, used, parameters),
        f"{folder}/values.schema.json": _values_schema(name, parameters),
        f"tests/pipelines/test_{function}.py": newtests.of_pipeline(name, env),
    }
    return Scaffold(files, {"owner": owner, **values})


_RESOURCES = (
    "      resources:",
    "        cpu: {request: 250m, limit: '1'}",
    "        memory: {request: 512Mi, limit: 1Gi}",
)


def _needed(each: Component) -> list[Port]:
    return [port for port in each.inputs.values() if not port.optional and not port.final_status]


def _template(name: str, used: Sequence[Component], parameters: Mapping[str, Port]) -> str:
    head = (
        "apiVersion: kfp-gitops/v1\nkind: PipelineManifest\nmetadata:\n  name: {{ pipeline }}\n"
        f"  description: Say in a sentence what {name} is for.\n  owner: {{{{ values.owner | tojson }}}}\nspec:\n"
    )
    lines = ["  parameters:"] if parameters else []
    for port in parameters.values():
        lines += [f"    {port.name}: {{type: {port.type}, default: {{{{ values.{port.name} | tojson }}}}}}"]
    return head + "\n".join([*lines, "  tasks:", *_tasks(used)]) + "\n"


def _tasks(used: Sequence[Component]) -> list[str]:
    lines: list[str] = []
    made: dict[str, str] = {}
    for each in used:
        task = each.name.replace("_", "-")
        arguments = []
        for port in _needed(each):
            if port.type is None and port.artifact not in made:
                lines += _importer(port)
                made[str(port.artifact)] = f"{{task: import-{port.name.replace('_', '-')}, output: artifact}}"
            given = f"{{param: {port.name}}}" if port.type else made[str(port.artifact)]
            arguments.append(f"        {port.name}: {given}")
        lines += [f"    {task}:", f"      component: {each.name}", *_RESOURCES]
        lines += ["      arguments:", *arguments] if arguments else []
        if all(port.type for port in _needed(each)):
            # Nothing but constants: from the second run on KFP's cache would answer it, and all that follows from it.
            lines += ["      cache: false  # what it reads may have changed"]
        for output in each.outputs.values():
            if output.artifact:
                made[output.artifact] = f"{{task: {task}, output: {output.name}}}"
    return lines


def _importer(port: Port) -> list[str]:
    kind = str(port.artifact).removeprefix("system.")
    return [
        f"    import-{port.name.replace('_', '-')}:",
        "      importer:",
        f"        uri: s3://change-me/{port.name}",
        f"        type: {kind}",
        "        reimport: true  # what lies there may have changed",
    ]


def _values_schema(name: str, parameters: Mapping[str, Port]) -> str:
    properties: dict[str, object] = {"owner": {"type": "string", "minLength": 1}}
    properties |= {port.name: {"type": JSON_TYPES[str(port.type)]} for port in parameters.values()}
    schema = {
        "$schema": _SCHEMA,
        "title": f"Values of the pipeline {name}",
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def with_pipeline(text: str, path: str, name: str, said: Mapping[str, object]) -> str:
    """A file of values with one more pipeline, of which `said` stands there; comments and all else stay as they are.

    Raises:
        InputError: `pipelines:` is not written in lines of its own.
    """
    document = parse(text, path)
    value = document.value or {}  # a team's file may be all comments
    lines = text.splitlines()
    entry = [f"  {line}" for line in dump({name: dict(said)}).splitlines()]
    if "pipelines" not in value:
        changed = [*lines, "pipelines:", *entry]
    else:
        end = _end_of_pipelines(document.keys_at, len(lines))
        changed = [*lines[:end], *entry, *lines[end:]]
    result = "\n".join(changed) + "\n"
    wanted = {**value, "pipelines": {**(value.get("pipelines") or {}), name: dict(said)}}
    if _parsed(result, path) != wanted:
        todo = "write `pipelines:` in block style: a name a line, indented by two"
        raise InputError(
            [document.problem(("pipelines",), "a pipeline cannot be added here", todo, key=True)]
        )
    return result


def _end_of_pipelines(keys_at: Mapping[tuple[str | int, ...], tuple[int, int]], count: int) -> int:
    """The number of lines up to the end of the block `pipelines:`."""
    start = keys_at[("pipelines",)][0]
    later = [line for at, (line, _) in keys_at.items() if len(at) == 1 and line > start]
    return min(later) - 1 if later else count


def _parsed(text: str, path: str) -> object:
    try:
        return parse(text, path).value
    except InputError:
        return None


def unknown(what: str, name: str, known: Sequence[str]) -> UsageError:
    """A name that is not there."""
    begin = "; python scripts/new.py team NAME begins one" if what == "team" else ""
    return UsageError(f"no {what} {name!r}; there are: {', '.join(known) or 'none'}{begin}")
