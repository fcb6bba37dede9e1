"""What a repository's own tests ask of its components and pipelines, in words that say how to mend a test.

A component is called as plain Python, without a container or a server: `step("clean_text")(text="a").count`. What a
test gives and expects is looked up by name, so it goes on holding when an input gets another default, an output is
added or tasks move; where a name is gone, the test that uses it says so, and which there are.
"""

from __future__ import annotations

import atexit
import inspect
import shutil
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NoReturn

import pytest
from kfp_gitops.base.errors import GitOpsError, InputError, UsageError, raise_if_any
from kfp_gitops.compiling.compiler import Compiled, compile_pipeline
from kfp_gitops.rendering.render import render
from kfp_gitops.sources import compiledfrom, environment
from kfp_gitops.sources.components import Component, Port
from kfp_gitops.sources.components import read as component_of
from kfp_gitops.sources.selection import Selection
from project import ROOT

_PYTHON: Mapping[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (float, int), "bool": (bool,), "list": (list,), "dict": (dict,),
}  # fmt: skip


def _temporary() -> Path:
    """A folder until the tests end."""
    folder = mkdtemp(prefix="step-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@dataclass(frozen=True)
class Outputs:
    """What a step gave: an attribute for each output; an artifact has `.path` and `.metadata`."""

    _step: str
    _given: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        """An output by its name."""
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._given:
            _say(
                f"the component {self._step} has no output {name!r}; it has: {_listed(self._given)}. "
                "If it was renamed or removed, do the same here"
            )
        return self._given[name]


@dataclass(frozen=True)
class Step:
    """A Python component, to be called with its inputs by name; artifacts that it reads are given as paths."""

    name: str
    root: Path = ROOT
    folder: Path = field(default_factory=_temporary)
    """Where what it writes goes."""

    def __call__(self, **given: Any) -> Outputs:
        """Run it once; what it raises is raised, with a word on what to do."""
        component, interface = self._read()
        _check(self.name, interface, given)
        written = {
            port.name: _artifact(port, self.folder / port.name) for port in _artifacts(interface.outputs)
        }
        read = {
            port.name: _artifact(port, Path(given[port.name]))
            for port in _artifacts(interface.inputs)
            if port.name in given
        }
        try:
            result = component.python_func(**{**given, **read, **written})
        except Exception as error:
            error.add_note(
                f"the component {self.name} raised this in {self._place(error)}; where it is to raise it, expect it in "
                f"the test: `with pytest.raises({type(error).__name__}):`"
            )
            raise
        return Outputs(self.name, written | _returned(self.name, interface, result))

    def _read(self) -> tuple[Any, Component]:
        """The function as KFP's SDK sees it, and its interface: of what is written now, compiled or not."""
        path = self.root / f"components/{self.name}/component.py"
        if not path.is_file():
            known = sorted(found.parent.name for found in (self.root / "components").glob("*/component.py"))
            _say(
                f"there is no component {self.name!r}; there are: {_listed(known)}. If it was renamed, do so here"
            )
        found = getattr(self._imported(path), self.name, None)
        if not hasattr(found, "python_func"):
            _say(
                f"components/{self.name}/component.py has no function {self.name} with @dsl.component: name it like "
                "its folder; what runs in a container alone cannot be called here"
            )
        return found, component_of(self.name, _text(found), f"components/{self.name}/component.yaml")

    def _imported(self, path: Path) -> Any:
        spec = spec_from_file_location(f"{self.name}_under_test", path)
        assert spec and spec.loader
        module = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            _say(
                f"{self._place(error)}: cannot be imported: {type(error).__name__}: {error}. Correct that there; this "
                "test need not change"
            )
        return module

    def _place(self, error: Exception) -> str:
        """The line of the component at which it went wrong."""
        path = f"components/{self.name}/component.py"
        if isinstance(error, SyntaxError) and error.filename == str(self.root / path):
            return f"{path}:{error.lineno}"
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(self.root / path)]
        return f"{path}:{lines[-1] if lines else 1}"


