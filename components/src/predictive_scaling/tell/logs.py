"""Log lines as JSON on stderr, each with the run, the task and the environment that it belongs to.

Read where present: KFP_POD_NAME, KFP_POD_UID and NAMESPACE, which KFP's launcher sets in a task's container, and
KUBERNETES_SERVICE_HOST, which says that there is a cluster at all. The setting ENVIRONMENT names the environment.
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ParamSpec, TextIO, TypeVar

from pythonjsonlogger.json import JsonFormatter

from predictive_scaling.base.errors import InputError
from predictive_scaling.base.settings import told

LOGGER = logging.getLogger("predictive_scaling")
PLACE = {"pod": "KFP_POD_NAME", "pod_uid": "KFP_POD_UID", "namespace": "NAMESPACE"}
_context: ContextVar[dict[str, str]] = ContextVar("context", default={})  # noqa: B039 -- never changed in place

P = ParamSpec("P")
R = TypeVar("R")


class JsonLines(JsonFormatter):
    """One line of JSON for a record: time, level and message, then where it was said, then its own fields."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "message"],
            timestamp="time",
            rename_fields={"levelname": "level", "exc_info": "traceback"},
            json_default=_text,
            json_ensure_ascii=False,
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """See pythonjsonlogger, which has the time last."""
        log_data["level"] = log_data["level"].lower()
        first = {name: log_data.pop(name) for name in ("time", "level", "message")}
        return {**first, **_context.get(), **log_data}


def _text(value: object) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else str(value)


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what sys.stderr is now, not to what it was when the handler was made."""

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        self.stream = sys.stderr
        super().emit(record)


def configure(default_level: str = "") -> None:
    """Send this package's records to stderr as JSON; the setting LOG_LEVEL wins over the default, which stays."""
    if default_level:
        LOGGER.setLevel(default_level.upper())
    level = (told("LOG_LEVEL") or logging.getLevelName(LOGGER.level or logging.INFO)).upper()
    if level not in logging.getLevelNamesMapping():
        raise InputError("PREDICTIVE_SCALING_LOG_LEVEL must be debug, info, warning or error")
    LOGGER.setLevel(level)
    LOGGER.propagate = False
    if not LOGGER.handlers:
        handler = _Stderr()
        handler.setFormatter(JsonLines())
        LOGGER.addHandler(handler)


@contextmanager
def context(task: str, run_id: str) -> Iterator[None]:
    """Within it every line carries these, and where it runs."""
    known = {"task": task, "run_id": run_id, "environment": told("ENVIRONMENT")}
    known |= {name: os.environ.get(variable, "") for name, variable in PLACE.items()}
    token = _context.set({name: value for name, value in known.items() if value})
    try:
        yield
    finally:
        _context.reset(token)


def log(message: str, *, level: int = logging.INFO, **fields: object) -> None:
    """One line; fields must hold no secret."""
    LOGGER.log(level, {"message": message, **fields})


def logged(step: Callable[P, R]) -> Callable[P, R]:
    """A step that says when it starts, and how and after how many seconds it ends. Run id: its own argument, if any."""
    signature = inspect.signature(step)

    @functools.wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        configure()
        given = signature.bind(*args, **kwargs).arguments
        with context(step.__name__, str(given.get("run_id", ""))):
            return _timed(step, *args, **kwargs)

    return run


def _timed(step: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    started = time.monotonic()
    log("started")
    try:
        result = step(*args, **kwargs)
    except Exception as error:
        seconds = round(time.monotonic() - started, 3)
        log("failed", level=logging.ERROR, seconds=seconds, error=type(error).__name__, reason=str(error))
        raise
    log("finished", seconds=round(time.monotonic() - started, 3))
    return result
