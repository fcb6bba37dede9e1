"""The kfp SDK: the one place that imports it for compiling.

`dsl.pipeline` is not enough: it reads descriptions of parameters off a docstring and outputs off annotations,
and does not end a group of branches without `else`; so what it is made of is imported, too (kfp is pinned).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from kfp_gitops.compiling import ir, lean

lean.import_kfp()

from google.protobuf import json_format
from kfp import compiler, components, dsl
from kfp.compiler import compiler_utils
from kfp.dsl import component_factory, pipeline_task, structures, yaml_component
from kfp.dsl.base_component import BaseComponent
from kfp.dsl.graph_component import GraphComponent
from kfp.dsl.pipeline_context import Pipeline
from kfp.pipeline_spec import pipeline_spec_pb2

from kfp_gitops.compiling.compiler import merged
from kfp_gitops.language import artifact_types
from kfp_gitops.language.manifest import Value

lean.make_cheap(structures, pipeline_task)
merged.install()

# How a value of the manifest becomes one of the SDK's: a constant or a channel.
Channels = Callable[[Value], Any]

__all__ = [
    "BaseComponent",
    "Channels",
    "GraphComponent",
    "Pipeline",
    "SpecError",
    "artifact_class",
    "compiler",
    "compiler_utils",
    "component_factory",
    "components",
    "dsl",
    "json_format",
    "load_component",
    "pipeline_spec_pb2",
    "structures",
    "yaml_component",
]


@lru_cache(maxsize=256)
def artifact_class(written: str) -> Any:
    """The class of an artifact type as a manifest writes it; one of its own for a schema that is none of the SDK's."""
    if written in artifact_types.OWN:
        return getattr(dsl, written)
    schema = {
        "schema_title": artifact_types.title(written),
        "schema_version": artifact_types.version(written),
    }
    return type("Artifact", (dsl.Artifact,), schema)


class SpecError(Exception):
    """The SDK does not load a component's spec: `args` are the component's name and what the SDK said."""


def load_component(name: str, text: str, *, described: bool = False) -> Any:
    """A component of a spec. Pipelines share them, as they would in a module: a task takes a copy of its container.

    `described`: with what it says of its inputs and outputs, which the SDK leaves out of those that it reads from IR.

    Raises:
        SpecError: the SDK does not take the spec.
    """
    try:
        found = _described(text) if described else _loaded(text)
    except Exception as error:  # the SDK raises whatever comes up: KeyError, TypeError, ParseError, …
        said = f"{type(error).__name__}: {' '.join(str(error).split()) or 'no reason given'}"
        raise SpecError(name, said) from error
    shared = found.component_spec.implementation.container is not None
    return found if shared else components.load_component_from_text(text)


@lru_cache(maxsize=256)
def _loaded(text: str) -> Any:
    return components.load_component_from_text(text)


@lru_cache(maxsize=256)
def _described(text: str) -> Any:
    found = components.load_component_from_text(text)
    spec = ir.documents(text)[0]
    if "implementation" in spec:
        return found
    own = found.component_spec
    declared = spec["components"].get(f"comp-{own.name}", spec["root"])
    for ports, part in ((own.inputs, "inputDefinitions"), (own.outputs, "outputDefinitions")):
        for kind in declared.get(part, {}).values():
            for name, one in kind.items():
                ports[name].description = one.get("description")
    return found
