"""Manifests out of thin air: mostly right, bounded in depth and size, each construct of the language in reach.

A generator of its own, because what may stand where depends on what stands around it; `hypothesis` draws every choice,
so it also shrinks what it finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from kfp_gitops.sources.components import Port
from language import COMPONENTS
from manifest_values import TYPES, Scope, Values, output_of

MAX_DEPTH = 3


class Writer(Values):
    """Writes one manifest; every choice comes from `random`."""

    def manifest(self) -> dict[str, Any]:
        scope = Scope({f"p{i}": self.random.choice(TYPES) for i in range(self.random.randrange(5))})
        spec: dict[str, Any] = {"parameters": {n: self.parameter(t) for n, t in scope.parameters.items()}}
        self.workspace = self.maybe(6)
        if self.workspace:
            spec["workspace"] = {"size": "1Gi"}
        spec["tasks"] = self.tasks(scope, MAX_DEPTH, top=True)
        if self.maybe(4):
            spec["outputs"] = {f"o{i}": self.result(scope) for i in range(2)}
        if self.maybe(8):
            spec["config"] = {"deadlineSeconds": self.random.choice((1, 60, -1 if self.wrong() else 5))}
        starts = (
            [self.trigger(f"s{i}", scope) for i in range(self.random.randrange(3))] if self.maybe(3) else []
        )
        return {
            "apiVersion": "kfp-gitops/v1",
            "kind": "PipelineManifest",
            "metadata": {"name": "p", "description": "d", "owner": "o"},
            "spec": spec,
            **({"triggers": starts} if starts else {}),
        }

    def trigger(self, name: str, scope: Scope) -> dict[str, Any]:
        causes = (
            ("change", [], ""),
            (
                {"pipeline": "upstream", "state": self.random.choice(("SUCCEEDED", "ENDED"))},
                ["id", "name"],
                "run",
            ),
            ({"data": {"uri": "s3://lake/usage/", "changes": "newest-key"}}, ["uri", "etag"], "data"),
        )
        on, facts, key = self.random.choice(causes)
        given = {}
        for parameter, kind in scope.parameters.items():
            if facts and kind == "str" and self.maybe(2):
                given[parameter] = {key: self.random.choice(facts)}
            elif facts and self.maybe(4):
                given[parameter] = {"constant": self.constant(kind)}
            elif kind != "dict" and self.maybe(2):
                given[parameter] = self.constant(kind)
        window = {"onlyWithin": {"from": "06:00", "to": "20:00", "days": ["mon"]}, "maxConcurrency": 2}
        return {"name": name, "runOn": on, "parameters": given, **(window if facts and self.maybe(2) else {})}

    def broken(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """The manifest with something in it replaced by what does not belong there, renamed or taken out."""
        holders = [part for part in _parts(manifest) if part]
        holder = self.random.choice(holders)
        key = self.random.choice(list(holder) if isinstance(holder, dict) else list(range(len(holder))))
        junk = (
            None,
            7,
            -1.5,
            True,
            "",
            "x",
            [],
            {},
            [[]],
            {"param": []},
            {"task": "t0"},
            {"item": {}, "field": 3},
        )
        match self.random.randrange(3):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[f"{key}x"] = holder.pop(key)
            case _:
                holder[key] = self.random.choice(junk)
        return manifest

    def new_id(self) -> str:
        name = self.random.choice(self.ids) if self.ids and self.wrong() else f"t{len(self.ids)}"
        self.ids.append(name)
        return name

    def tasks(self, scope: Scope, depth: int, *, top: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in range(self.random.randrange(1, 4)):
            name = self.new_id()
            found[name] = self.node(name, scope, depth, top)
            if (scope.one_of or scope.collectable) and self.maybe(2):
                found.update(self.consumer(scope))
        if self.maybe(4):  # the order in which they are written says nothing
            found = dict(sorted(found.items(), reverse=True))
        return found

    def consumer(self, scope: Scope) -> dict[str, Any]:
        """A task that takes what a loop or a condition before it gives."""
        for component in self.random.sample(sorted(COMPONENTS), len(COMPONENTS)):
            for port in COMPONENTS[component].inputs.values():
                special = [ref for ref in self.special_references(port, scope) if "item" not in ref]
                if special and self.can_run(component, scope):
                    name = self.new_id()
                    node = self.task(name, scope, component)
                    node["arguments"][port.name] = self.random.choice(special)
                    return {name: node}
        return {}

    def node(self, name: str, scope: Scope, depth: int, top: bool) -> dict[str, Any]:
        kind = self.random.randrange(10)
        if depth and kind == 0 and self.comparable_kinds(scope):
            return self.condition(scope, depth)
        if depth and kind == 1:
            return self.loop(name, scope, depth)
        if depth and kind == 2 and (top or self.wrong()):
            return self.guarded(scope, depth)
        if kind == 3:
            return self.importer(name, scope)
        if kind == 4 and self.maybe(2):
            return self.claim(name, scope)
        return self.task(name, scope)

    def task(self, name: str, scope: Scope, component: str = "") -> dict[str, Any]:
        component = component or self.random.choice([n for n in COMPONENTS if self.can_run(n, scope)])
        interface = COMPONENTS[component]
        node: dict[str, Any] = {"component": component, "arguments": self.arguments(interface, scope)}
        if self.wrong():
            node["arguments"]["unknown"] = 1
        self.settings(node, scope)
        scope.tasks.append(name)
        for port in interface.outputs.values():
            scope.outputs[name, port.name] = port
        return node

    def settings(self, node: dict[str, Any], scope: Scope) -> None:
        if self.maybe(3) and scope.tasks:
            node["after"] = [self.random.choice(self.ids if self.wrong() else scope.tasks)]
        if self.maybe(12):
            node["ignoreUpstreamFailure"] = True
        if self.maybe(6):
            node["cache"] = self.random.choice((False, {"key": "k"}, "no" if self.wrong() else True))
        if self.maybe(6):
            node["retry"] = {
                "count": 2,
                "backoff": self.random.choice(("30s", "30" if self.wrong() else "5m")),
            }
        if self.maybe(6):
            node["resources"] = {"cpu": {"limit": self.text(scope, "1")}, "memory": {"request": "1Gi"}}
        if self.maybe(6):
            node["env"] = {
                "A": "x",
                "B": {"secret": self.text(scope, "s"), "key": "k"},
                "C": {"field": "spec.x"},
            }
        if self.maybe(8):
            node["volumes"] = {"/a": {"pvc": self.text(scope, "c")}, "/b": {"emptyDir": {"name": "b"}}}
        if self.maybe(8):
            node["placement"] = {"tolerations": [{"key": "a"}], "nodeSelector": {"a": "b"}}
        if self.maybe(8):
            node["timeoutSeconds"] = self.random.choice((5, 0 if self.wrong() else 60))
        if self.maybe(8):
            node["displayName"] = "shown ä"

    def importer(self, name: str, scope: Scope) -> dict[str, Any]:
        uri = self.random.choice(
            ["s3://b/x", *({"param": n} for n, t in scope.parameters.items() if t == "str")]
        )
        kind = self.random.choice(("Dataset", "Model"))
        scope.tasks.append(name)
        scope.outputs[name, "artifact"] = Port("artifact", None, f"system.{kind}")
        return {"importer": {"uri": uri, "type": kind, "metadata": self.constant("dict")}}

    def claim(self, name: str, scope: Scope) -> dict[str, Any]:
        scope.tasks.append(name)
        scope.outputs[name, "name"] = Port("name", "str")
        return {"createPvc": {"accessModes": ["ReadWriteOnce"], "size": "1Gi", "nameSuffix": "-x"}}

    def condition(self, scope: Scope, depth: int) -> dict[str, Any]:
        branches = [self.branch(scope, depth) for _ in range(self.random.randrange(1, 4))]
        first, *others = branches
        node: dict[str, Any] = {"if": self.comparison(scope), "tasks": first[0]}
        if others and self.maybe(2):
            node["else"] = {"tasks": others.pop()[0]}
        if others:
            node["elif"] = [{"if": self.comparison(scope), "tasks": tasks} for tasks, _ in others]
        if "else" in node or self.wrong():
            self.offer_one_of(scope, [inner for _, inner in branches])
        return node

    def branch(self, scope: Scope, depth: int) -> tuple[dict[str, Any], dict[tuple[str, str], Port]]:
        inner = scope.inside()
        tasks = self.tasks(inner, depth - 1)
        name = self.new_id()  # something that every branch gives, for oneOf
        tasks[name] = self.task(name, inner, "say")
        return tasks, {at: port for at, port in inner.outputs.items() if at[0] in tasks}

    def offer_one_of(self, scope: Scope, branches: list[dict[tuple[str, str], Port]]) -> None:
        for at, port in branches[0].items():
            chosen = [output_of(at)]
            for other in branches[1:]:
                chosen += [output_of(a) for a, p in other.items() if self.fits(p, port)][:1]
            if len(chosen) == len(branches) or (len(chosen) > 1 and self.wrong()):
                scope.one_of.append((chosen, port))

    def comparison(self, scope: Scope) -> dict[str, Any]:
        kind = self.random.choice(self.comparable_kinds(scope) or ["str"])
        found = self.plain_references(Port("left", kind), scope) or ["nothing"]
        left = self.random.choice(found)
        right = self.comparable(kind) if self.maybe(2) else self.random.choice(found)
        unordered = kind == "bool" or "item" in left or (isinstance(right, dict) and "item" in right)
        operators = ("eq", "ne") if unordered and not self.wrong() else ("eq", "ne", "lt", "le", "gt", "ge")
        return {self.random.choice(operators): [left, right] if self.maybe(2) else [right, left]}

    def comparable_kinds(self, scope: Scope) -> list[str]:
        return [kind for kind in TYPES[:4] if self.plain_references(Port("left", kind), scope)]

    def loop(self, name: str, scope: Scope, depth: int) -> dict[str, Any]:
        items, kinds = self.items(scope)
        inner = scope.inside()
        inner.items += [
            ({"item": name, **({"field": key} if key else {})}, kind) for key, kind in kinds.items()
        ]
        node: dict[str, Any] = {"loop": {"items": items}, "tasks": self.tasks(inner, depth - 1)}
        if self.maybe(3):
            node["loop"]["parallelism"] = self.random.choice((1, 5, 0 if self.wrong() else 2))
        new = {at: port for at, port in inner.outputs.items() if at not in scope.outputs}
        scope.collectable.update(
            {at: port for at, port in new.items() if at[0] in node["tasks"] or self.maybe(2)}
        )
        return node

    def items(self, scope: Scope) -> tuple[Any, dict[str, Any]]:
        """Something to loop over, and the kinds of its items by field ('' for the whole)."""
        if self.maybe(2):
            kind = self.random.choice(TYPES[:4])
            return [self.constant(kind) for _ in range(self.random.randrange(0 if self.wrong() else 1, 3))], {
                "": kind
            }
        if self.maybe(2):
            kinds = {
                key: self.random.choice(TYPES[:4])
                for key in ("name", "a", "b")[: self.random.randrange(1, 4)]
            }
            rows = [{key: self.constant(kind) for key, kind in kinds.items()} for _ in range(2)]
            return rows, {**kinds, "": "dict"}
        return self.value(Port("items", "list"), scope), {"": None, "a": None}

    def guarded(self, scope: Scope, depth: int) -> dict[str, Any]:
        exit_task = {"component": "report", "arguments": {"text": self.constant("str")}}
        return {"finally": {self.new_id(): exit_task}, "tasks": self.tasks(scope.inside(), depth - 1)}

    def result(self, scope: Scope) -> Any:
        found = [output_of(at) for at in scope.outputs] + [
            {"collect": output_of(at)} for at in scope.collectable
        ]
        found += [{"oneOf": options} for options, _ in scope.one_of]
        return (
            self.random.choice(found) if found else {"task": self.random.choice(self.ids), "output": "said"}
        )


def _parts(data: Any) -> Iterator[Any]:
    """Every map and list in data."""
    if isinstance(data, dict | list):
        yield data
        for inner in data.values() if isinstance(data, dict) else data:
            yield from _parts(inner)


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    """Manifests as data."""
    writer = Writer(draw(st.randoms(use_true_random=False)))
    manifest = writer.manifest()
    return writer.broken(manifest) if writer.maybe(4) else manifest
