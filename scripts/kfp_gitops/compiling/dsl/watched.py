"""What a DSL file makes while it is imported: components, tasks, pipelines; and what of it is not done."""

from __future__ import annotations

import ast
import inspect
import os
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from kfp_gitops.compiling.dsl import lists
from kfp_gitops.compiling.dsl.lists import Lists
from kfp_gitops.compiling.dsl.loading import Mine, Place

_OF_PYTHON = ("os", "os.py", "_collections_abc", "_collections_abc.py")
_KNOWN = ("kfp.dsl", "typing", "collections", "datetime", "typing_extensions")


@dataclass
class Made:
    """A component of a function: the decorator's arguments, and what the names in its signature meant."""

    component: Any
    kind: str
    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    names: Mapping[str, Any]
    place: Place | None


@dataclass
class Task:
    """Where a task of a pipeline was made, by its name in it."""

    pipeline: str
    name: str
    place: Place


@dataclass
class Watched:
    """All of it, in its order."""

    mine: Mine
    components: list[Made] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    pipelines: list[Any] = field(default_factory=list)
    inside: set[int] = field(default_factory=set)
    failed: dict[int, tuple[Exception, Place | None]] = field(default_factory=dict)
    """Why a pipeline does not compile, by its id: another one of the file may be the one that is meant."""
    lists: Lists = field(default_factory=Lists)
    hidden: dict[int, Mapping[str, Place | None]] = field(default_factory=dict)
    """The parameters that lists of a pipeline have become, by its id, and the places of their loops."""
    compiled: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    """What a call of the compiler changes of a pipeline, by its id."""
    unsent: list[Place] = field(default_factory=list)
    variables: dict[str, Place] = field(default_factory=dict)

    def asked(self, name: str) -> None:
        """A variable that was not given; what libraries ask for is theirs."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename.removesuffix(">").endswith(_OF_PYTHON):
            frame = frame.f_back
        if frame is not None and self.mine(frame.f_code.co_filename):
            self.variables.setdefault(name, Place(frame.f_code.co_filename, frame.f_lineno))


def watch(watched: Watched) -> None:
    """Be told of what kfp makes from now on; nothing is written or sent by it."""
    from kfp.dsl import component_factory

    python, container = "create_component_from_func", "create_container_component_from_func"
    _components(watched, component_factory, python, "python")
    _components(watched, component_factory, container, "container")
    _tasks(watched)
    lists.watch(watched.lists, watched.mine)
    _pipelines(watched)
    _compiler(watched)
    _client(watched)


def _components(watched: Watched, factory: Any, name: str, kind: str) -> None:
    make = getattr(factory, name)

    def made(func: Callable[..., Any], *more: Any, **arguments: Any) -> Any:
        frame = watched.mine.frame(sys._getframe(1))
        component = make(func, *more, **arguments)
        names = {} if frame is None else _meant(func, {**frame.f_globals, **frame.f_locals})
        given = {key: value for key, value in arguments.items() if value is not None}
        place = watched.mine.place(frame)
        watched.components.append(Made(component, kind, func, given, names, place))
        return component

    setattr(factory, name, made)


def _meant(func: Callable[..., Any], scope: Mapping[str, Any]) -> dict[str, Any]:
    """What each name in the signature of a function means: where it is had from, or which value it is."""
    try:
        node: Any = ast.parse(textwrap.dedent(inspect.getsource(func))).body[0]
    except (OSError, SyntaxError, IndexError):
        return {}
    parts = [node.args, *([node.returns] if node.returns else [])]
    names = {one.id for part in parts for one in ast.walk(part) if isinstance(one, ast.Name)}
    return {name: meaning(scope[name]) for name in sorted(names) if name in scope}


def meaning(value: Any) -> Any:
    """As data: a module, a name of one that everybody has, or a value that Python writes as it reads it."""
    if inspect.ismodule(value):
        return {"module": value.__name__}
    for module in _KNOWN:
        for name, one in vars(sys.modules.get(module, object)).items():
            if one is value and not name.startswith("_"):
                return {"module": module, "name": name}
    return {"value": repr(value)} if is_plain(value) else None


def is_plain(value: Any) -> bool:
    """Whether Python reads what it writes for a value."""
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return False


def _tasks(watched: Watched) -> None:
    from kfp.dsl import pipeline_context, pipeline_task

    kind = pipeline_task.PipelineTask
    begin = kind.__init__

    def begun(self: Any, *arguments: Any, **more: Any) -> None:
        begin(self, *arguments, **more)
        pipeline = pipeline_context.Pipeline.get_default_pipeline()
        place = watched.mine.place(sys._getframe(1))
        if pipeline is not None and place is not None:
            watched.tasks.append(Task(pipeline.name, self.name, place))

    kind.__init__ = begun


def _pipelines(watched: Watched) -> None:
    from kfp.dsl import base_component, graph_component, pipeline_context

    kind = graph_component.GraphComponent
    begin, call = kind.__init__, base_component.BaseComponent.__call__

    def begun(self: Any, *arguments: Any, **more: Any) -> None:
        try:
            watched.hidden[id(self)] = lists.made(watched.lists, begin, self, *arguments, **more)
        except Exception as error:  # of the user's function, or what the SDK has against it
            if not hasattr(self, "pipeline_func") or _is_inside(pipeline_context):
                raise
            watched.failed[id(self)] = (error, watched.mine.place(sys._getframe(1)))
        watched.pipelines.append(self)

    def called(self: Any, *arguments: Any, **more: Any) -> Any:
        if failed := watched.failed.get(id(self)):
            raise failed[0]
        if _is_inside(pipeline_context):
            watched.inside.add(id(self))
        return call(self, *arguments, **more)

    kind.__init__ = begun
    kind.__call__ = called


def _is_inside(pipeline_context: Any) -> bool:
    return pipeline_context.Pipeline.get_default_pipeline() is not None


def _compiler(watched: Watched) -> None:
    """A file that compiles its pipeline when it is imported: it is compiled anyway, with what that call changes."""
    from kfp.compiler import Compiler

    compiled = Compiler.compile
    changes = ("pipeline_name", "pipeline_display_name", "pipeline_parameters", "type_check")

    def noted(self: Any, *arguments: Any, **more: Any) -> None:
        given = inspect.signature(compiled).bind(self, *arguments, **more).arguments
        found = {key: given[key] for key in changes if given.get(key) is not None}
        watched.compiled[id(given.get("pipeline_func"))] = found
        if Path(given.get("package_path", "")).resolve().is_relative_to(Path(os.environ["TMPDIR"]).resolve()):
            compiled(self, *arguments, **more)  # into a folder for the while, from which it may be read again

    Compiler.really_compile = compiled
    Compiler.compile = noted


def _client(watched: Watched) -> None:
    import kfp

    class Nothing:
        """Stands for a client and for all that it would answer: what is asked of it is not sent."""

        def __init__(self, *_: Any, **__: Any) -> None:
            if place := watched.mine.place(sys._getframe(1)):
                watched.unsent.append(place)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            return self

        def __call__(self, *_: Any, **__: Any) -> Any:
            return self

        def __getitem__(self, _: Any) -> Any:
            return self

        def __iter__(self) -> Any:
            return iter(())

        def __str__(self) -> str:
            return "nothing"

    if hasattr(kfp, "Client"):
        vars(kfp)["Client"] = Nothing
    if client := sys.modules.get("kfp.client"):
        vars(client)["Client"] = Nothing
