"""The models that compete, simplest first, and how each is made and read back.

Comes in: series. Goes out: forecasts of the hours right after them, and fitted models as documents. A recipe is a
model before it has seen data. `COMPLEXITY` orders the kinds for ties.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from predictive_scaling.base.documents import Document
from predictive_scaling.base.errors import InputError
from predictive_scaling.models import profile
from predictive_scaling.models.base import Fitted, Recipe
from predictive_scaling.models.blend import KIND as BLEND
from predictive_scaling.models.blend import MEMBERS, FittedBlend
from predictive_scaling.models.profile import FittedProfile, Profile
from predictive_scaling.models.prophet import FittedProphet, ProphetRecipe
from predictive_scaling.models.seasonal import PERIODS, Cycle, FittedCycle
from predictive_scaling.models.theta import KIND as THETA
from predictive_scaling.models.theta import FittedTheta, Theta

__all__ = [
    "BASELINES",
    "BLEND",
    "BY_LOAD",
    "CANDIDATES",
    "COMPLEXITY",
    "MEMBERS",
    "Fitted",
    "ModelOptions",
    "Recipe",
    "from_state",
    "recipe",
    "recipes",
]

BY_LOAD = "load"
"""Cores as the forecast load will cost them: no recipe makes it, `backtest.by_load` does."""
# Simplest first.
COMPLEXITY = (
    *("last", "median_3h", "median_6h", "median_12h", "snaive_1d", "snaive_7d", "median_1d", "median_7d"),
    *("theta", "profile_level", "profile_damped", "profile_log", "blend", "prophet"),
)
# Prophet takes more time than all others together, and is hardly ever the best: whoever wants it names it.
CANDIDATES = ("blend", "snaive_1d", "snaive_7d", "last")
BASELINES = ("snaive_1d", "snaive_7d")


@dataclass(frozen=True)
class ModelOptions:
    """What can be set of the models; see ProphetRecipe for the meaning of each."""

    daily_order: int = 10
    weekly_order: int = 6
    changepoint_prior_scale: float = 0.05
    growth: str = "linear"
    seed: int = 1

    def __post_init__(self) -> None:
        if self.growth not in ("linear", "flat"):
            raise InputError(f"growth is {self.growth!r}; it must be linear or flat")
        if min(self.daily_order, self.weekly_order) < 1 or self.changepoint_prior_scale <= 0:
            raise InputError("daily_order, weekly_order and changepoint_prior_scale must be positive")


def recipe(kind: str, options: ModelOptions) -> Recipe:
    """Make the recipe of a kind; raises InputError for an unknown one. A blend is made of others' forecasts."""
    if kind in PERIODS:
        return Cycle(kind)
    if kind in profile.KINDS:
        return Profile(kind)
    if kind == THETA:
        return Theta()
    if kind == "prophet":
        return ProphetRecipe(**asdict(options))
    raise InputError(f"unknown model {kind!r}; there are {', '.join(COMPLEXITY)}")


def recipes(kinds: Sequence[str], options: ModelOptions) -> list[Recipe]:
    """Recipes of the given kinds, of the baselines, and of a blend's members if it is named: each once, simplest first.

    Raises InputError for an unknown kind.
    """
    unknown = [kind for kind in kinds if kind not in COMPLEXITY]
    if unknown or not kinds:
        named = ", ".join(map(repr, unknown)) or "none given"
        raise InputError(f"unknown candidates: {named}; there are {', '.join(COMPLEXITY)}")
    wanted = {*kinds, *BASELINES, *(MEMBERS if BLEND in kinds else ())} - {BLEND}
    return [recipe(kind, options) for kind in COMPLEXITY if kind in wanted]


_READERS: dict[str, Callable[[Document], Fitted]] = {
    **dict.fromkeys(PERIODS, FittedCycle.from_json),
    **{kind: partial(FittedProfile.reader, kind) for kind in profile.KINDS},
    THETA: FittedTheta.from_json,
    "prophet": FittedProphet.from_json,
}
_READERS[BLEND] = FittedBlend.reader(_READERS)


def from_state(kind: str, state: Document) -> Fitted:
    """Read a fitted model back; raises InputError for an unknown kind, KeyError/TypeError/ValueError for bad state."""
    if kind not in _READERS:
        raise InputError(f"unknown model {kind!r}")
    return _READERS[kind](state)
