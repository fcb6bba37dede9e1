"""Compile the pipelines of a DSL file, or components that were written for a repository; started by `process`.

Reads a request (JSON) and writes the answer beside it.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path
from typing import Any

from kfp_gitops.compiling import opened
from kfp_gitops.compiling.dsl import confined, loading, told, watched


def main(request: Path) -> None:
    """Answer a request; whatever the code of the file does is an answer, too."""
    asked = json.loads(request.read_text("utf-8"))
    mine = loading.Mine(asked["own"])
    try:
        answer = _answer(asked, mine)
    except BaseException as error:  # of the user's code
        answer = {"error": told.failure(error, mine)}
    request.with_name("answer.json").write_text(json.dumps(answer), "utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # nothing of the file runs on: no thread, no handler of an exit


def _answer(asked: dict[str, Any], mine: loading.Mine) -> dict[str, Any]:
    confined.bounded(asked["seconds"], asked["megabytes"])
    if not asked["network"]:
        confined.without_network()
    try:
        import kfp
    except ImportError as error:
        return {"error": {"kind": "no-kfp", "type": type(error).__name__, "message": str(error), "name": ""}}
    if "components" in asked:
        return {"components": {name: _component(asked["root"], name) for name in asked["components"]}}
    if "template" in asked:
        return _kept(asked["root"], asked["template"])
    found = watched.Watched(mine)
    watched.watch(found)
    confined.noting_variables(found.asked)
    sys.argv = [asked["file"]]  # a file that reads its arguments has none
    with opened.listening(Path(asked["own"][0])) as read:
        module = loading.load(Path(asked["file"]), asked["package"], asked["first"], asked["last"])
    return {
        "sdk": kfp.__version__,
        "read": [f"{read.root}/{path}" for path in read.read()],
        "modules": {name: str(one.__file__) for name, one in loading.modules(mine).items()},
        "pipelines": _pipelines(found, module, asked),
        "components": [_made(one, mine) for one in found.components],
        "unsent": [vars(place) for place in found.unsent],
        "variables": {name: vars(place) for name, place in found.variables.items()},
    }


def _pipelines(found: watched.Watched, module: Any, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that the file's names hold; each that was asked for is compiled."""
    listed = []
    for one in found.pipelines:
        names = [name for name, value in vars(module).items() if value is one]
        function = one.pipeline_func
        line = function.__code__.co_firstlineno
        said: dict[str, Any] = {
            "names": names,
            "pipeline": one.name,
            "function": function.__name__,
            "file": inspect.getsourcefile(function) or "",
            "line": _def_line(function, line),
            "inside": id(one) in found.inside,
        }
        if not asked["wanted"] or {*names, one.name} & {*asked["wanted"]}:
            said |= _compiled(one, found)
            tasks = [
                task for own in (True, False) for task in found.tasks if (task.pipeline == one.name) is own
            ]
            said["lists"] = {
                name: place and vars(place) for name, place in found.hidden.get(id(one), {}).items()
            }
            said["tasks"] = [{"name": task.name, **vars(task.place)} for task in tasks]
        listed.append(said)
    return listed


def _compiled(one: Any, found: watched.Watched) -> dict[str, Any]:
    """Its IR, or why it has none."""
    failed, place = found.failed.get(id(one), (None, None))
    try:
        if failed is not None:
            raise failed
        return {"text": _text(one, found.compiled.get(id(one), {}))}
    except Exception as error:  # of the user's function, or what the SDK has against it
        return {"error": told.failure(error, found.mine, place)}


def _def_line(function: Any, line: int) -> int:
    """The line of `def`, whatever decorators stand before it."""
    try:
        lines = inspect.getsource(function).splitlines()
    except OSError:
        return line
    return line + next((n for n, text in enumerate(lines) if text.lstrip().startswith("def ")), 0)


def _text(component: Any, changes: Any) -> str:
    from kfp.compiler import Compiler

    path = Path(os.environ["TMPDIR"], "compiled.yaml")
    compiler: Any = Compiler()
    compiler.really_compile(component, str(path), **changes)
    return path.read_text("utf-8")


def _made(one: watched.Made, mine: loading.Mine) -> dict[str, Any]:
    function = one.function
    arguments = {key: repr(value) for key, value in one.arguments.items() if watched.is_plain(value)}
    own = loading.modules(mine)
    return {
        "kind": one.kind,
        "name": one.component.name,
        "function": function.__name__,
        "file": inspect.getsourcefile(function) or "",
        "mine": mine(inspect.getsourcefile(function) or ""),
        "line": function.__code__.co_firstlineno,
        "source": _source(function),
        "variables": [
            [str(module.__file__), name]
            for module in own.values()
            for name, value in vars(module).items()
            if value is one.component
        ],
        "arguments": arguments,
        "unsaid": sorted(one.arguments.keys() - arguments.keys()),
        "names": dict(one.names),
        "text": _text_alone(one.component),
    }


def _text_alone(component: Any) -> str:
    """Its spec; empty where it has none: what is wrong is told of the pipeline that uses it."""
    try:
        return _text(component, {})
    except Exception:  # what the SDK has against it
        return ""


def _source(function: Any) -> str:
    try:
        return inspect.getsource(function)
    except OSError:
        return ""


def _component(root: str, name: str) -> dict[str, Any]:
    """As `components.py` compiles it; only where all of kfp_gitops is on the way."""
    from kfp_gitops.base.errors import InputError
    from kfp_gitops.compiling import pythonfile
    from kfp_gitops.sources import compiledfrom

    try:
        return {"text": pythonfile.compiled(Path(root), compiledfrom.component(name))}
    except InputError as error:
        return {"error": error.problems[0].what}
    except Exception as error:  # the SDK raises whatever comes up
        return {"error": f"{type(error).__name__}: {error}"}


def _kept(root: str, template: str) -> dict[str, Any]:
    """As `components.py` compiles it; likewise."""
    from kfp_gitops.base.errors import InputError
    from kfp_gitops.compiling import pythonfile
    from kfp_gitops.sources import compiledfrom

    try:
        return {"text": pythonfile.compiled(Path(root), compiledfrom.pipeline(template))}
    except InputError as error:
        return {"problems": [problem.texts() for problem in error.problems]}
