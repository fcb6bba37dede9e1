"""Where the wrappers of registered pipelines find ValidationRules: their source holds this import."""

from predictive_scaling.usage.validation import ValidationRules

__all__ = ["ValidationRules"]
