"""A component's function as a file of its own: the statements and imports that it needs, out of those of its module."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from kfp_gitops.importing.dslfile.modules import Import, Module, Unit, UnslicedError

_BLOCK = re.compile(r"^(@|def |class |async def )", re.MULTILINE)


@dataclass
class Slice:
    """What was taken so far of the modules, which are given by the names they were imported by."""

    modules: Mapping[str, Module]
    units: dict[tuple[str, int], tuple[Module, Unit]] = field(default_factory=dict)
    imports: dict[str, list[Import]] = field(default_factory=dict)
    stars: dict[str, None] = field(default_factory=dict)
    renamed: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of a file: names that it gives to what it has from another."""
    edits: dict[str, list[tuple[ast.Attribute, str]]] = field(default_factory=dict)
    _before: dict[str, dict[str, None]] = field(default_factory=dict)
    """Of a file: those whose statements must stand before its own."""
    _owners: dict[str, str] = field(default_factory=dict)
    _done: set[tuple[str, str]] = field(default_factory=set)

    def take(self, module: Module, name: str) -> None:
        """A name of a module with all that it needs.

        Raises:
            UnslicedError: it cannot be taken out.
        """
        if (module.path, name) in self._done:
            return
        self._done.add((module.path, name))
        self._before.setdefault(module.path, {})
        imports = module.imports.get(name, [])
        for one in imports:
            self._imported(module, one)
        units = [unit for unit in module.units if name in unit.binds]
        if not imports and not units:
            self._of_star(module, name)
        for unit in units:
            self._unit(module, unit)
        for unit in module.units if units else ():
            if name in unit.changes:
                self._unit(module, unit)

    def _unit(self, module: Module, unit: Unit) -> None:
        if (module.path, unit.first) in self.units:
            return
        for name in unit.binds:
            self._own(name, module.path)
        self.units[module.path, unit.first] = (module, unit)
        inside = self._attributes(module, unit)
        for node in module.needs(unit):
            if id(node) not in inside:
                self.take(module, node.id)
        for name in unit.binds:
            self.take(module, name)

    def _attributes(self, module: Module, unit: Unit) -> set[int]:
        """`common.TAG` of a neighbour becomes `TAG`, which is taken from it; the names of neighbours that were seen."""
        kept = {id(one) for part in module.signature(unit) for one in ast.walk(part)}
        seen: set[int] = set()
        for node in (one for part in module.compiled(unit) for one in ast.walk(part)):
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                continue
            found = module.imports.get(node.value.id, [None])[-1]
            other = self._neighbour(found) if found else None
            if other is None:
                continue
            if id(node) in kept:
                raise UnslicedError(f"its signature says {node.value.id}.{node.attr}, of another file")
            self.edits.setdefault(module.path, []).append((node, node.attr))
            self._from(module, other, node.attr)
            seen.add(id(node.value))
        return seen

    def _from(self, module: Module, other: Module, name: str) -> None:
        self._before.setdefault(module.path, {})[other.path] = None
        self.take(other, name)

    def _neighbour(self, found: Import) -> Module | None:
        """The module of the user's that an import binds."""
        if found.dotted:
            return None
        return self.modules.get(f"{found.module}.{found.name}" if found.name else found.module)

    def _imported(self, module: Module, found: Import) -> None:
        if self._neighbour(found) or (found.dotted and found.bound in self.modules):
            raise UnslicedError(f"it uses the module {found.bound!r} as a whole, which stands beside it")
        if other := self.modules.get(found.module):
            self._from(module, other, found.name)
            if found.bound != found.name:
                self._own(found.bound, f"{found.module} {found.name}")
                self.renamed.setdefault(module.path, {})[found.bound] = found.name
            return
        self._own(found.bound, found.bound if found.module_itself else f"{found.module} {found.name}")
        if found not in self.imports.setdefault(found.bound, []):
            self.imports[found.bound].append(found)

    def _of_star(self, module: Module, name: str) -> None:
        """A name that no statement makes: one of Python's own, or of what is imported as a whole."""
        for star in module.stars:
            if other := self.modules.get(star):
                if name in other.imports or any(name in unit.binds for unit in other.units):
                    self._from(module, other, name)
            else:
                self.stars[star] = None

    def _own(self, name: str, owner: str) -> None:
        if self._owners.setdefault(name, owner) != owner:
            raise UnslicedError(f"{name!r} means one thing in its file, and another in one that it imports")

    @property
    def reads_environment(self) -> bool:
        """Whether what it compiles to depends on variables of the process that compiles it."""
        parts = (part for module, unit in self.units.values() for part in module.compiled(unit))
        return any(
            isinstance(node, ast.Attribute | ast.Name | ast.alias) and _named(node) in ("environ", "getenv")
            for part in parts
            for node in ast.walk(part)
        )

    def text(self) -> str:
        """All of it: imports first, then what neighbours have, then its own."""
        future = {name for module, _ in self.units.values() for name in module.future}
        imports = [one for found in self.imports.values() for one in found]
        parts = [import_lines(imports, future, list(self.stars))]
        for path in self._order():
            parts += [f"{name} = {of}" for name, of in self.renamed.get(path, {}).items()]
            found = sorted(self.units.items(), key=lambda one: one[1][1].first)
            parts += [self._lines(*one) for at, one in found if at[0] == path]
        return joined(parts)

    def _order(self) -> list[str]:
        """Files, those that others need before them."""
        found: dict[str, None] = {}
        entered: set[str] = set()

        def visit(path: str) -> None:
            if path not in entered:
                entered.add(path)
                for other in self._before.get(path, ()):
                    visit(other)
                found[path] = None

        for path in self._before:
            visit(path)
        return list(found)

    def _lines(self, module: Module, unit: Unit) -> str:
        lines = module.lines[unit.first - 1 : unit.last]
        edits = sorted(self.edits.get(module.path, ()), key=lambda one: (one[0].lineno, one[0].col_offset))
        for node, name in reversed(edits):
            if unit.first <= node.lineno <= unit.last and node.lineno == node.end_lineno:
                line = lines[node.lineno - unit.first].encode()
                new = line[: node.col_offset] + name.encode() + line[node.end_col_offset :]
                lines[node.lineno - unit.first] = new.decode()
        return "\n".join(lines)


