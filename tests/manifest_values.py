"""Values out of thin air: constants, and references to what is in scope where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from kfp_gitops.sources.components import Interface, Port
from language import COMPONENTS

TYPES = ("str", "int", "float", "bool", "list", "dict")
# How often (one in) something is written that most likely is wrong.
WRONG = 200


@dataclass
class Scope:
    """What can be referred to from one place."""

    parameters: dict[str, str]
    outputs: dict[tuple[str, str], Port] = field(default_factory=dict)
    collectable: dict[tuple[str, str], Port] = field(default_factory=dict)
    one_of: list[tuple[list[dict[str, str]], Port]] = field(default_factory=list)
    items: list[tuple[Any, Any]] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)

    def inside(self) -> Scope:
        """What is seen in a group: all of this; what is added there is not seen here."""
        return Scope(
            self.parameters,
            dict(self.outputs),
            dict(self.collectable),
            list(self.one_of),
            list(self.items),
            list(self.tasks),
        )


class Values:
    """Writes values; every choice comes from `random`."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.ids: list[str] = []
        self.workspace = False

    def wrong(self) -> bool:
        return self.random.randrange(WRONG) == 0

    def maybe(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def parameter(self, kind: str) -> dict[str, Any]:
        return {"type": kind, "default": self.constant("str" if self.wrong() else kind)}

    def constant(self, kind: str, depth: int = 2) -> Any:
        if self.wrong():
            return self.random.choice((None, "{{$.x}}", 2**60, "it's", ""))
        match kind:
            case "str":
                return self.random.choice(("a", "x y", "naïve", "1", "true", "multi\nline"))
            case "int":
                return self.random.choice((0, 1, -7, 12345))
            case "float":
                return self.random.choice((0.5, 1, -2.25, 1e-7))
            case "bool":
                return self.random.choice((True, False))
            case "list":
                return [self.constant(self.random.choice(TYPES[:4]), depth - 1) for _ in range(depth)]
        return {f"k{i}": self.constant(self.random.choice(TYPES[:4]), depth - 1) for i in range(depth)}

    def can_run(self, component: str, scope: Scope) -> bool:
        """Whether there is something for each artifact that it needs."""
        ports = COMPONENTS[component].inputs.values()
        needed = [port for port in ports if port.artifact and not port.optional]
        there = all(self.references(port, scope) for port in needed)
        return (there and not any(port.final_status for port in ports)) or self.wrong()

    def arguments(self, interface: Interface, scope: Scope) -> dict[str, Any]:
        return {
            port.name: self.value(port, scope)
            for port in interface.inputs.values()
            if not port.final_status and (not port.optional or self.maybe(2))
        }

    def value(self, port: Port, scope: Scope) -> Any:
        special = self.special_references(port, scope)
        if special and self.maybe(3):
            return self.random.choice(special)
        found = self.references(port, scope)
        if port.type:
            found += [self.constant(port.type), *self.put_together(port.type, scope)]
        return self.random.choice(found) if found else {"task": "nowhere", "output": "nothing"}

    def references(self, port: Port, scope: Scope) -> list[Any]:
        return [*self.plain_references(port, scope), *self.special_references(port, scope)]

    def special_references(self, port: Port, scope: Scope) -> list[Any]:
        found: list[Any] = [
            {"collect": output_of(at)}
            for at, given in scope.collectable.items()
            if self.collects(given, port)
        ]
        found += [item for item, kind in scope.items if port.type and kind == port.type]
        return found + [{"oneOf": options} for options, given in scope.one_of if self.fits(given, port)]

    def plain_references(self, port: Port, scope: Scope) -> list[Any]:
        found: list[Any] = [
            {"param": name} for name, kind in scope.parameters.items() if kind == port.type or self.wrong()
        ]
        found += [output_of(at) for at, given in scope.outputs.items() if self.fits(given, port)]
        return found + [
            item for item, kind in scope.items if (port.type and kind in (port.type, None)) or self.wrong()
        ]

    def fits(self, given: Port, port: Port) -> bool:
        same = (given.type, given.artifact, given.many) == (port.type, port.artifact, port.many)
        return same or self.wrong()

    def collects(self, given: Port, port: Port) -> bool:
        return port.type == "list" if given.type else (port.many and given.artifact == port.artifact)

    def put_together(self, kind: str, scope: Scope) -> list[Any]:
        parts = [{"param": name} for name in scope.parameters]
        parts += [output_of(at) for at, given in scope.outputs.items() if given.type or self.wrong()]
        parts += [item for item, _ in scope.items if "field" not in item or self.wrong()]
        part = self.random.choice(parts) if parts else "x"
        match kind:
            case "str":
                run = self.random.choice(("id", "name", "task-name", "workspace"))
                plain = (
                    "x" if run == "workspace" and not self.workspace and not self.wrong() else {"run": run}
                )
                return [{"concat": ["a-", part, 1]}, plain]
            case "list":
                return [[part, 1]]
            case "dict":
                return [{"a": part, "b": {"c": [part]}}, {"literal": {"param": "x"}}]
        return []

    def text(self, scope: Scope, constant: str) -> Any:
        found = [] if self.wrong() else self.plain_references(Port("text", "str"), scope)
        found = [item for item in found if "field" not in item] or [
            self.value(Port("text", "str"), scope)
        ] * self.wrong()
        return self.random.choice(found) if found and self.maybe(2) else constant

    def comparable(self, kind: str) -> Any:
        return "a" if kind == "str" else self.constant(kind)


def output_of(at: tuple[str, str]) -> dict[str, str]:
    return {"task": at[0], "output": at[1]}
