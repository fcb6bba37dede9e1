"""Many pipelines made from few templates, in this repository's layout; and the same as makejinja and helm take them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import generator
from .generator import IMAGE, Shape

TEMPLATES = 20


@dataclass(frozen=True)
class Instance:
    """One pipeline: values of its own, and a template that it shares with others."""

    number: int

    @property
    def shape(self) -> Shape:
        """What its template is, and how all of its kind look."""
        return Shape(self.number % TEMPLATES)

    @property
    def template(self) -> str:
        """The name of its template."""
        return f"shape-{self.shape.number:02}"

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return f"pipeline-{self.number:04}"

    @property
    def values(self) -> dict[str, Any]:
        """Its values, with a schedule."""
        return Shape(self.number).values


def repository(root: Path, pipelines: int) -> list[Instance]:
    """Write the repository: one environment (dev), which follows the sources."""
    instances = [Instance(number) for number in range(pipelines)]
    generator.repository(root, 0)
    for shape in _shapes(instances):
        folder = root / "templates/pipelines" / shape.template
        generator.write(folder / "pipeline.yaml.j2", generator.template(shape.shape))
        generator.write(folder / "values.schema.json", generator.VALUES_SCHEMA)
    generator.write(root / "environments/dev/values.yaml", values(instances))
    return instances


def values(instances: list[Instance]) -> str:
    """environments/dev/values.yaml."""
    entries = ({one.name: {"template": one.template, "values": one.values}} for one in instances)
    return "follows: sources\npipelines:\n" + "".join(generator.dump(entry, 2) for entry in entries)


def for_makejinja(root: Path, instances: list[Instance]) -> None:
    """A file for each pipeline, for it makes one of each: of a line, and of the template, which Jinja keeps compiled.

    The component specs are there once, as plain copies; it checks nothing, and makes no delivery.
    """
    folder = root / "templates"
    for shape in _shapes(instances):
        generator.write(folder / f"shapes/{shape.template}.yaml", generator.template(shape.shape))
    for one in instances:
        text = f'{{% set pipeline = "{one.name}" %}}{{% set values = pipelines[pipeline]["values"] %}}\n'
        text += f'{{% include "shapes/{one.template}.yaml" %}}\n'
        generator.write(folder / f"pipelines/{one.name}/pipeline.yaml.j2", text)
    for name, text in generator.component_specs(IMAGE).items():
        generator.write(folder / f"components/{name}.yaml", text)
    generator.write(root / "data/values.yaml", values(instances))


def for_helm(root: Path, instances: list[Instance]) -> None:
    """One chart that renders all of them, and puts the component specs beside, to its standard output.

    It checks the values against the same schema, as it does by itself, and the result against none.
    """
    generator.write(root / "Chart.yaml", "apiVersion: v2\nname: pipelines\nversion: 0.1.0\n")
    generator.write(root / "values.yaml", values(instances))
    generator.write(root / "values.schema.json", _of_chart())
    for shape in _shapes(instances):
        generator.write(root / f"templates/_{shape.template}.tpl", _in_go(shape))
    generator.write(root / "templates/pipelines.yaml", _ALL)
    for name, text in generator.component_specs(IMAGE).items():
        generator.write(root / f"components/{name}.yaml", text)


def _of_chart() -> str:
    """The schema of a chart's values: of each pipeline's values the one that ours has."""
    values = {"properties": {"values": json.loads(generator.VALUES_SCHEMA)}}
    return json.dumps({"properties": {"pipelines": {"additionalProperties": values}}})


def _in_go(one: Instance) -> str:
    """A template as Go's text/template has it: what is `{{ values.x | tojson }}` in Jinja."""
    _, _, text = generator.template(one.shape).partition("{%- endmacro %}\n")
    text = text.replace("retry()", 'include "retry" .').replace("{{ pipeline }}", "{{ .pipeline }}")
    text = text.replace("{{ values.", "{{ .values.").replace("tojson", "toJson")
    return f'{{{{- define "{one.template}" }}}}\n{text}{{{{- end }}}}\n'


def _shapes(instances: list[Instance]) -> list[Instance]:
    return list({one.template: one for one in reversed(instances)}.values())


_ALL = """\
{{- define "retry" -}}
{count: {{ .values.retries }}, backoff: 30s, factor: 2}
{{- end -}}
{{- range $name, $pipeline := .Values.pipelines }}
---
{{ include $pipeline.template (dict "pipeline" $name "values" $pipeline.values) }}
{{- end }}
{{- range $path, $text := .Files.Glob "components/*.yaml" }}
---
{{ toString $text }}
{{- end }}
"""
