"""The import of Prophet without what draws: half of its time goes to matplotlib, which no forecast needs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

_PLOTS = "prophet.plot"
"""`prophet.forecaster` (Prophet 1.1 to 1.5) takes two functions from it, for methods of the same names."""


def import_prophet() -> ModuleType:
    """Import `prophet`, unless it is there already; its plots are imported by the first that is drawn."""
    if "prophet" in sys.modules:
        return sys.modules["prophet"]
    later = sys.modules[_PLOTS] = ModuleType(_PLOTS)
    later.__getattr__ = _when_called  # type: ignore[method-assign]  # PEP 562: a module's own
    try:
        return import_module("prophet")
    finally:
        if sys.modules.get(_PLOTS) is later:
            del sys.modules[_PLOTS]


def _when_called(name: str) -> Callable[..., Any]:
    if name.startswith("__"):
        raise AttributeError(name)

    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(_PLOTS), name)(*args, **kwargs)

    return call
