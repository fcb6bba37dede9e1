"""The reference page of the manifest language, written from its JSON Schema and the table of KFP's constructs."""

from kfp_gitops.language.reference.page import page

__all__ = ["page"]
