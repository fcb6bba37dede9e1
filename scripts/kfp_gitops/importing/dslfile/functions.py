"""A DSL file that was compiled: its pipelines by the names that people give them, its components as Python."""

from __future__ import annotations

import tokenize
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kfp_gitops.base.errors import InputError, UsageError
from kfp_gitops.importing.dslfile import values
from kfp_gitops.importing.dslfile.modules import Function, Module, UnslicedError
from kfp_gitops.importing.dslfile.slice import Slice, joined
from kfp_gitops.importing.specs import means_the_same

_HEAD = '''"""The component `{name}`, as {source} has it: edit it here, and compile it with `make components`."""
# Not checked or formatted as other files here: it stands as it was written, and a changed function is a changed spec.
# ruff: noqa
# fmt: off
'''


@dataclass(frozen=True)
class Pipeline:
    """One that the file has, compiled if it was asked for."""

    name: str
    line: int
    text: str
    tasks: Sequence[Mapping[str, Any]]
    error: Mapping[str, Any] | None = None
    """Why it does not compile."""
    lists: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    """Parameters that the lists of loops have become, with the places of the loops."""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Pipeline:
        """As the process of the file told it."""
        compiled = told.get("text", ""), told["tasks"], told.get("error"), told["lists"]
        return cls(_name(told), told["line"], *compiled)


@dataclass(frozen=True)
class DslFile:
    """What the process of a DSL file told; `path` is the file as people gave it."""

    path: str
    file: Path
    answer: Mapping[str, Any]

    def chosen(self, wanted: Sequence[str], *, every: bool) -> list[Pipeline]:
        """The pipelines that are meant.

        Raises:
            InputError: there is none.
            UsageError: there are several and none was named, or one that was named is not there.
        """
        known = [*self._listed(), *self._alone()]
        if wanted:
            self._refuse_unknown(wanted, known)
            found = [one for name in wanted for one in known if name in (one["pipeline"], *one["names"])]
        else:
            listed = self._listed() or ([] if self.answer["pipelines"] else self._alone())
            found = [one for one in listed if not one["inside"]] or listed
        if not found:
            raise InputError.of(self.path, self._none(), _NONE_TODO)
        if len(found) > 1 and not wanted and not every:
            kind = "pipelines" if self._listed() else "components and no pipeline"
            names = ", ".join(f"{_name(one)} (line {one['line']})" for one in found)
            raise UsageError(
                f"import.py: {self.path} has {len(found)} {kind}: {names}; name one of them, as in "
                f"{self.path}:{_name(found[0])}, several (…:a,b), or give --all"
            )
        return [Pipeline.of(one) for one in found]

    def _listed(self) -> list[Mapping[str, Any]]:
        """Those of the file itself; where it has none, those that it has from others."""
        named: list[Mapping[str, Any]] = [one for one in self.answer["pipelines"] if one["names"]]
        own = [one for one in named if one["file"] == str(self.file)]
        return own or named

    def _alone(self) -> list[Mapping[str, Any]]:
        """The components of the file, each of which is a pipeline of its one task, as for `kfp dsl compile`."""
        return [
            {**one, "names": names, "pipeline": one["name"], "inside": False, "tasks": [], "lists": {}}
            for one in self.answer["components"]
            if (names := [name for path, name in one["variables"] if path == str(self.file)])
        ]

    def _refuse_unknown(self, wanted: Sequence[str], known: Sequence[Mapping[str, Any]]) -> None:
        for name in wanted:
            if not any(name in (one["pipeline"], *one["names"]) for one in known):
                there = ", ".join(map(_name, self._listed())) or "none"
                alone = ", ".join(map(_name, self._alone()))
                steps = f"; its components, each of which is a pipeline of one task: {alone}" if alone else ""
                raise UsageError(
                    f"import.py: {self.path} has no pipeline {name!r}; its pipelines: {there}{steps}"
                )

    def _none(self) -> str:
        hidden = [one for one in self.answer["pipelines"] if not one["names"]]
        if hidden:
            return (
                f"no name of the file holds its pipeline {hidden[0]['pipeline']!r} (line {hidden[0]['line']})"
            )
        return "no pipeline is made when this file is imported"

    def origin(self, spec: str) -> Mapping[str, Any] | None:
        """The function that a component's spec was compiled from."""
        for one in self.answer["components"]:
            if means_the_same(one["text"], spec):
                found: Mapping[str, Any] = one
                return found
        return None

    def sources(self, folder: str, function: Mapping[str, Any]) -> Iterator[str | UnslicedError]:
        """component.py for a function, in each way that it can be written; the best comes first."""
        ways: list[str | UnslicedError] = []
        settled = True
        try:
            sliced, settled = self._sliced(folder, function)
            ways.append(self._headed(folder, function, sliced))
        except UnslicedError as error:
            ways.append(error)
        try:
            ways.append(self._headed(folder, function, self._of_values(folder, function)))
        except UnslicedError as error:
            ways.append(error)
        yield from ways if settled else reversed(ways)

    def _headed(self, folder: str, function: Mapping[str, Any], text: str) -> str:
        head = _HEAD.format(name=folder, source=self.shown(function["file"]))
        return f"{head}\n{text}\n"

    def _of_values(self, folder: str, function: Mapping[str, Any]) -> str:
        name = function["function"]
        return joined([values.text(function), *([] if name == folder else [f"{folder} = {name}"])])

    def _sliced(self, folder: str, function: Mapping[str, Any]) -> tuple[str, bool]:
        """Its statements, and whether they mean the same wherever they are compiled."""
        modules = self._modules()
        by_path = {module.path: module for module in modules.values()}
        own = [one for one in function["variables"] if one[0] == function["file"]]
        for path, name in own or function["variables"]:
            found = Slice(modules)
            found.take(by_path[path], name)
            text = joined([found.text(), *([] if name == folder else [f"{folder} = {name}"])])
            return text, not found.reads_environment
        raise UnslicedError("no name of its file holds it")

    def _modules(self) -> dict[str, Module]:
        functions: dict[str, dict[int, Function]] = {}
        for one in self.answer["components"]:
            last = one["line"] + len(one["source"].splitlines()) - 1
            functions.setdefault(one["file"], {})[one["line"]] = Function(one["line"], last, one["kind"])
        found: dict[str, Module] = {}
        for name, path in self.answer["modules"].items():
            with tokenize.open(path) as source:  # as Python reads it
                text = source.read()
            package = Path(path).stem == "__init__"
            found[name] = Module(name, path, text, package, functions.get(path, {}))
        return found

    def shown(self, file: str) -> str:
        """A file as people say it: as it was given, or from the folder of that one."""
        if file == str(self.file):
            return self.file.name
        try:
            return Path(file).relative_to(self.file.parent).as_posix()
        except ValueError:
            return Path(file).name


