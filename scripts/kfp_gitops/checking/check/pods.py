"""How a task's container runs: where references may stand, and what Kubernetes refuses."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.checking.check import values
from kfp_gitops.checking.check.context import Context, a, named, shown
from kfp_gitops.language.manifest import (
    CollectRef,
    Constant,
    EnvFrom,
    ItemRef,
    OneOfRef,
    Task,
    Toleration,
    Value,
    pod_values,
    references,
)


def is_one_reference(value: Value) -> bool:
    """A reference that is a channel of the SDK, and nothing put together from some."""
    return not (isinstance(value, ItemRef) and value.field is not None) and list(references(value)) == [value]


def problems(context: Context, task: Task) -> Iterator[Problem]:
    """What is wrong with how one task's container runs."""
    for suffix, value, types in pod_values(task.pod):
        at = (*task.at, *suffix)
        if isinstance(value, Constant):
            continue
        found = list(values.problems(context, value, at, task.id))
        yield from found
        kind = context.kind(value)
        if not is_one_reference(value) or isinstance(value, OneOfRef | CollectRef):
            # kfp.kubernetes and resource settings take one channel; fields of items come out as dangling inputs.
            what, todo = (
                "only a constant or one whole reference can stand here",
                "compute it in a task before",
            )
            yield context.document.problem(at, what, todo)
        elif not found and kind and kind.type not in types:
            yield context.document.problem(
                at, f"{named(kind)} is given", f"refer to {' or '.join(map(a, types))}"
            )
    if task.pod.resources.accelerator_limit is not None and task.pod.resources.accelerator_type is None:
        # driver/driver.go: it takes a type and a count, or nothing.
        at, todo = (*task.at, "resources", "accelerator"), "add `type:`, such as `type: nvidia.com/gpu`"
        what = "KFP leaves out an accelerator without a type"
        yield context.document.problem(at, what, todo, fault="accelerator-left-out")
    yield from _env(context, task)
    yield from _volume_names(context, task)
    yield from _tolerations(context, task)


def _env(context: Context, task: Task) -> Iterator[Problem]:
    for name, source in task.pod.env.items():
        if isinstance(source, str) and "{{channel:" in source:
            what = f"{shown(source)} holds a placeholder of KFP"
            yield context.document.problem(
                (*task.at, "env", name), what, "environment variables take constants"
            )
        elif isinstance(source, EnvFrom) and isinstance(source.name, Constant) and not source.name.value:
            yield context.document.problem(
                (*task.at, "env", name), "the name is empty", "write the object's name"
            )


def _volume_names(context: Context, task: Task) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for volume in task.pod.volumes:
        kind = {"EmptyDir": "emptyDir", "EphemeralVolume": "ephemeral"}.get(type(volume).__name__)
        if kind is None:
            continue
        name = str(getattr(volume, "name", ""))
        if name in seen:
            at = (*task.at, "volumes", volume.mount_path, kind, "name")
            what = f"{seen[name]} has a volume {name!r} already"
            yield context.document.problem(at, what, "give each volume its own name")
        seen[name] = volume.mount_path


def _tolerations(context: Context, task: Task) -> Iterator[Problem]:
    """What Kubernetes refuses at admission (core/validation ValidateTolerations), when the run is on its way."""
    for index, toleration in enumerate(task.pod.placement.tolerations):
        if not isinstance(toleration, Toleration):
            continue
        at = (*task.at, "placement", "tolerations", index)
        if toleration.key is None and toleration.operator != "Exists":
            yield context.document.problem(at, "a toleration without key", "add `operator: Exists`, or a key")
        if toleration.operator == "Exists" and toleration.value:
            yield context.document.problem(at, "operator Exists takes no value", "drop the value")
        if toleration.seconds is not None and toleration.effect != "NoExecute":
            yield context.document.problem(
                at, "seconds go with effect NoExecute", "set it, or drop `seconds`"
            )
