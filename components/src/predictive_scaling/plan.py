"""Where the wrappers of registered pipelines find PlanOptions: their source holds this import."""

from predictive_scaling.recommend.plan import PlanOptions

__all__ = ["PlanOptions"]