def step(name: str, folder: Path | None = None) -> Step:
    """A component of this repository; what it writes goes to `folder`, or to one of its own."""
    return Step(name) if folder is None else Step(name, folder=folder)


def pipeline(name: str, env: str, root: Path = ROOT) -> Compiled:
    """A pipeline as its inputs render and compile now; what is wrong with it is told at its line."""
    try:
        return _compiled(name, env, root)
    except InputError as error:
        what = (
            f"the pipeline {name} does not hold together:\n{error}\nCorrect that; this test need not change"
        )
    except GitOpsError as error:
        what = str(error)
    return _say(what)


def _compiled(name: str, env: str, root: Path) -> Compiled:
    found = environment.load(root, env)
    if name not in found.pipelines:
        raise UsageError(
            f"{env} has no pipeline {name!r}; there are: {_listed(found.pipelines)}. If it was renamed, do so here; if "
            "it is gone, remove this test"
        )
    raise_if_any(compiledfrom.stale(root, [compiledfrom.pipeline(found.template_of(name))]))
    rendered = render(root, env, selection=Selection(globs=(name,)))
    (made,) = (each for each in rendered.pipelines if each.name == name)
    return compile_pipeline(made, rendered.folder)


def _text(component: Any) -> str:
    from kfp_gitops.compiling.compiler import emit

    return emit.text(emit.documents(component))


def _artifacts(ports: Mapping[str, Port]) -> Iterator[Port]:
    return (port for port in ports.values() if port.type is None and port.artifact)


def _check(name: str, interface: Component, given: Mapping[str, Any]) -> None:
    """All that does not fit, at once."""
    problems = [*_unfit(interface, given)]
    if problems:
        _say(f"the component {name} has changed: " + "; ".join(problems))


def _unfit(interface: Component, given: Mapping[str, Any]) -> Iterator[str]:
    inputs = interface.inputs
    for name in given:
        if name not in inputs:
            yield f"it has no input {name!r} (it has: {_listed(inputs)}); if it was renamed or removed, do so here"
    for port in inputs.values():
        if port.name not in given and not port.optional and not port.final_status:
            what = f"{port.type}" if port.type else f"a path to {port.artifact}"
            yield f"it needs {port.name!r} ({what}), which this test does not give: add {port.name}=… to the call here"
        elif port.name in given and port.type and not _fits(given[port.name], port.type):
            yield (
                f"{port.name!r} is of type {port.type} now, and this test gives {given[port.name]!r}: "
                "give a value of that type here"
            )


def _fits(value: Any, kind: str) -> bool:
    wanted = _PYTHON.get(kind, (object,))
    return isinstance(value, wanted) and (kind == "bool" or not isinstance(value, bool))


def _artifact(port: Port, path: Path) -> Any:
    from kfp import dsl

    kind = getattr(dsl, str(port.artifact).rpartition(".")[2], dsl.Artifact)
    return kind(name=port.name, uri=str(path), metadata={})


def _returned(name: str, interface: Component, result: Any) -> dict[str, Any]:
    """The values that a function returns, by the names of its outputs."""
    names = [port.name for port in interface.outputs.values() if port.type]
    if not names:
        return {}
    if hasattr(result, "_asdict"):
        return dict(result._asdict())
    values = list(result) if isinstance(result, tuple) else [result]
    if len(values) != len(names):
        _say(
            f"components/{name}/component.py returns {len(values)} values, and its annotation says {len(names)}: "
            f"{_listed(names)}. Correct that there; this test need not change"
        )
    return dict(zip(names, values, strict=True))


def _listed(names: Any) -> str:
    return ", ".join(names) or "none"


def _say(what: str) -> NoReturn:
    """Fail with that, and the line of the test that asked, instead of a traceback through this module."""
    here = inspect.currentframe()
    while here and here.f_code.co_filename == __file__:
        here = here.f_back
    assert here
    path = Path(here.f_code.co_filename)
    where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    pytest.fail(f"{where}:{here.f_lineno}: {what}", pytrace=False)
