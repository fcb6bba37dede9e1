"""The modules of a DSL file and its neighbours: which statement makes a name, and which names a statement needs."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

_MAIN = "__main__"
_AT_RUNTIME = ("kfp", "typing")
"""What KFP's executor imports for a function before it runs (kfp.dsl.component_factory), so its body may use it."""


class UnslicedError(Exception):
    """A function cannot be taken out of its file; the text says why."""


@dataclass(frozen=True)
class Unit:
    """A statement at the top of a module, with the comments right above it; lines count from 1."""

    node: ast.stmt
    first: int
    last: int
    binds: frozenset[str]
    changes: frozenset[str]
    """Names that it makes something else of: `PACKAGES.append(…)`."""


@dataclass(frozen=True)
class Import:
    """One name that an import gives a module: of a module (`name` is empty), or of a name in one."""

    module: str
    name: str
    bound: str
    dotted: bool = False
    """`import a.b`: what is bound is `a`."""

    @property
    def module_itself(self) -> bool:
        """Whether the name is that of a top module, which several imports may give it."""
        return not self.name and self.bound == self.module.partition(".")[0]


@dataclass(frozen=True)
class Function:
    """The lines of a component's function, decorators included, as Python's `inspect` tells them."""

    first: int
    last: int
    kind: str


@dataclass(frozen=True)
class Module:
    """A file of the user's."""

    name: str
    path: str
    text: str
    is_package: bool = False
    functions: Mapping[int, Function] = field(default_factory=dict)

    @cached_property
    def lines(self) -> list[str]:
        """Without their ends."""
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        try:
            return ast.parse(self.text)
        except SyntaxError as error:
            raise UnslicedError(f"this Python does not read {self.path}: {error.msg}") from None

    @cached_property
    def units(self) -> list[Unit]:
        """Its statements without the imports, and without what is done when it is run."""
        nodes = [node for node in self.tree.body if not isinstance(node, (ast.Import, ast.ImportFrom))]
        return [self._unit(node) for node in nodes if not _is_main(node)]

    def _unit(self, node: ast.stmt) -> Unit:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
        known = self.functions.get(first)
        last = max(node.end_lineno or first, known.last if known else 0)
        while first > 1 and self.lines[first - 2].startswith("#"):
            first -= 1
        return Unit(node, first, last, frozenset(_bound(node)), frozenset(_changed(node)))

    @cached_property
    def imports(self) -> dict[str, list[Import]]:
        """By the name that they bind: `import a.b` and `import a.c` both bind `a`."""
        found: dict[str, list[Import]] = {}
        for node in self.tree.body:
            for one in self._imports(node):
                before = found.setdefault(one.bound, []) if one.bound != "*" else []
                before[:] = [*(before if one.module_itself else []), one]
        return found

    @cached_property
    def stars(self) -> list[str]:
        """The modules of which all is imported."""
        return [one.module for node in self.tree.body for one in self._imports(node) if one.bound == "*"]

    @property
    def future(self) -> list[str]:
        """What it has of `__future__`."""
        return [one.name for found in self.imports.values() for one in found if one.module == "__future__"]

    def _imports(self, node: ast.stmt) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                dotted = "." in alias.name and not alias.asname
                yield Import(alias.name, "", alias.asname or alias.name.partition(".")[0], dotted)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(self._absolute(node), alias.name, alias.asname or alias.name)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, *([node.module] if node.module else [])])

    def needs(self, unit: Unit) -> list[ast.Name]:
        """The names that a unit reads, as far as they matter when it is compiled."""
        found = [node for part in self.compiled(unit) for node in _names(part)]
        if self._function(unit) is None:
            return found
        return found + [node for node in _names(unit.node) if self._is_there(node.id)]

    def compiled(self, unit: Unit) -> list[ast.AST]:
        """What of it is looked at when it is compiled: of a Python component its signature and decorators."""
        node, function = unit.node, self._function(unit)
        if isinstance(node, ast.FunctionDef) and function is not None and function.kind != "container":
            return [*node.decorator_list, *self.signature(unit)]
        return [node]

    def signature(self, unit: Unit) -> list[ast.AST]:
        """Of a function that is a Python component: this stands in its spec as it is written."""
        node, function = unit.node, self._function(unit)
        if not isinstance(node, ast.FunctionDef) or function is None or function.kind == "container":
            return []
        return [node.args, *([node.returns] if node.returns else [])]

    def _function(self, unit: Unit) -> Function | None:
        return next((one for line, one in self.functions.items() if unit.first <= line <= unit.last), None)

    def _is_there(self, name: str) -> bool:
        found = self.imports.get(name, ())
        return any(one.module.partition(".")[0] in _AT_RUNTIME for one in found)


def _is_main(node: ast.stmt) -> bool:
    if not isinstance(node, ast.If):
        return False
    return any(isinstance(one, ast.Constant) and one.value == _MAIN for one in ast.walk(node.test))


def _names(node: ast.AST) -> list[ast.Name]:
    return [one for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)]


def _bound(node: ast.AST) -> Iterator[str]:
    """The names of the module that a statement makes; what a function or class makes inside is its own."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.partition(".")[0]
    if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        return
    for child in ast.iter_child_nodes(node):
        yield from _bound(child)


def _changed(node: ast.stmt) -> Iterator[str]:
    """The names whose value a statement changes where it stands: by a method, or by an item."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        targets = [node.value.func]
    elif isinstance(node, ast.Assign):
        targets = node.targets
    for target in targets:
        inner: ast.expr = target
        while isinstance(inner, (ast.Attribute, ast.Subscript)):
            inner = inner.value
        if inner is not target and isinstance(inner, ast.Name):
            yield inner.id
