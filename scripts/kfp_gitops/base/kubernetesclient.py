"""Kubernetes' client without what is not used of it: its 700 modules of APIs and models are imported by name.

The whole import takes a third of a second and 40 MB, in every Job. What the packages import is read in their own
sources; where these hold anything else than imports, or the client is there already, it is imported as it is.
"""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

_ROOT = "kubernetes"
_LATE = ("kubernetes.client", "kubernetes.client.models", "kubernetes.client.api")


class _Otherwise(Exception):  # noqa: N818 - the client is not made as it was
    """A package does more than import names."""


def imported() -> tuple[Any, Any]:
    """(`kubernetes.client`, `kubernetes.config`)."""
    if _ROOT not in sys.modules:
        try:
            _prepare()
        except (_Otherwise, OSError, SyntaxError, ImportError):
            for name in (_ROOT, *_LATE):
                sys.modules.pop(name, None)
    return import_module("kubernetes.client"), import_module("kubernetes.config")


def _prepare() -> None:
    spec = find_spec(_ROOT)
    if spec is None or spec.origin is None:
        raise ImportError(_ROOT)
    folder = Path(spec.origin).parent
    root = _package(spec, lambda name: import_module(f"{_ROOT}.{name}"))
    root.__version__ = _version(Path(spec.origin))  # type: ignore[attr-defined]  # its packages ask for it
    made = {_ROOT: root}
    for name in _LATE:
        path = folder.parent.joinpath(*name.split("."), "__init__.py")
        found = spec_from_file_location(name, path, submodule_search_locations=[str(path.parent)])
        if found is None:
            raise ImportError(name)
        made[name] = _package(found, _from(_names(path)))
    sys.modules.update(made)
    for name in _LATE:
        parent, _, last = name.rpartition(".")
        setattr(made[parent], last, made[name])


def _package(spec: ModuleSpec, late: Any) -> ModuleType:
    """A package that has not run, and imports what it is asked for."""
    found = module_from_spec(spec)

    def asked(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            value = late(name)
        except (ImportError, KeyError):
            raise AttributeError(f"module {spec.name!r} has no attribute {name!r}") from None
        setattr(found, name, value)
        return value

    found.__getattr__ = asked  # type: ignore[method-assign]  # PEP 562: a module's own
    return found


def _from(places: dict[str, str]) -> Any:
    return lambda name: getattr(import_module(places[name]), name)


def _version(path: Path) -> str:
    for statement in ast.parse(path.read_text("utf-8")).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="__version__")], value=ast.Constant(value=str(found))):
                return found
    raise _Otherwise(path)


def _names(path: Path) -> dict[str, str]:
    """Name → module that it is imported from."""
    found: dict[str, str] = {}
    for statement in ast.parse(path.read_text("utf-8")).body:
        match statement:
            case ast.ImportFrom(module=str(module), names=names, level=0):
                found |= {alias.asname or alias.name: module for alias in names if module != "__future__"}
            case ast.Expr(value=ast.Constant()) | ast.Assign(targets=[ast.Name(id="__version__")]):
                continue
            case _:
                raise _Otherwise(path)
    return found
