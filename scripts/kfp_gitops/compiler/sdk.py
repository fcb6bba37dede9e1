"""The kfp SDK: the one place that imports it for compiling.

`dsl.pipeline` is not enough: it reads descriptions of parameters off a docstring and outputs off annotations,
and does not end a group of branches without `else`; so what it is made of is imported, too (kfp is pinned).
"""

from collections.abc import Callable
from typing import Any

from kfp import compiler, components, dsl
from kfp.dsl import component_factory, structures
from kfp.dsl.graph_component import GraphComponent
from kfp.dsl.pipeline_context import Pipeline

from kfp_gitops.manifest import Value

# How a value of the manifest becomes one of the SDK's: a constant or a channel.
Channels = Callable[[Value], Any]

__all__ = [
    "Channels",
    "GraphComponent",
    "Pipeline",
    "compiler",
    "component_factory",
    "components",
    "dsl",
    "structures",
]
