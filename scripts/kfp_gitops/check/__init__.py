"""What a manifest may not say although its schema allows it."""

from kfp_gitops.check.checker import problems

__all__ = ["problems"]
