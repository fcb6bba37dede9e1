"""A DSL pipeline from a manifest: calls the SDK for each node, in dependency order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kfp_gitops.compiling.compiler import channels, interface, settings
from kfp_gitops.compiling.compiler.interface import as_float
from kfp_gitops.compiling.compiler.sdk import (
    GraphComponent,
    Pipeline,
    artifact_class,
    component_factory,
    dsl,
    load_component,
    structures,
)
from kfp_gitops.language.manifest import (
    ArtifactRef,
    Branch,
    CollectRef,
    Comparison,
    ConcatValue,
    Condition,
    Constant,
    EntriesValue,
    Guarded,
    Importer,
    ItemRef,
    ListValue,
    Loop,
    Manifest,
    MapValue,
    Node,
    OneOfRef,
    OutputRef,
    ParameterRef,
    RunRef,
    Scopes,
    Task,
    Value,
    hidden,
    order,
    ordered,
    uses_item,
)

RUN_FACTS: Mapping[str, str] = {
    "id": dsl.PIPELINE_JOB_ID_PLACEHOLDER,
    "name": dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
    "resource-name": dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER,
    "create-time": dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER,
    "schedule-time": dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER,
    "pipeline-root": dsl.PIPELINE_ROOT_PLACEHOLDER,
    "task-id": dsl.PIPELINE_TASK_ID_PLACEHOLDER,
    "task-name": dsl.PIPELINE_TASK_NAME_PLACEHOLDER,
    "workspace": dsl.WORKSPACE_PATH_PLACEHOLDER,
}


class Builder:
    """Calls the DSL for each node of one manifest, in dependency order."""

    def __init__(self, manifest: Manifest, specs: Mapping[str, str], inner: Mapping[str, Any]) -> None:
        """With the texts of the component specs, and the inner pipelines as DSL pipelines, by name."""
        self.manifest = manifest
        self.specs = specs
        self.inner = inner
        self.components: dict[str, Any] = {}
        self.hidden = hidden(manifest, Scopes.of(manifest))
        self.channels: Mapping[str, Any] = {}
        self.tasks: dict[str, Any] = {}
        self.items: dict[str, Any] = {}
        self.choices: dict[tuple[str, str] | None, Any] = {}
        self.current: Node | None = None

    def pipeline(self) -> Any:
        """The manifest as a DSL pipeline, as `dsl.pipeline` makes it of a function; the SDK runs `body` at once."""
        manifest = self.manifest
        signature = interface.signature(manifest)

        def body(*channels: Any) -> Any:  # the SDK calls it with one channel a parameter
            self.channels = dict(zip(signature.parameters, channels, strict=True))
            self._body(manifest.body)
            return self._outputs(spec)

        body.__name__ = manifest.name.replace("-", "_")
        body.__signature__ = signature  # type: ignore[attr-defined]  # how inspect lets a function say so
        if manifest.pipeline_root:
            body.pipeline_root = manifest.pipeline_root  # type: ignore[attr-defined]  # where dsl.pipeline puts it
        spec = component_factory.extract_component_interface(
            body, name=manifest.name, description=manifest.description
        )
        for name, text in interface.descriptions(manifest).items():
            spec.inputs[name].description = text
        config = interface.config(manifest.config)
        made = GraphComponent(spec, body, display_name=manifest.display_name, pipeline_config=config)
        interface.limit(made.pipeline_spec, manifest)
        return made

    def _outputs(self, spec: Any) -> Any:
        """The outputs as the DSL returns them; their types are those of the channels, which are known only now."""
        if not self.manifest.outputs:
            return None
        found = {output.name: self._value(output.value) for output in self.manifest.outputs}
        said = {output.name: output.description for output in self.manifest.outputs}
        spec.outputs = {name: _output_spec(channel, said[name]) for name, channel in found.items()}
        return found

    def _body(self, nodes: Sequence[Node]) -> None:
        for node in ordered(nodes):
            self.current = node
            match node:
                case Task():
                    self._task(node)
                case Importer():
                    self._importer(node)
                case Condition():
                    self._condition(node)
                case Loop():
                    self._loop(node)
                case Guarded():
                    self._guarded(node)

    def _callee(self, node: Task) -> Any:
        if node.kind == "pipeline":
            return self.inner[node.name]
        if node.kind != "component":
            from kfp_gitops.compiling.compiler import kubernetes

            return kubernetes.COMPONENTS[node.kind]
        if node.name not in self.components:
            self.components[node.name] = load_component(
                node.name, self.specs[node.name], described=self.manifest.component_descriptions
            )
        return self.components[node.name]

    def _task(self, node: Task) -> Any:
        task = self.tasks[node.id] = self._called(node)
        channels.restore_items(task, self.items.values())
        settings.apply(task, node.settings)
        settings.apply_pod(task, node.pod, self._value)
        self._after(task, node)
        return task

    def _called(self, node: Task) -> Any:
        callee = self._callee(node)
        arguments = {name: self._value(value) for name, value in node.arguments.items()}
        if node.kind in ("createPvc", "deletePvc"):
            from kfp_gitops.compiling.compiler import kubernetes

            return callee(**kubernetes.arguments(arguments))
        types = {name: item.type for name, item in (callee.component_spec.inputs or {}).items()}
        return callee(
            **{name: as_float(value, types.get(name) == "Float") for name, value in arguments.items()}
        )

    def _after(self, task: Any, node: Task | Importer) -> None:
        if node.settings.after:
            task.after(*(self.tasks[name] for name in node.settings.after))

    def _importer(self, node: Importer) -> None:
        task = dsl.importer(
            artifact_uri=self._value(node.uri),
            artifact_class=artifact_class(node.type),
            reimport=node.reimport,
            metadata=self._value(node.metadata) or None,
            download_to_workspace=node.to_workspace,
        )
        if "importer-name" in self.manifest.accepted_faults and node.settings.display_name != node.id:
            task.set_display_name(node.settings.display_name)
        settings.apply_unnamed(task, node.settings)
        self.tasks[node.id] = task
        self._after(task, node)

    def _condition(self, node: Condition) -> None:
        for index, branch in enumerate(node.branches):
            with self._branch(branch, index):
                self._body(branch.body)
        if len(node.branches) > 1 and node.branches[-1].when is not None:
            # The SDK leaves the group of the branches when an Else ends. Without one it would put all that
            # follows into that group, and leave a loop around it open.
            Pipeline.get_default_pipeline().pop_tasks_group()
        for output in node.outputs:  # at once: the SDK numbers them in the order in which they are made
            self.choices[node.id, output.name] = self._value(output.value)

    def _branch(self, branch: Branch, index: int) -> Any:
        if branch.when is None:
            return dsl.Else(name=branch.display_name)
        comparison = self._comparison(branch.when)
        kind = dsl.Elif if index else dsl.If
        return kind(comparison, name=branch.display_name)

    def _comparison(self, when: Comparison) -> Any:
        left, right = self._value(when.left), self._value(when.right)
        if isinstance(when.left, Constant):  # the DSL overloads the operators of channels, so one stands left
            left, right = right, left
            return _compare(_MIRRORED[when.operator], left, right)
        return _compare(when.operator, left, right)

    def _loop(self, node: Loop) -> None:
        items = self.channels[self.hidden[node.id]] if node.id in self.hidden else self._value(node.items)
        with dsl.ParallelFor(items, name=node.display_name, parallelism=node.parallelism) as item:
            self.items[node.id] = item
            channels.tell_types(item, node)
            self._body(node.body)
            used = order.used_in_groups(node.body)
            # A choice that is written down there would be made once more; no list is called like one.
            needed = [self._value(one) for one in used if not isinstance(one, OneOfRef)]
            channels.know_own_channels(item, needed)
        if not uses_item(node):
            channels.hand_down(items, self.tasks, node)

    def _guarded(self, node: Guarded) -> None:
        self.current = node.exit_task
        with dsl.ExitHandler(self._task(node.exit_task), name=node.display_name) as group:
            self.tasks[node.id] = group
            self._body(node.body)

    def _value(self, value: Value) -> Any:
        match value:
            case Constant(constant):
                return constant
            case ParameterRef(name) | ArtifactRef(name):
                return self.channels[name]
            case OutputRef(task, output):
                return self.tasks[task].outputs[output]
            case CollectRef(task, output):
                return dsl.Collected(self.tasks[task].outputs[output])
            case OneOfRef(options, name):
                return self.choices.get(name) or dsl.OneOf(*(self._value(option) for option in options))
            case ItemRef(loop, None):
                return self.items[loop]
            case ItemRef(loop, field):
                # Not `getattr`: fields such as `name` are attributes of the SDK's class, too.
                return self.items[loop].__getattr__(field)
            case RunRef(fact):
                return RUN_FACTS[fact]
            case ConcatValue(items):
                return "".join(str(self._value(item)) for item in items)
            case ListValue(items):
                return [self._value(item) for item in items]
            case MapValue(items):
                return {key: self._value(item) for key, item in items.items()}
            case EntriesValue(items):
                return {self._value(key): self._value(item) for key, item in items}


_MIRRORED = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def _compare(operator: str, left: Any, right: Any) -> Any:
    return getattr(left, f"__{operator}__")(right)


def _output_spec(channel: Any, description: str | None) -> Any:
    if isinstance(channel, dsl.Collected) and not channel.is_artifact_channel:
        return structures.OutputSpec(type="List", description=description)
    many = bool(getattr(channel, "is_artifact_list", False))
    return structures.OutputSpec(type=channel.channel_type, is_artifact_list=many, description=description)
