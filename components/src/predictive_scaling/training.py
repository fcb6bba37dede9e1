"""Where the wrappers of registered pipelines find TrainingOptions: their source holds this import."""

from predictive_scaling.backtest.training import TrainingOptions

__all__ = ["TrainingOptions"]
