"""A repository of many distinct five-task pipelines, in this repository's own layout; and what peers take of it."""

from __future__ import annotations

import shutil
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import compiler, dsl
from kfp_gitops.base import yamldump
from kfp_gitops.language.manifest import API_VERSION
from kfp_gitops.sources.release import FILE_VERSION

from .house import ROOT
from .steps import STEPS

VARIANTS = 4  # of each step, so that there are 20 components and each pipeline uses five of them
IMAGE = f"registry.example.com/steps@sha256:{'1' * 64}"
RECONCILER = f"registry.example.com/reconciler@sha256:{'2' * 64}"


@dataclass(frozen=True)
class Shape:
    """What makes the pipeline with a number another than the rest."""

    number: int

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return f"pipeline-{self.number:04}"

    def component(self, step: str) -> str:
        """The variant of a step's component that this pipeline uses."""
        place = [function.__name__ for function in STEPS].index(step)
        return f"{step}_{self.number // VARIANTS**place % VARIANTS}"

    @property
    def values(self) -> dict[str, Any]:
        """Its values in the environment."""
        number = self.number
        return {
            "owner": f"team-{number % 12}",
            "source": f"s3://usage/{number}/*.csv",
            "rows": 1000 + number,
            "threshold": round(number % 90 / 100 + 0.05, 2),
            "horizon": number % 48 + 1,
            "retries": number % 5 + 1,
            "labels": {"cost-centre": str(number % 31), "tier": "gold"},
            "resources": {"cpu": f"{number % 4 + 1}00m", "memory": f"{number % 8 + 1}Gi"},
            "schedule": {"cron": f"0 {number % 60} 3 * * *", "enabled": False},
        }

    @property
    def description(self) -> str:
        """What the pipeline is for."""
        return f"Loads, cleans, fits and judges usage data; the pipeline with the number {self.number}."

    def task(self, step: str) -> str:
        """The id of the task that runs a step."""
        return f"{step}-{self.number % 97}"


def repository(root: Path, pipelines: int) -> list[Shape]:
    """Write the repository: one environment (dev), which follows the sources."""
    shapes = [Shape(number) for number in range(pipelines)]
    for name, text in component_specs().items():
        write(root / f"components/{name}/component.yaml", text)
    for shape in shapes:
        folder = root / "templates/pipelines" / shape.name
        write(folder / "pipeline.yaml.j2", template(shape))
        write(folder / "values.schema.json", VALUES_SCHEMA)
    shutil.copytree(ROOT / "templates/delivery", root / "templates/delivery")
    write(root / "environments/base.yaml", _base())
    write(root / "environments/dev/release.yaml", _RELEASE)
    write(root / "environments/dev/values.yaml", values(shapes))
    return shapes


def enable(root: Path) -> None:
    """Turn all schedules on."""
    values = root / "environments/dev/values.yaml"
    values.write_text(values.read_text("utf-8").replace("enabled: false", "enabled: true"), "utf-8")


def for_makejinja(root: Path, shapes: list[Shape]) -> None:
    """The same templates, values and component specs as makejinja takes them: templates/ and data/values.yaml.

    The specs are plain copies for it, and it makes no delivery: it does less than `render.py`.
    """
    specs = component_specs(IMAGE)
    for shape in shapes:
        folder = root / "templates/pipelines" / shape.name
        head = f'{{% set pipeline = "{shape.name}" %}}{{% set values = pipelines[pipeline]["values"] %}}\n'
        write(folder / "pipeline.yaml.j2", head + template(shape))
        for step in STEPS:
            name = shape.component(step.__name__)
            write(folder / f"components/{name}.yaml", specs[name])
    write(root / "data/values.yaml", values(shapes))


def component_specs(image: str = "steps") -> dict[str, str]:
    """Name → Component YAML spec, as the SDK compiles it."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for function in STEPS:
            path = str(Path(folder) / "component.yaml")
            component = dsl.component(function, base_image=image, install_kfp_package=False)
            compiler.Compiler().compile(component, path)
            text = Path(path).read_text("utf-8")
            for variant in range(VARIANTS):
                name = f"{function.__name__}_{variant}"
                found[name] = _renamed(text, function.__name__, name)
    return found


def _renamed(text: str, old: str, new: str) -> str:
    """A component is known to the SDK by its pipelineInfo's name, its executor's and its component's label."""
    for prefix in ("comp-", "exec-", "name: "):
        text = text.replace(f"{prefix}{old}\n", f"{prefix}{new.replace('_', '-')}\n")
        text = text.replace(f"{prefix}{old}:\n", f"{prefix}{new.replace('_', '-')}:\n")
    return text


