"""Where the wrappers of registered pipelines find UsageQuery: their source holds this import."""

from predictive_scaling.usage.fetch import UsageQuery

__all__ = ["UsageQuery"]
