"""What the checks of one manifest share: its nodes, what they can run, and the kinds of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from kfp_gitops.base.errors import meant
from kfp_gitops.base.yamltext import Document
from kfp_gitops.language import artifact_types
from kfp_gitops.language.manifest import (
    ArtifactRef,
    CollectRef,
    ConcatValue,
    Constant,
    EntriesValue,
    Importer,
    ItemRef,
    ListValue,
    Loop,
    Manifest,
    MapValue,
    OneOfRef,
    OutputRef,
    ParameterRef,
    RunRef,
    Task,
    Type,
    Value,
)
from kfp_gitops.language.manifest.items import hidden, maps
from kfp_gitops.language.manifest.scope import Scopes
from kfp_gitops.sources.components import Interface, Port

_REFERENCES = ("param", "artifact", "task", "item", "collect", "oneOf", "concat", "run", "literal")

PYTHON: Mapping[Type, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}
# The two steps that KFP itself does for volumes (kfp.kubernetes.CreatePVC and DeletePVC).
BUILTINS: Mapping[str, Interface] = {
    "createPvc": Interface(
        "createPvc",
        {
            "accessModes": Port("accessModes", "list"),
            "size": Port("size", "str"),
            **{
                name: Port(name, "str", optional=True)
                for name in ("name", "nameSuffix", "storageClass", "volumeName")
            },
            **{name: Port(name, "dict", optional=True) for name in ("annotations", "dataSource")},
        },
        {"name": Port("name", "str")},
    ),
    "deletePvc": Interface("deletePvc", {"name": Port("name", "str")}, {}),
}


@dataclass(frozen=True)
class Context:
    """A manifest, the components and the inner pipelines that it may use, and what follows from them."""

    manifest: Manifest
    components: Mapping[str, Interface]
    pipelines: Mapping[str, Interface]
    nested: bool = False
    """Whether it is a task of another one, which says what a whole run is given."""

    @property
    def document(self) -> Document:
        """The document, which knows positions."""
        return self.manifest.document

    @cached_property
    def scopes(self) -> Scopes:
        """Where each node stands."""
        return Scopes.of(self.manifest)

    @cached_property
    def inputs(self) -> Mapping[str, Port]:
        """What the pipeline itself takes: parameters and artifacts."""
        parameters = (
            Port(p.name, p.type, optional=not p.required, final_status=p.final_status)
            for p in self.manifest.parameters
        )
        artifacts = (
            Port(a.name, None, artifact_types.title(a.type), a.optional, many=a.many)
            for a in self.manifest.artifacts
        )
        return {port.name: port for port in (*parameters, *artifacts)}

    @cached_property
    def hidden(self) -> Mapping[str, str]:
        """The loops whose items the compiler makes a hidden parameter."""
        return hidden(self.manifest, self.scopes)

    def interface(self, task: Task) -> Interface | None:
        """What a task runs; None when there is no such component or pipeline."""
        if task.kind in BUILTINS:
            return BUILTINS[task.kind]
        return (self.components if task.kind == "component" else self.pipelines).get(task.name)

    def outputs(self, task: str) -> Mapping[str, Port] | None:
        """The outputs of a task; None when the task, or what it runs, is not known."""
        node = self.scopes.nodes.get(task)
        if isinstance(node, Importer):
            return {"artifact": Port("artifact", None, artifact_types.title(node.type))}
        interface = self.interface(node) if isinstance(node, Task) else None
        return interface.outputs if interface else None

    def output(self, task: str, output: str) -> Port | None:
        """One output of a task."""
        return (self.outputs(task) or {}).get(output)

    def kind(self, value: Value) -> Port | None:
        """The kind of a value where it is known before the run; None where it is not."""
        match value:
            case Constant(constant):
                name = next((name for name in PYTHON if fits(constant, name)), None)
                return Port("constant", name) if name else None
            case ParameterRef(name) | ArtifactRef(name):
                return self.inputs.get(name)
            case OutputRef(task, output):
                return self.output(task, output)
            case CollectRef(task, output):
                return _collected(self.output(task, output))
            case OneOfRef((first, *_)):
                return self.kind(first)
            case ItemRef():
                return self._item(value)
            case RunRef() | ConcatValue():
                return Port("text", "str")
            case ListValue():
                return Port("list", "list")
            case MapValue() | EntriesValue():
                return Port("map", "dict")
        return None

    def _item(self, item: ItemRef) -> Port | None:
        loop = self.scopes.nodes.get(item.loop)
        if not isinstance(loop, Loop):
            return None
        if isinstance(loop.items, Constant):
            return self._constant_item(loop, item.field)
        if kind := loop.item_type if item.field is None else loop.field_type:
            return Port("item", kind)
        port = self.kind(loop.items)
        return Port("item", None, port.artifact) if port and port.many and item.field is None else None

    def _constant_item(self, loop: Loop, field: str | None) -> Port | None:
        if field is None:
            items = loop.items.value if isinstance(loop.items, Constant) else None
            return self.kind(Constant(items[0])) if isinstance(items, list) and items else None
        found = {self.kind(Constant(item[field])) for item in maps(loop) if field in item}
        return found.pop() if len(found) == 1 and loop.id not in self.hidden else None


def _collected(port: Port | None) -> Port | None:
    if port is None:
        return None
    return Port(port.name, "list") if port.type else Port(port.name, None, port.artifact, many=True)


def fits(value: object, wanted: Type) -> bool:
    """Whether a constant is of a type; a whole number is a fine float."""
    if isinstance(value, bool):
        return wanted == "bool"
    return isinstance(value, PYTHON[wanted])


def differ(given: Port, wanted: Port) -> bool:
    """Whether the SDK refuses to give one where the other is taken."""
    if given.type or wanted.type:
        return given.type != wanted.type
    if given.many != wanted.many:
        return True
    return "system.Artifact" not in (given.artifact, wanted.artifact) and given.artifact != wanted.artifact


def named(port: Port) -> str:
    """A kind as people say it."""
    if port.type:
        return a(port.type)
    kind = (port.artifact or "artifact").removeprefix("system.")
    return f"a list of {kind} artifacts" if port.many else f"{a(kind)} artifact"


def a(kind: str) -> str:
    """With the right article."""
    return f"{'an' if kind[:1] in 'aeiouAEIOU' else 'a'} {kind}"


def instead(value: object, wanted: str, known: Sequence[str] = _REFERENCES) -> str:
    """What to write in place of a constant of another type, which may be a reference that is misspelt."""
    key = next(iter(value)) if isinstance(value, dict) and value else ""
    close = meant(key, known)
    return f"did you mean `{close}:`? Otherwise write {a(wanted)}" if close else f"write {a(wanted)}"


def shown(value: object) -> str:
    """A constant, cut when it is long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
