"""The steps of a compiled pipeline: its tasks with what they are given, as KFP's driver would resolve it.

backend/src/v2/driver/resolve.go (2.17.0). Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kfp_gitops.language.irlint.view import Ir, component_name, iterator, waits_for
from kfp_gitops.language.wellknown import STUB_IMAGES
from kfp_gitops.review.caching import callee, references
from kfp_gitops.review.caching.callee import FINAL_STATUS
from kfp_gitops.review.caching.placed import Count, Frame, Place, claim, imported, made, stepped
from kfp_gitops.review.caching.steps import KFP_2_17, Server, Step
from kfp_gitops.review.caching.values import (
    Derived,
    Known,
    Moving,
    Value,
    known,
    list_of,
)


@dataclass
class _Reader:
    ir: Ir
    settings: Mapping[str, Any]
    server: Server
    count: Count
    found: list[Step] = field(default_factory=list)

    def dag(self, tasks: Mapping[str, Any], frame: Frame, place: Place) -> Frame:
        """Read the tasks of one DAG in an order that their references allow; the frame has their outputs then."""
        for name in _ordered(tasks):
            self.task(name, tasks[name], frame, place)
        return frame

    def task(self, name: str, task: Mapping[str, Any], frame: Frame, place: Place) -> None:
        self.count.task()
        component = self.ir.component(task)
        if component is None:
            return
        here = place.inside(str((task.get("taskInfo") or {}).get("name") or name))
        given = references.inputs(component, name, task, frame)
        loop = iterator(task)
        if loop and "itemInput" in loop:
            frame.outputs[name] = self.loop(name, task, loop, given, frame, here)
        else:
            frame.outputs[name] = self.once(name, task, given, frame, here)

    def once(
        self, name: str, task: Mapping[str, Any], given: Frame, around: Frame, here: Place
    ) -> Mapping[str, Value]:
        """What one run of a task puts out."""
        component = self.ir.components[component_name(task)]
        if component.tasks:
            inner = replace(given, parameters={**references.defaults(component.node), **given.parameters})
            return references.outputs(component.node, self.dag(component.tasks, inner, here))
        label = str(component.node.get("executorLabel", ""))
        executor = self.ir.executors.get(label) or {}
        if "importer" in executor:
            return {
                output: self.importer(executor["importer"], given)
                for output in component.declared("outputs", "artifacts")
            }
        return self.leaf(name, task, component.node, label, given, around, here)

    def leaf(
        self,
        name: str,
        task: Mapping[str, Any],
        component: Mapping[str, Any],
        label: str,
        given: Frame,
        around: Frame,
        here: Place,
    ) -> Mapping[str, Value]:
        container = (self.ir.executors.get(label) or {}).get("container") or {}
        caching = task.get("cachingOptions") or {}
        found = callee.of_executor(component_name(task), component, container)
        pod = self.settings.get(label) or {}
        mounts = pod.get("pvcMount") or ()
        step = stepped(
            found,
            here,
            Frame(
                {key: value for key, value in given.parameters.items() if value != known(None)},
                given.artifacts,
            ),
            claims=[references.claim(name, mount, around) for mount in mounts],
            cache=bool(caching.get("enableCache")),
            key=str(caching.get("cacheKey") or ""),
            unseen=dict(_unseen(pod)),
            server=self.server,
        )
        self.found.append(step)
        if container.get("image") in STUB_IMAGES:
            return claim(step)
        return made(step, found)

    def loop(
        self,
        name: str,
        task: Mapping[str, Any],
        loop: Mapping[str, Any],
        given: Frame,
        around: Frame,
        here: Place,
    ) -> Mapping[str, Value]:
        """Its outputs, collected."""
        source, item = loop.get("items") or {}, str(loop["itemInput"])
        if "raw" in source:
            items: Value = known(json.loads(source["raw"]))
        else:
            items = given.parameters.pop(str(source.get("inputParameter")), None) or Derived("items", ())
        with self.count.loop(items) as rounds:
            turns = [
                self.once(
                    name, task, replace(given, parameters={**given.parameters, item: one}), around, here
                )
                for one in rounds
            ]
        whole = isinstance(items, Known) and len(turns) == len(items.value)
        names = turns[0] if turns else ()
        return {
            output: list_of([one[output] for one in turns])
            if whole
            else Derived("each", (items, *(one[output] for one in turns)))
            for output in names
        }

    def importer(self, importer: Mapping[str, Any], given: Frame) -> Value:
        uri = importer.get("artifactUri") or {}
        if "constant" in uri:
            where: Value = known(uri["constant"])
        else:
            where = given.parameters.get(str(uri.get("runtimeParameter"))) or Derived("unknown", ())
        metadata = (importer.get("metadata"), importer.get("typeSchema"))
        # Texts in its metadata may name its inputs.
        values = [value for _, value in sorted(given.parameters.items())]
        return imported(
            where,
            Derived("metadata", (known(metadata), *values)),
            reimport=bool(importer.get("reimport")),
            workspace=bool(importer.get("downloadToWorkspace")),
        )


def steps(
    documents: Sequence[Mapping[str, Any]], given: Mapping[str, Any], server: Server = KFP_2_17
) -> list[Step]:
    """The steps of a compiled pipeline that is run with these parameters; those before others that they give to.

    A parameter that is a `Value` already is taken as it is, so that a component can be read that is a graph.
    """
    parameters = {name: known(value) for name, value in given.items()}
    return graph(documents, parameters, {}, Place(()), server, Count())[0]


def graph(
    documents: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, Value],
    artifacts: Mapping[str, Value],
    place: Place,
    server: Server,
    count: Count,
) -> tuple[list[Step], Mapping[str, Value]]:
    """The same of a graph that stands somewhere in another pipeline, and its outputs."""
    reader = _Reader(Ir(documents[0]), _settings(documents), server, count)
    root = reader.ir.root
    declared = root.declared("inputs", "parameters").items()
    asked: dict[str, Value] = {
        name: Derived(f"parameter {name}", ())
        for name, one in declared
        if not one.get("isOptional") and "defaultValue" not in one
    }
    asked |= {
        name: Moving("final status") for name, one in declared if one.get("parameterType") == FINAL_STATUS
    }
    frame = Frame({**asked, **references.defaults(root.node), **parameters}, dict(artifacts))
    outputs = references.outputs(root.node, reader.dag(root.tasks, frame, place))
    return reader.found, outputs


def _settings(documents: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Executor → settings of its pod."""
    found: dict[str, Any] = {}
    for document in documents[1:]:
        for platform in (document.get("platforms") or {}).values():
            found |= (platform.get("deploymentSpec") or {}).get("executors") or {}
    return found


_POD = {
    "secretAsEnv": "secret",
    "secretAsVolume": "secret",
    "configMapAsEnv": "config map",
    "configMapAsVolume": "config map",
    "fieldPathAsEnv": "field",
}


def _unseen(pod: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, label in _POD.items():
        for index, one in enumerate(pod.get(key) or ()):
            yield f"{label} {index + 1}", one
    for mount in pod.get("pvcMount") or ():
        yield f"mount of {mount.get('mountPath')}", mount.get("subPath", "")


def _ordered(tasks: Mapping[str, Any]) -> Iterator[str]:
    done: set[str] = set()

    def visit(name: str, trail: frozenset[str]) -> Iterator[str]:
        if name in done or name in trail or name not in tasks:
            return
        for other in waits_for(tasks[name]):
            yield from visit(other, trail | {name})
        done.add(name)
        yield name

    for name in tasks:
        yield from visit(name, frozenset())
