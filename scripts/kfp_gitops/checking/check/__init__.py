"""The checks of a manifest beyond its schema: names, references, types, scopes, circles, pods, schedules."""

from kfp_gitops.checking.check.around import interface, nested_problems, of_components, outer_problems
from kfp_gitops.checking.check.checker import findings, problems, warnings
from kfp_gitops.checking.check.context import Context
from kfp_gitops.checking.check.shapes import shape

__all__ = [
    "Context", "findings", "interface", "nested_problems", "of_components", "outer_problems", "problems", "shape",
    "warnings",
]  # fmt: skip
