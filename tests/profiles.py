"""How many examples a test with made-up data sees, by HYPOTHESIS_PROFILE: `ci` in CI, else `quick`; `deep`; `search`.

All but `search` see the same examples at every run, so that a red test is the change's; `search` sees others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from hypothesis import HealthCheck, settings

Case = TypeVar("Case")

# What hypothesis does at depth where a test says nothing, and in CI; tests say how many they want at depth.
_DEEP, _CI = 100, 30
_DEPTHS = {
    "deep": (_DEEP, True),
    "ci": (_CI, True),
    "quick": (_DEEP // 10, True),
    "search": (_DEEP * 5, False),
}
_EVERY = 5
# How long an example takes says how busy the machine is; a test that hangs meets pytest's timeout.
_LOAD = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture)


def load() -> None:
    """Register the profiles and take the one that is wanted; CI has `CI=true`."""
    for name, (count, same) in _DEPTHS.items():
        settings.register_profile(
            name, max_examples=count, derandomize=same, deadline=None, print_blob=True,
            suppress_health_check=_LOAD,
        )  # fmt: skip
    settings.load_profile(
        os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "quick")
    )


def deep() -> bool:
    """Whether what others prove as well is tried, too: in CI, and by whoever asks for that depth."""
    return settings().max_examples >= _CI


def examples(deep: int) -> int:
    """The number of examples in this profile of a test that wants so many of them at depth."""
    return max(1, deep * settings().max_examples // _DEEP)


def some(cases: Iterable[Case], seed: int) -> Iterator[Case]:
    """All of them at depth; else every fifth, which are others for another seed, so that five seeds see all."""
    return islice(cases, None if deep() else seed % _EVERY, None, 1 if deep() else _EVERY)
