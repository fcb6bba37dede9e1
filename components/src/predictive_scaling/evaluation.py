"""Where the wrappers of registered pipelines find Gates: their source holds this import."""

from predictive_scaling.backtest.evaluation import Gates

__all__ = ["Gates"]
