"""The steps as components call them: what a run's parameters may reach, and the exit code of what goes wrong.

A parameter comes from whoever may start a run. So no task reads or writes a path of its machine that a parameter names
(`sample:`, `s3://` and `minio://` are places of everybody's), unless the setting LOCAL_PATHS says `allow`, as a run on
one's own machine does; and a token of the settings goes to nobody whom the settings do not name.

Exit codes are those of the command line: 2 bad input · 3 a defect of ours (traceback) · 4 a server failed.
"""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable
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
    """A step that looks at its parameters first, and that ends the process with the exit code of its error."""
    signature = inspect.signature(step)

    @functools.wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            given = signature.bind(*args, **kwargs).arguments
            for name, guard in _GUARDS.items():
                guard(name, str(given.get(name, "")))
            return step(*args, **kwargs)
        except InputError as error:
            _end(2, f"error: {error}", error)
        except RemoteError as error:
            _end(4, f"error: {error}", error)
        except Exception as error:
            _end(
                3,
                f"{hidden(traceback.format_exc())}\nthis is a defect: please report it with the lines above",
                error,
            )

    return run


def _end(code: int, text: str, error: Exception) -> NoReturn:
    complain(text)
    raise SystemExit(code) from error


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
