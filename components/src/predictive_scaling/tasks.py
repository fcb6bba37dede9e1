"""The steps as components call them: what a run's parameters may reach, and the exit code of what goes wrong.

A parameter comes from whoever may start a run. So no task reads or writes a path of its machine that a parameter names
(`sample:`, `s3://` and `minio://` are places of everybody's), unless the setting LOCAL_PATHS says `allow`, as a run on
one's own machine does; and a token of the settings goes to nobody whom the settings do not name.

Exit codes are those of the command line: 2 bad input · 3 a defect of ours (traceback) · 4 a server failed.
"""

from __future__ import annotations

import functools
import inspect
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import NoReturn, ParamSpec, TypeVar

from predictive_scaling import steps
from predictive_scaling.base.console import complain
from predictive_scaling.base.errors import InputError, RemoteError
from predictive_scaling.base.hidden import hidden
from predictive_scaling.base.settings import LOCAL_PATHS, setting
from predictive_scaling.base.web import require_named
from predictive_scaling.steps import Ending
from predictive_scaling.store.opening import is_s3
from predictive_scaling.usage.prometheus import ROLE
from predictive_scaling.usage.sources import SAMPLE_PREFIX

__all__ = [
    "Ending",
    "cleanup",
    "engineer_features",
    "fallback_recommendation",
    "fetch_usage",
    "forecast_current",
    "load_usage",
    "publish_recommendation",
    "summarize_usage",
    "train_model",
    "validate_data",
    "validate_model",
]


def __getattr__(name: str) -> object:
    """Types that a step takes, such as `Surroundings`; never a step by itself."""
    if not name[:1].isupper():
        raise AttributeError(f"no task {name!r}")
    return getattr(steps, name)


P = ParamSpec("P")
R = TypeVar("R")


def require_place(name: str, value: str) -> None:
    """Raise InputError for a path of this machine that a run's parameter names; what it names is not told."""
    if value and not is_s3(value) and not value.startswith(SAMPLE_PREFIX) and setting(LOCAL_PATHS) != "allow":
        raise InputError(
            f"{name}: a run's parameter may name s3://, minio:// or sample:, and no path of the machine that the task "
            f"runs on; a run on your own machine sets PREDICTIVE_SCALING_{LOCAL_PATHS}=allow"
        )


def _require_prometheus(name: str, value: str) -> None:
    """Raise InputError for an address that the settings do not name, where they have a token or a password."""
    del name
    if value:
        require_named(ROLE, value)


_GUARDS: dict[str, Callable[[str, str], None]] = {
    "source": require_place,
    "registry": require_place,
    "url": _require_prometheus,
}


def task(step: Callable[P, R]) -> Callable[P, R]:
    """A step that looks at its parameters first, and whose errors end the process with their exit code."""
    signature = inspect.signature(step)

    @functools.wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        sys.excepthook = _ended
        given = signature.bind(*args, **kwargs).arguments
        for name, guard in _GUARDS.items():
            guard(name, str(given.get(name, "")))
        return step(*args, **kwargs)

    return run


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> NoReturn:
    """What nobody caught. Python itself would end with 1, which says that the data did not pass."""
    if isinstance(error, (InputError, RemoteError)):
        complain(f"error: {hidden(str(error))}")
        raise SystemExit(2 if isinstance(error, InputError) else 4)
    complain(hidden("".join(traceback.format_exception(kind, error, trace))))
    if not isinstance(error, Exception):
        raise SystemExit(130 if isinstance(error, KeyboardInterrupt) else 1)
    complain("this is a defect: please report it with the lines above")
    raise SystemExit(3)


cleanup = task(steps.cleanup)
engineer_features = task(steps.engineer_features)
fallback_recommendation = task(steps.fallback_recommendation)
fetch_usage = task(steps.fetch_usage)
forecast_current = task(steps.forecast_current)
load_usage = task(steps.load_usage)
publish_recommendation = task(steps.publish_recommendation)
summarize_usage = task(steps.summarize_usage)
train_model = task(steps.train_model)
validate_data = task(steps.validate_data)
validate_model = task(steps.validate_model)
