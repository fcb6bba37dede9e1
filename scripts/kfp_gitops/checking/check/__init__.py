"""What a manifest may not say although its schema allows it: names, references, types, scopes, cycles."""

from kfp_gitops.checking.check.checker import interface, nested_problems, problems, warnings

__all__ = ["interface", "nested_problems", "problems", "warnings"]