def _named(node: ast.Attribute | ast.Name | ast.alias) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return node.name


def import_lines(imports: list[Import], future: set[str], stars: list[str]) -> str:
    """Import statements: Python's own before others, names of one module together."""
    plain = {(one.module, one.bound) for one in imports if not one.name}
    names: dict[str, set[str]] = {star: {"*"} for star in stars}
    for one in imports:
        if one.name:
            shown = one.name if one.name == one.bound else f"{one.name} as {one.bound}"
            names.setdefault(one.module, set()).add(shown)
    lines = [(_rank(module), _plain(module, bound)) for module, bound in plain]
    lines += [
        (_rank(module), f"from {module} import {', '.join(sorted(of))}") for module, of in names.items()
    ]
    groups: dict[int, list[str]] = {0: [f"from __future__ import {name}" for name in sorted(future)]}
    for rank, line in sorted(lines, key=lambda one: (one[0], one[1].startswith("from"), one[1])):
        if not line.startswith("from __future__"):
            groups.setdefault(rank, []).append(line)
    return "\n\n".join("\n".join(group) for group in groups.values() if group)


def _rank(module: str) -> int:
    return 1 if module.partition(".")[0] in sys.stdlib_module_names else 2


def _plain(module: str, bound: str) -> str:
    return f"import {module}" if bound == module.partition(".")[0] else f"import {module} as {bound}"


def joined(parts: list[str]) -> str:
    """Parts of a file: two empty lines around functions and classes, one after the imports, none between constants."""
    found, before = "", False
    for number, part in enumerate(one for one in parts if one):
        block = _BLOCK.search(part) is not None
        gap = "\n\n\n" if block or before else "\n\n" if number == 1 else "\n"
        found += (gap if number else "") + part
        before = block
    return found
