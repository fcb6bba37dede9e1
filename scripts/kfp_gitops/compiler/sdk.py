"""The kfp SDK: the one place that imports it for compiling."""

from kfp import compiler, components, dsl

__all__ = ["compiler", "components", "dsl"]