def template(shape: Shape) -> str:
    """The template of one pipeline."""
    text = _TEMPLATE
    for step in (function.__name__ for function in STEPS):
        text = text.replace(f"<{step}>", shape.task(step)).replace(f"<{step}_>", shape.component(step))
    return text.replace("<number>", str(shape.number)).replace("<description>", shape.description)


def values(shapes: list[Shape]) -> str:
    """environments/dev/values.yaml."""
    return "follows: sources\npipelines:\n" + "".join(_values(shape) for shape in shapes)


def _values(shape: Shape) -> str:
    return dump({shape.name: {"values": shape.values}}, 2)


def dump(value: Any, indentation: int) -> str:
    """Block YAML, as people write values."""
    return textwrap.indent(yamldump.dump(value), " " * indentation)


def _base() -> str:
    lines = (ROOT / "tests/shipped/environments/base.yaml").read_text("utf-8").splitlines(keepends=True)
    return "".join(lines[: lines.index("pipelines:\n")])


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


_RELEASE = f"""\
apiVersion: {FILE_VERSION}
kind: Release
images:
  steps: {IMAGE}
  reconciler: {RECONCILER}
"""

VALUES_SCHEMA = """\
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["owner", "source", "rows", "threshold", "horizon", "retries", "labels", "resources", "schedule"],
  "properties": {
    "owner": { "type": "string", "minLength": 1 },
    "source": { "type": "string", "minLength": 1 },
    "rows": { "type": "integer", "minimum": 1 },
    "threshold": { "type": "number", "minimum": 0, "maximum": 1 },
    "horizon": { "type": "integer", "minimum": 1, "maximum": 168 },
    "retries": { "type": "integer", "minimum": 0, "maximum": 10 },
    "labels": { "type": "object", "additionalProperties": { "type": "string" } },
    "resources": {
      "type": "object",
      "additionalProperties": false,
      "required": ["cpu", "memory"],
      "properties": { "cpu": { "type": "string" }, "memory": { "type": "string" } }
    },
    "schedule": {
      "type": "object",
      "additionalProperties": false,
      "required": ["cron", "enabled"],
      "properties": { "cron": { "type": "string" }, "enabled": { "type": "boolean" } }
    }
  }
}
"""

_TEMPLATE = f"""\
{{% macro retry() -%}}
{{count: {{{{ values.retries }}}}, backoff: 30s, factor: 2}}
{{%- endmacro %}}
apiVersion: {API_VERSION}
kind: PipelineManifest
metadata:
  name: {{{{ pipeline }}}}
  description: <description>
  owner: {{{{ values.owner | tojson }}}}
spec:
  parameters:
    source:
      type: str
      default: {{{{ values.source | tojson }}}}
    rows:
      type: int
      default: {{{{ values.rows }}}}
    threshold:
      type: float
      default: {{{{ values.threshold }}}}
    labels:
      type: dict
      default: {{{{ values.labels | tojson }}}}
  tasks:
    <load>:
      component: <load_>
      arguments:
        source: {{param: source}}
        rows: {{param: rows}}
      cache: false
      retry: {{{{ retry() }}}}
    <clean>:
      component: <clean_>
      arguments:
        table: {{task: <load>, output: table}}
        threshold: {{param: threshold}}
      retry: {{{{ retry() }}}}
    <fit>:
      component: <fit_>
      arguments:
        cleaned: {{task: <clean>, output: cleaned}}
        horizon: {{{{ values.horizon }}}}
      retry: {{{{ retry() }}}}
      resources:
        cpu: {{request: {{{{ values.resources.cpu }}}}, limit: '2'}}
        memory: {{request: {{{{ values.resources.memory }}}}, limit: 16Gi}}
    <judge>:
      component: <judge_>
      arguments:
        model: {{task: <fit>, output: model}}
        cleaned: {{task: <clean>, output: cleaned}}
        threshold: {{param: threshold}}
    <publish>:
      component: <publish_>
      arguments:
        model: {{task: <fit>, output: model}}
        accepted: {{task: <judge>, output: accepted}}
        owner: {{{{ values.owner | tojson }}}}
        labels: {{param: labels}}
      env:
        PIPELINE_NUMBER: '<number>'
schedules:
- name: daily
  cron: {{{{ values.schedule.cron | tojson }}}}
  enabled: {{{{ values.schedule.enabled | tojson }}}}
  maxConcurrency: 1
  catchup: false
"""
