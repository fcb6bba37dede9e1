"""A pipeline inside another one becomes a part of its IR: as the SDK does it, in one order and without its faults.

`kfp.compiler.pipeline_spec_builder` goes through maps of protobuf, whose order is another one in each process: where a
name is there already, both pipelines' components got other numbers each time, and the IR another digest (seen with kfp
2.17.3). It renames one label after the other, so that `exec-say`, which becomes `exec-say-2`, is renamed once more with
the `exec-say-2` that was there: its task then runs with the settings of another. And it hands on what is asked of
Kubernetes before the labels have their new names, to executors of the pipeline around.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf import json_format
from kfp.compiler import pipeline_spec_builder as builder


def install() -> None:
    """From now on the SDK does it so."""
    builder._merge_deployment_spec = merge_deployment
    builder._merge_component_spec = merge_components


def merge_deployment(
    main_deployment_config: Any, sub_pipeline_spec: Any, main_platform_spec: Any, sub_platform_spec: Any
) -> None:
    """Instead of `_merge_deployment_spec`: the executors of the pipeline inside, and what they ask of Kubernetes."""
    inside = type(main_deployment_config)()
    json_format.ParseDict(json_format.MessageToDict(sub_pipeline_spec.deployment_spec), inside)
    labels: dict[str, str] = {}
    for label in _ordered(inside.executors):
        labels[label] = _free(label, main_deployment_config.executors)
        main_deployment_config.executors[labels[label]].CopyFrom(inside.executors[label])
    for component in sub_pipeline_spec.components.values():
        if component.executor_label:
            component.executor_label = labels[component.executor_label]
    for platform in sub_platform_spec.platforms.values():
        _renamed(platform.deployment_spec.executors, labels)
    builder.merge_platform_specs(main_msg=main_platform_spec, sub_msg=sub_platform_spec)


def merge_components(main_pipeline_spec: Any, sub_pipeline_spec: Any) -> None:
    """Instead of `_merge_component_spec`: the components of the pipeline inside, under names that are free."""
    names: dict[str, str] = {}
    taken = set(main_pipeline_spec.components)
    for name in _ordered(sub_pipeline_spec.components):
        names[name] = _free(name, taken)
        taken |= {name, names[name]}
    for owner in (sub_pipeline_spec.root, *sub_pipeline_spec.components.values()):
        for task in owner.dag.tasks.values() if owner.HasField("dag") else ():
            task.component_ref.name = names[task.component_ref.name]
    for name, new in names.items():
        main_pipeline_spec.components[new].CopyFrom(sub_pipeline_spec.components[name])


def _ordered(names: Iterable[str]) -> list[str]:
    """Backwards: what a name would become is then seen before it (`say-2` before `say`)."""
    return sorted(names, reverse=True)


def _free(name: str, taken: Iterable[str]) -> str:
    return str(builder.utils.make_name_unique_by_adding_index(name, taken, "-"))


def _renamed(executors: Any, labels: Mapping[str, str]) -> None:
    copies = {label: type(body)() for label, body in executors.items()}
    for label, body in executors.items():
        copies[label].CopyFrom(body)
    executors.clear()
    for label, body in copies.items():
        executors[labels[label]].CopyFrom(body)
