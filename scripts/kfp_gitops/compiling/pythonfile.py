"""A Python file of the repository, run and compiled: component.py to a component's spec, pipeline.py to IR.

To run it is to run its authors' code, with all rights of whoever does it. Nothing does but what compiles: rendering,
the policy and the reconciler read what came of it.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from kfp_gitops.base.errors import InputError
from kfp_gitops.compiling import reproducible
from kfp_gitops.compiling.opened import listening
from kfp_gitops.sources import compiledfrom
from kfp_gitops.sources.compiledfrom import PIPELINE_SOURCE, Compilation

_NO_TYPE = re.compile(
    r"must have both a schema_title and a schema_version, separated by `@`\. Got: (.+)", re.DOTALL
)
_OURS = ("scripts",)
"""What of the repository is our own code: it makes nothing of what is compiled."""


def compiled(root: Path, one: Compilation) -> str:
    """What it compiles to, and from which files; without the SDK's own comment, whose order is another each time.

    Raises:
        InputError: it cannot be run, or holds nothing to compile.
    """
    from kfp_gitops.compiling.compiler import emit, sdk

    with (
        listening(root, without=_OURS) as opened,
        _importable(root, one),
        reproducible.archives(sdk.component_factory),
    ):
        documents = _documents(_found(_run(root, one), one), one)
    read = {path: content for path, content in opened.read().items() if path != one.target_path}
    return compiledfrom.written(one, emit.text(documents), read)


def _documents(found: Any, one: Compilation) -> list[dict[str, Any]]:
    from kfp_gitops.compiling.compiler import emit

    try:
        return emit.documents(found)
    except Exception as error:  # of many kinds: what the SDK sees only when it writes
        what = f"cannot be compiled: {type(error).__name__}: {error}"
        todo = "look at the types and the defaults of its inputs: each default is of its input's type"
        raise InputError.of(one.source_path, what, todo) from error


@contextmanager
def _importable(root: Path, one: Compilation) -> Iterator[None]:
    """Modules beside the file, of the repository and of components/src can be imported, from their sources alone.

    What was imported so is forgotten after: another file may have a module of the same name beside it.
    """
    base = os.path.realpath(root)
    before, known = (sys.path[:], sys.dont_write_bytecode, sys.pycache_prefix), _of(base)
    for name in known:
        del sys.modules[name]
    theirs = [f"{base}/{one.folder}", base, f"{base}/components/src"]
    sys.path[:] = [*theirs, *(path for path in sys.path if not _has_scripts(path))]
    sys.dont_write_bytecode, sys.pycache_prefix = True, f"{base}/.no-bytecode"
    importlib.invalidate_caches()
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path[:], sys.dont_write_bytecode, sys.pycache_prefix = before
        for name in _of(base):
            del sys.modules[name]
        sys.modules.update(known)


def _has_scripts(path: str) -> bool:
    """Where our scripts stand: by `components` a component's author means the folder, not `components.py`."""
    return Path(path, "components.py").is_file() and Path(path, "kfp_gitops").is_dir()


def _of(base: str) -> Mapping[str, ModuleType]:
    """The modules that stand in a repository, our own aside; a package without __init__.py has folders alone."""
    return {name: module for name, module in list(sys.modules.items()) if _is_of(base, name, module)}


def _is_of(base: str, name: str, module: ModuleType) -> bool:
    places = [getattr(module, "__file__", None) or "", *(getattr(module, "__path__", None) or ())]
    inside = any(str(place).startswith(f"{base}/") for place in places)
    return inside and name != "__main__" and not any(_is_ours(base, str(place)) for place in places)


def _is_ours(base: str, place: str) -> bool:
    return place.startswith((f"{base}/scripts/", f"{base}/tests/")) or "/site-packages/" in place


def _run(root: Path, one: Compilation) -> ModuleType:
    file = os.path.realpath(root / one.source_path)
    module = module_from_spec(ModuleSpec(f"{one.source.removesuffix('.py')}_{one.name}", None, origin=file))
    module.__file__ = file
    sys.modules[module.__name__] = module  # where annotations that are texts are looked up
    try:
        code = compile(Path(file).read_bytes(), file, "exec", dont_inherit=True)
        exec(code, vars(module))  # noqa: S102  # the repository's own code, which is what is compiled
    except (Exception, SystemExit) as error:
        said = error.msg if isinstance(error, SyntaxError) else _plainly(str(error))
        what = f"cannot be imported: {type(error).__name__}: {said}"
        raise InputError.of(one.source_path, what, "correct it", *_place(error, file)) from error
    return module


def _plainly(said: str) -> str:
    """What the SDK says of a type that it does not know speaks of its own insides."""
    found = _NO_TYPE.search(said)
    if found is None:
        return said
    return (
        f"{found[1]} is no type of an input or output (str, int, float, bool, list, dict, or Input[…] and Output[…] of "
        'Dataset, Model, Metrics, …; several outputs as NamedTuple("Outputs", [("count", int), …]))'
    )


def _place(error: BaseException, file: str) -> tuple[int, int]:
    """Line and column of the file at which importing it ended; 0, 0 for the whole file."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno or 0, error.offset or 1
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == file]
    return (lines[-1] or 0, 1) if lines else (0, 0)


def _found(module: ModuleType, one: Compilation) -> Any:
    if one.source == PIPELINE_SOURCE:
        return _pipeline(module, one)
    if not hasattr(module, one.name):
        what = f"no component named {one.name!r}"
        raise InputError.of(one.source_path, what, "name the function like its folder")
    found = getattr(module, one.name)
    if not hasattr(type(found), "pipeline_spec"):  # asked of the component itself, it is compiled
        what = f"{one.name!r} is no component"
        raise InputError.of(
            one.source_path, what, "put @dsl.component(…) or @dsl.container_component above it"
        )
    return found


def _pipeline(module: ModuleType, one: Compilation) -> Any:
    """The one that is called `pipeline`; else the only one; else that of the folder's name.

    As for `kfp dsl compile` a component is a pipeline where the file has no other (kfp/cli/compile_.py).
    """
    from kfp_gitops.compiling.compiler.sdk import BaseComponent, GraphComponent

    every = {name: value for name, value in vars(module).items() if isinstance(value, BaseComponent)}
    named = {name: value for name, value in every.items() if isinstance(value, GraphComponent)} or every
    different = list({id(value): value for value in named.values()}.values())
    if "pipeline" in named or len(different) == 1:
        return named.get("pipeline", different[0])
    function = one.name.replace("-", "_")
    if function in named:
        return named[function]
    if not named:
        raise InputError.of(one.source_path, "no pipeline", "decorate a function with @dsl.pipeline")
    kind = "pipelines" if named is not every else "components and no pipeline"
    what = f"{len(different)} {kind} ({', '.join(named)}), and none is named {function!r}"
    raise InputError.of(one.source_path, what, f"say which one it is: `pipeline = {[*named][-1]}`")
