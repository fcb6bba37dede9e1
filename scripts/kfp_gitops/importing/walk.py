"""A DAG of the IR, with the groups in it, as the tasks of a manifest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from kfp_gitops.base.yamltext import Path
from kfp_gitops.importing import comparisons, itemtypes, kinds, leaves, numbered, outputs
from kfp_gitops.importing.constants import written
from kfp_gitops.importing.leaves import Leaf
from kfp_gitops.importing.source import MALFORMED, PLATFORM, Source, UnsaidError, dag_at

_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")


class Callees(Protocol):
    """Names what tasks run; `stem`: what its tasks are called in KFP, but for their numbers."""

    def component(self, name: str, stem: str) -> str:
        """The component's folder."""

    def pipeline(self, name: str, stem: str) -> str:
        """The template inside."""


class Walk:
    """One pipeline of the IR: `component` is its key, empty for the whole."""

    def __init__(self, source: Source, component: str, callees: Callees) -> None:
        self.source = source
        self.component = component
        self.callees = callees
        self.ids = dict(_ids(source, component))
        self.names = numbered.names(frozenset(key for _, key in self.ids), self._alike)
        self.outputs = outputs.Outputs(source, self.ids)
        self.places: dict[str, Path] = {}

    def tasks(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """`spec.tasks`; `given` are the pipeline's inputs by name."""
        return self._body(self.component, given, ())

    def _body(self, component: str, given: Mapping[str, Any], after: Sequence[str]) -> dict[str, Any]:
        siblings = kinds.tasks(self.source, component)
        last = kinds.exits(self.source, component)
        groups = {task: group for group, task in last.items()}
        inside = {key: self._keys(component, key) for key in siblings if key not in groups}
        for group, task in last.items():
            inside[group].append(task)
        waits = {key: [groups.get(one, one) for one in _before(siblings[key])] for key in inside}
        found: dict[str, Any] = {}
        components = self.source.spec.get("components", {})
        called = {key: kinds.called(self.source, key, siblings[key]) for key in inside}
        counts = [
            *numbered.counts(inside, self.names.__getitem__),
            *numbered.counts(called, lambda one: numbered.counted(one, components)),
        ]
        for key in numbered.order(inside, waits, counts):
            name = self.ids[component, key]
            self.places[name] = (*dag_at(component), "tasks", key)
            try:
                found[name] = self._node(component, key, given, last.get(key), list(after))
            except (UnsaidError, *MALFORMED) as error:
                what = str(error) if isinstance(error, UnsaidError) else "a part that is not of KFP's form"
                self.source.refuse(self.places[name], what)
                found[name] = {}
            after = ()
        return found

    def _alike(self, one: str, other: str) -> bool:
        """Whether two tasks can run the same component, whatever they set besides."""
        tasks = {key: kinds.tasks(self.source, component)[key] for component, key in self.ids}
        first, second = (self.source.component(kinds.runs(tasks[key])) for key in (one, other))
        return "dag" in first or self.source.shared(first) == self.source.shared(second)

    def _keys(self, component: str, key: str) -> list[str]:
        task = kinds.tasks(self.source, component)[key]
        if kinds.kind(self.source, key, task) not in kinds.GROUPS:
            return [key]
        return [key, *(inner for _, inner, _ in kinds.within(self.source, kinds.runs(task)))]

    def _node(
        self, component: str, key: str, given: Mapping[str, Any], last: str | None, after: list[str]
    ) -> dict[str, Any]:
        task = kinds.tasks(self.source, component)[key]
        kind = kinds.kind(self.source, key, task)
        name, shown = self.ids[component, key], task.get("taskInfo", {}).get("name", key)
        if kind not in kinds.GROUPS:
            return self._leaf(component, key, given, after)
        after += self._after(component, task)
        leaf = Leaf(self.source, task, given, self.outputs.of(component))
        inner = {one: leaf.placeholder(one) for one in leaf.inputs}
        named = {"displayName": shown} if shown != name else {}
        if kind == "loop":
            return {"loop": self._loop(task, inner, name), **named, **self._tasks(task, inner, after)}
        if kind == "guarded":
            return {**self._finally(component, given, last), **named, **self._tasks(task, inner, after)}
        if kind == "condition":
            return self._branch(component, key, task, inner, (), after)
        outputs = self.outputs.choices(kinds.runs(task))
        return {**({"outputs": outputs} if outputs else {}), **self._branches(task, inner, after)}

    def _tasks(
        self, task: Mapping[str, Any], given: Mapping[str, Any], after: Sequence[str]
    ) -> dict[str, Any]:
        return {"tasks": self._body(kinds.runs(task), given, after)}

    def _loop(self, task: Mapping[str, Any], inner: dict[str, Any], name: str) -> dict[str, Any]:
        """What it runs over; its item becomes one of the things that its body is given."""
        iterator = task["parameterIterator"]
        items = iterator["items"]
        over = written(json.loads(items["raw"])) if "raw" in items else inner[items["inputParameter"]]
        inner[iterator["itemInput"]] = {"item": name}
        limit = task.get("iteratorPolicy", {}).get("parallelismLimit")
        found = {"items": over, **({"parallelism": int(limit)} if limit else {})}
        return found if "raw" in items else found | itemtypes.told(self.source, task)

    def _finally(self, component: str, given: Mapping[str, Any], last: str | None) -> dict[str, Any]:
        if last is None:
            raise UnsaidError("an exit handler that not exactly one task waits for")
        name = self.ids[component, last]
        self.places[name] = (*dag_at(component), "tasks", last)
        node = self._leaf(component, last, given, [], waits=False)
        return {"finally": {name: node}}

    def _branches(
        self, task: Mapping[str, Any], given: Mapping[str, Any], after: list[str]
    ) -> dict[str, Any]:
        component = kinds.runs(task)
        before: list[str] = []
        inside = kinds.tasks(self.source, component)
        found: dict[str, Any] = {}
        for key in sorted(inside, key=lambda one: numbered.counted(one, inside)):
            branch = inside[key]
            if kinds.kind(self.source, key, branch) != "condition":
                raise UnsaidError(f"a branch {key!r} without a condition")
            leaf = Leaf(self.source, branch, given, self.outputs.of(component))
            inner = {one: leaf.placeholder(one) for one in leaf.inputs}
            one = self._branch(component, key, branch, inner, tuple(before), after)
            before.append(one.pop("when"))
            after = []
            if not before[-1]:
                found["else"] = one
            elif found:
                found.setdefault("elif", []).append(one)
            else:
                found = one
        return found

    def _branch(
        self,
        component: str,
        key: str,
        task: Mapping[str, Any],
        inner: Mapping[str, Any],
        before: tuple[str, ...],
        after: Sequence[str],
    ) -> dict[str, Any]:
        """One branch, with its own condition as `when` where it is one of several; `else` has none."""
        condition = task.get("triggerPolicy", {}).get("condition", "")
        several = component.startswith("comp-condition-branches")
        when = comparisons.own(condition, before)
        asked = comparisons.comparison(when, inner) if when else None
        if when is None or (when and asked is None):
            raise UnsaidError(f"the condition {condition}")
        shown = task.get("taskInfo", {}).get("name", key)
        return {
            **({"when": when} if several else {}),
            **({"if": asked} if asked else {}),
            **({"displayName": shown} if shown != key else {}),
            **self._tasks(task, inner, after),
        }

    def _leaf(
        self, component: str, key: str, given: Mapping[str, Any], after: list[str], waits: bool = True
    ) -> dict[str, Any]:
        task = kinds.tasks(self.source, component)[key]
        kind, called = kinds.kind(self.source, key, task), kinds.runs(task)
        leaf = Leaf(self.source, task, given, self.outputs.of(component))
        callee = self.callees.pipeline if kind == "pipeline" else self.callees.component
        # Not the component's key: those of a pipeline inside are numbered anew with each that is put around it.
        stem = self.names[key][0]
        found = leaf.node(kind, lambda: callee(called, stem))
        shown, name = task.get("taskInfo", {}).get("name", key), self.ids[component, key]
        if shown != (key if kind == "importer" else name):
            found["displayName"] = shown
        if waits and (waited := list(dict.fromkeys([*after, *self._after(component, task)]))):
            found["after"] = waited
        if waits and task.get("triggerPolicy", {}).get("strategy") == kinds.ALWAYS:
            found["ignoreUpstreamFailure"] = True
        found |= leaves.settings(task)
        return found | (leaf.pod() if kind == "component" else {})

    def _after(self, component: str, task: Mapping[str, Any]) -> list[str]:
        """The ids that a task waits for besides those whose outputs it takes."""
        label = self.source.component(kinds.runs(task)).get("executorLabel", "")
        asked = self.source.platform
        for key in (*PLATFORM[2:], "deploymentSpec", "executors", label):
            asked = asked.get(str(key), {})
        known = leaves.producers(task, asked)
        return [self._waited(component, one) for one in task.get("dependentTasks", ()) if one not in known]

    def _waited(self, component: str, key: str) -> str:
        """The id that a manifest says for a task; of a loop or a condition, which cannot be waited for, one inside."""
        task = kinds.tasks(self.source, component)[key]
        if kinds.kind(self.source, key, task) not in kinds.GROUPS - {"guarded"}:
            return self.ids[component, key]
        inside = kinds.within(self.source, kinds.runs(task))
        return next(
            self.ids[owner, inner]
            for owner, inner, one in inside
            if kinds.kind(self.source, inner, one) not in kinds.GROUPS
        )


def _before(task: Mapping[str, Any]) -> list[str]:
    """What a task waits for; and what it takes outputs of, which the SDK does not always have it wait for."""
    return [*task.get("dependentTasks", ()), *sorted(leaves.producers(task))]


def _ids(source: Source, component: str) -> Iterator[tuple[tuple[str, str], str]]:
    """(component, key) → the id of each task: the name that it shows where that can be one, else its key.

    Of an importer always its key: another name, with which it fails, is said besides.
    """
    taken: set[str] = set()
    for owner, key, task in kinds.within(source, component):
        shown = str(task.get("taskInfo", {}).get("name", key))
        named = _ID.fullmatch(shown) and kinds.kind(source, key, task) != "importer"
        wanted = shown if named else re.sub(r"[^a-z0-9-]+", "-", key.lower())
        wanted = wanted if _ID.fullmatch(wanted) else f"t-{wanted}"[:63]
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted[:58]}-{number}", number + 1
        taken.add(name)
        yield (owner, key), name
