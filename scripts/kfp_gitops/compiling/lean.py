"""The kfp SDK with less work: a lean import, and two of its habits made cheap. What it compiles is the same.

Each of these leaves the SDK as it is where it does not look as expected.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any

import yaml

_RUNTIME = "_KFP_RUNTIME"  # kfp/__init__.py, 2.17: with it the package imports neither dsl nor its client
_LATER = ("Client", "client", "compiler", "components", "dsl")


def import_kfp() -> None:
    """Import `kfp` without its API client, unless it is there already; `kfp.Client` is imported when asked for."""
    if "kfp" in sys.modules:
        return
    try:
        _import_lean()
    except Exception:  # whatever another release of the SDK makes of it: the plain import says what is wrong
        _import_anew("kfp")


def import_kfp_kubernetes() -> Any:
    """Import `kfp.kubernetes` without Kubernetes' client, 700 modules for the check of one function."""
    try:
        with _imported_when_used("kubernetes", "client"):  # kfp/kubernetes/node_affinity.py, 2.17
            return import_module("kfp.kubernetes")
    except Exception:
        return _import_anew("kfp.kubernetes")


def _import_anew(package: str) -> ModuleType:
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]
    return import_module(package)


def _import_lean() -> None:
    with _in_environment(_RUNTIME, "true"):
        kfp = import_module("kfp")
    kfp.__getattr__ = _late  # type: ignore[method-assign]  # PEP 562: a module's own, for what it has not got
    with _imported_when_used("requests"):  # components.load_component_from_url alone uses it
        for name in ("dsl", "components", "compiler"):
            import_module(f"kfp.{name}")


@contextmanager
def _in_environment(name: str, value: str) -> Iterator[None]:
    saved = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if saved is None:
            del os.environ[name]
        else:
            os.environ[name] = saved


@contextmanager
def _imported_when_used(name: str, *parts: str) -> Iterator[None]:
    """Who imports a module meanwhile gets one that stands for it, and imports it when something of it is used.

    `parts` are the modules in it that are imported from it: each stands for itself.
    """
    if name in sys.modules:
        yield
        return
    placeholder = sys.modules[name] = _standing_for(name)
    for part in parts:
        setattr(placeholder, part, _standing_for(f"{name}.{part}"))
    try:
        yield
    finally:
        del sys.modules[name]


def _standing_for(name: str) -> ModuleType:
    def late(wanted: str) -> Any:
        if wanted.startswith("__"):  # the import itself asks for __path__
            raise AttributeError(wanted)
        return getattr(import_module(name), wanted)

    found = ModuleType(name)
    found.__getattr__ = late  # type: ignore[method-assign]  # PEP 562
    return found


def _late(name: str) -> Any:
    """What the package has after a whole import."""
    if name not in _LATER:
        raise AttributeError(f"module 'kfp' has no attribute {name!r}")
    if name == "Client":
        return import_module("kfp.client").Client
    return import_module(f"kfp.{name}")


def make_cheap(structures: ModuleType, pipeline_task: ModuleType) -> None:
    """LibYAML reads component specs; and a setter that only wants its caller's name gets no whole stack.

    kfp.dsl.structures parses with PyYAML's parser in Python, at 4 ms a spec. kfp.dsl.pipeline_task takes
    `inspect.stack()[1][3]` in every setter of a container, which reads the source of all frames.
    """
    if getattr(structures, "yaml", None) is yaml:
        structures.yaml = Instead(  # type: ignore[attr-defined]  # a name of that module
            yaml,
            safe_load=partial(yaml.load, Loader=yaml.CSafeLoader),
            safe_load_all=partial(yaml.load_all, Loader=yaml.CSafeLoader),
        )
    if getattr(pipeline_task, "inspect", None) is inspect:
        pipeline_task.inspect = Instead(inspect, stack=_two_frames)  # type: ignore[attr-defined]  # the same


class Instead(SimpleNamespace):
    """A module with a few functions of it replaced."""

    def __init__(self, module: ModuleType, **replaced: Any) -> None:
        super().__init__(**replaced)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _two_frames(_context: int = 1) -> list[tuple[FrameType | None, str, int, str, None, None]]:
    """The innermost two entries of `inspect.stack()`, without lines of source."""
    asking = sys._getframe(1)
    frames = [frame for frame in (asking, asking.f_back) if frame]
    return [
        (frame, frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, None, None)
        for frame in frames
    ]
