"""The models that compete, simplest first, and how each is made and read back.

A recipe is a model before it has seen data; fitting gives a fitted model, which forecasts the hours right after
the series it was fitted to. `COMPLEXITY` orders the kinds for ties.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from predictive_scaling.documents import Document
from predictive_scaling.errors import InputError
from predictive_scaling.models.base import Fitted, Recipe
from predictive_scaling.models.profile import FittedProfile, ProfileLevel
from predictive_scaling.models.prophet import FittedProphet, ProphetRecipe
from predictive_scaling.models.seasonal import FittedCycle, SeasonalNaive

__all__ = ["BASELINES", "COMPLEXITY", "Fitted", "ModelOptions", "Recipe", "from_state", "recipe", "recipes"]

COMPLEXITY = ("last", "snaive_1d", "snaive_7d", "profile_level", "prophet")
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
    """Make the recipe of a kind; raises InputError for an unknown one."""
    match kind:
        case "last" | "snaive_1d" | "snaive_7d":
            return SeasonalNaive(kind)
        case "profile_level":
            return ProfileLevel()
        case "prophet":
            return ProphetRecipe(
                daily_order=options.daily_order,
                weekly_order=options.weekly_order,
                changepoint_prior_scale=options.changepoint_prior_scale,
                growth=options.growth,
                seed=options.seed,
            )
    raise InputError(f"unknown model {kind!r}; there are {', '.join(COMPLEXITY)}")


def recipes(kinds: Sequence[str], options: ModelOptions) -> list[Recipe]:
    """Recipes of the given kinds and of the baselines, each once, simplest first; raises InputError."""
    unknown = [kind for kind in kinds if kind not in COMPLEXITY]
    if unknown or not kinds:
        named = ", ".join(map(repr, unknown)) or "none given"
        raise InputError(f"unknown candidates: {named}; there are {', '.join(COMPLEXITY)}")
    return [recipe(kind, options) for kind in COMPLEXITY if kind in kinds or kind in BASELINES]


_READERS: dict[str, Callable[[Document], Fitted]] = {
    "last": FittedCycle.from_json,
    "snaive_1d": FittedCycle.from_json,
    "snaive_7d": FittedCycle.from_json,
    "profile_level": FittedProfile.from_json,
    "prophet": FittedProphet.from_json,
}


def from_state(kind: str, state: Document) -> Fitted:
    """Read a fitted model back; raises InputError for an unknown kind, KeyError/TypeError/ValueError for bad state."""
    if kind not in _READERS:
        raise InputError(f"unknown model {kind!r}")
    return _READERS[kind](state)
