"""Why a DSL file cannot be compiled, as data: the kind of it, and the place in the user's own code."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from types import TracebackType
from typing import Any

from kfp_gitops.compiling.dsl.loading import Mine, Place, place_in

_LONGEST = 300
_FIRST = re.compile(
    r"ContainerOp|ResourceOp|VolumeOp|VolumeSnapshotOp|func_to_container_op|build_python_component"
    r"|get_pipeline_conf|kfp\.(v2|onprem|gcp|aws|azure|notebook|containers)\b|create_component_from_func|use_k8s_secret"
    r"|PipelineConf\b|_container_op|pipeline_func_to_|add_env_variable|as_name_for_argo"
)
"""Names of KFP 1's DSL that KFP 2 has no more."""


def failure(error: BaseException, mine: Mine, otherwise: Place | None = None) -> dict[str, Any]:
    """What went wrong; the process that asked words it. `otherwise` is a place where none of the user's failed."""
    place = _syntax_place(error, mine) or _innermost(error.__traceback__, mine) or otherwise
    found: dict[str, Any] = {
        "kind": _kind(error),
        "type": type(error).__name__,
        "message": _cut(" ".join(str(getattr(error, "msg", None) or error).split())),
        "name": _name(error),
    }
    if place is not None:
        found |= {**vars(place), "text": _line(place)}
        if isinstance(error, TypeError) and _has_text_annotations(place):
            found["kind"] = "annotations"
    return found


def _has_text_annotations(place: Place) -> bool:
    try:
        text = Path(place.file).read_text("utf-8", "replace")
    except OSError:
        return False
    return re.search(r"^from __future__ import .*\bannotations\b", text, re.MULTILINE) is not None


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _kind(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, SyntaxError):
        return "syntax"
    if isinstance(error, (AttributeError, ImportError, TypeError)) and _FIRST.search(text):
        return "first"
    if isinstance(error, ModuleNotFoundError):
        return "missing"
    if isinstance(error, SystemExit):
        return "exit"
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, FileNotFoundError) and isinstance(error.filename, (str, bytes)):
        return "file"
    return "network" if _of_network(error) else "raised"


def _of_network(error: BaseException | None) -> bool:
    """Whether there is no network behind it: libraries wrap what the system said."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        reason = getattr(error, "reason", None)
        if isinstance(error, (socket.gaierror, ConnectionError)) or getattr(error, "errno", 0) in (101, 113):
            return True
        error = reason if isinstance(reason, BaseException) else error.__cause__ or error.__context__
    return False


def _name(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return str(error.filename)
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])
    return str(getattr(error, "name", "") or "")


def _syntax_place(error: BaseException, mine: Mine) -> Place | None:
    if isinstance(error, SyntaxError) and error.filename and mine(str(error.filename)):
        return Place(str(error.filename), error.lineno or 1, error.offset or 1)
    return None


def _innermost(trace: TracebackType | None, mine: Mine) -> Place | None:
    found: Place | None = None
    while trace is not None:
        code = trace.tb_frame.f_code
        if mine(code.co_filename):
            found = place_in(code, trace.tb_lasti, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _line(place: Place) -> str:
    try:
        lines = Path(place.file).read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    rest = [line.strip() for line in lines[place.line - 1 :]] if place.line > 0 else []
    if rest and rest[0].startswith("@"):  # of a decorator, the function says more
        return next((line for line in rest if line.startswith("def ")), rest[0])
    return rest[0] if rest else ""