_NONE_TODO = (
    "decorate a function with @dsl.pipeline and give it a name of the file "
    "(what stands under `if __name__ == '__main__'` is not run)"
)


def _name(pipeline: Mapping[str, Any]) -> str:
    """The name by which it is asked for."""
    return str(next(iter(pipeline["names"]), pipeline["pipeline"]))


Proof = Callable[[Mapping[str, str]], Mapping[str, Mapping[str, Any]]]
"""What component.py files are compiled to, by the names of their folders: a `text`, or an `error`."""


@dataclass(frozen=True)
class Written:
    """Components that go on as Python, and of others why they stay YAML."""

    python: Mapping[str, str]
    specs: Mapping[str, str]
    kept: Mapping[str, str]

    def given_up(self, reason: str) -> Written:
        """All of them stay YAML."""
        return Written({}, {}, {**self.kept, **dict.fromkeys(self.python, reason)})


def as_python(file: DslFile, specs: Mapping[str, str], prove: Proof) -> Written:
    """Of each spec the component.py that compiles to an equal one."""
    ways: dict[str, list[str | UnslicedError]] = {}
    kept: dict[str, str] = {}
    for name, spec in specs.items():
        function = file.origin(spec)
        reason = _no_function(function)
        if reason or function is None:
            kept[name] = reason
        else:
            ways[name] = list(file.sources(name, function))
    python: dict[str, str] = {}
    made: dict[str, str] = {}
    while left := {name: way for name, way in ways.items() if name not in made and way}:
        tried = {name: way.pop(0) for name, way in left.items()}
        texts = {name: one for name, one in tried.items() if isinstance(one, str)}
        proved = prove(texts) if texts else {}
        for name, one in tried.items():
            if reason := _unproved(one, proved.get(name, {}), specs[name], file.answer["sdk"]):
                kept.setdefault(name, reason)
            else:
                python[name], made[name] = str(one), str(proved[name]["text"])
    return Written(python, made, {name: reason for name, reason in kept.items() if name not in made})


def _no_function(function: Mapping[str, Any] | None) -> str:
    if function is None:
        return "no function of the file makes it: it was loaded as YAML"
    if "target_image" in function["arguments"]:
        return (
            f"its code is in the image {function['arguments']['target_image']}, built from the file's folder"
        )
    if (
        "embedded_artifact_path" in function["arguments"]
        or "_helper_source_template" in function["arguments"]
    ):
        return f"it carries the file {function['arguments'].get('embedded_artifact_path', '')}"
    return "" if function["mine"] else "its function belongs to an installed package"


def _unproved(one: str | UnslicedError, proved: Mapping[str, Any], spec: str, sdk: str) -> str:
    if isinstance(one, UnslicedError):
        return str(one)
    if "error" in proved:
        return f"as a file of its own it {proved['error']}"
    if means_the_same(proved["text"], spec):
        return ""
    here = version("kfp")
    if sdk != here:
        return (
            f"kfp {sdk} writes another command than kfp {here} of this repository; compile the file with that"
        )
    return "as a file of its own it compiles to something else"
