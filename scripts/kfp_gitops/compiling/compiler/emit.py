"""A DSL pipeline as IR: the documents that the SDK would write, as data and as text.

Not by `Compiler().compile`: it puts a comment on top, with defaults in the order of a hash table, so other bytes in
each process, and not escaped, so that a default of two lines is no comment any more. And it writes YAML in Python,
which takes most of the time of a compilation.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.compiling.compiler.sdk import (
    compiler,
    json_format,
    pipeline_spec_pb2,
    structures,
    yaml_component,
)


def documents(pipeline: Any) -> list[dict[str, Any]]:
    """The IR of a DSL pipeline: its specification, and one for the platform where it asks something of that."""
    spec = json_format.MessageToDict(pipeline.pipeline_spec)
    if _is_checked_when_written(spec):
        with tempfile.TemporaryDirectory() as folder:
            compiler.Compiler().compile(pipeline, str(Path(folder) / "pipeline.yaml"))
    platform = pipeline.platform_spec
    return [spec, json_format.MessageToDict(platform)] if platform.platforms else [spec]


def _is_checked_when_written(spec: Mapping[str, Any]) -> bool:
    """The SDK checks one thing only there: that what an importer puts into a workspace finds one."""
    executors = spec.get("deploymentSpec", {}).get("executors", {}).values()
    return any(executor.get("importer", {}).get("downloadToWorkspace") for executor in executors)


def text(found: Sequence[Mapping[str, Any]]) -> str:
    """The documents as YAML, with sorted keys."""
    return dump_all([json.loads(json.dumps(document, sort_keys=True)) for document in found])


def graph(found: Sequence[Mapping[str, Any]]) -> Any:
    """A compiled pipeline as the SDK has it: to be written anew, or as what a task runs.

    Not by `load_component_from_text`: that takes a pipeline for a component where a component in it has its name, and
    fails where that is an importer (`structures.Implementation.from_pipeline_spec_dict`).
    """
    spec, *platforms = found
    root = spec["root"]
    component = structures.ComponentSpec(
        name=spec["pipelineInfo"]["name"],
        implementation=structures.Implementation(
            graph=json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
        ),
        inputs=_ports(structures.InputSpec.from_ir_component_inputs_dict, root.get("inputDefinitions", {})),
        outputs=_ports(
            structures.OutputSpec.from_ir_component_outputs_dict, root.get("outputDefinitions", {})
        ),
        platform_spec=json_format.ParseDict(
            platforms[0] if platforms else {}, pipeline_spec_pb2.PlatformSpec()
        ),
    )
    return yaml_component.YamlComponent(component_spec=component, component_yaml=text(found))


def _ports(made: Callable[[Any], Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: made(one)
        for kind in ("parameters", "artifacts")
        for name, one in declared.get(kind, {}).items()
    }
