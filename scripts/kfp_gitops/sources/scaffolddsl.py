"""What a new pipeline in KFP's DSL begins with: pipeline.py, the template that names what it compiles to, a test."""

from __future__ import annotations

import json
import keyword
from collections.abc import Mapping

from kfp_gitops.sources import compiledfrom, newtests
from kfp_gitops.sources.scaffold import Scaffold

_PYTHON = '''"""The pipeline `{name}` in KFP's DSL; `make components` compiles it to compiled.yaml."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

IMAGE = "{image}"  # a name of release.yaml


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def write_lines(text: str, lines: Output[Dataset], repeat: int = 2) -> None:
    """Write a text several times. Say here in a sentence what the step does.

    Args:
        text: What is written.
        repeat: How often.

    Returns:
        lines: The text, once a line.
    """
    # A step runs alone: import inside it what it needs, from its image.
    from pathlib import Path

    Path(lines.path).write_text(f"{{text}}\\n" * repeat, encoding="utf-8")


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def count_lines(lines: Input[Dataset]) -> int:
    """Count the lines of a text.

    Args:
        lines: The text.
    """
    from pathlib import Path

    return len(Path(lines.path).read_text(encoding="utf-8").splitlines())


@dsl.pipeline(
    name="{name}",
    description="Say in a sentence what it is for.",
)
def {function}(text: str, repeat: int = 2) -> None:
    """Write a text and count its lines."""
    written = write_lines(text=text, repeat=repeat)
    counted = count_lines(lines=written.outputs["lines"])
    for task in (written, counted):
        task.set_cpu_request("250m").set_cpu_limit("1")
        task.set_memory_request("512Mi").set_memory_limit("1Gi")
'''

_TEMPLATE = """# The tasks stand in pipeline.py beside this file; `make components` compiles them to compiled.yaml.
# Here stand this environment's defaults of the pipeline's parameters, its schedules, and who owns it.
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata:
  name: {{ pipeline }}
  description: Say in a sentence what NAME is for.
  owner: {{ values.owner | tojson }}
spec:
  ir: compiled.yaml
  parameters:
    text: {default: {{ values.text | tojson }}}
"""


def pipeline(name: str, owner: str, env: str, image: str) -> Scaffold:
    """The files of a new pipeline whose tasks are written in the DSL, but for what it compiles to."""
    folder = compiledfrom.pipeline(name).folder
    function = function_name(name)
    files = {
        f"{folder}/{compiledfrom.PIPELINE_SOURCE}": _PYTHON.format(name=name, function=function, image=image),
        f"{folder}/pipeline.yaml.j2": _TEMPLATE.replace("NAME", name),
        f"{folder}/values.schema.json": _schema(name),
        f"tests/pipelines/test_{name.replace('-', '_')}.py": newtests.of_pipeline(name, env),
    }
    return Scaffold(files, {"owner": owner, "text": "change-me"})


def function_name(name: str) -> str:
    """A function's for a pipeline's."""
    found = name.replace("-", "_")
    return found if found.isidentifier() and not keyword.iskeyword(found) else "pipeline"


def _schema(name: str) -> str:
    properties: Mapping[str, object] = {
        "owner": {"type": "string", "minLength": 1},
        "text": {"type": "string"},
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Values of the pipeline {name}",
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }
    return json.dumps(schema, indent=2) + "\n"
