"""A diff made by hand, and how it is told in every format."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from kfp_gitops.base import visible
from kfp_gitops.review.diff import jsonform, text
from kfp_gitops.review.diff.markdown import to_markdown
from kfp_gitops.review.diff.model import Action, Change, EnvironmentDiff, Kind, PipelineDiff
from project import PROJECT

SCHEMA = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/diff.schema.json").read_text("utf-8"))


def diff_of(*changes: Change, **more: Any) -> EnvironmentDiff:
    return EnvironmentDiff("dev", "HEAD", "UTC", pipelines=[PipelineDiff("p", None, changes, **more)])


def in_every_format(found: EnvironmentDiff) -> dict[str, str]:
    """In all three formats; JSON fits its schema."""
    data = jsonform.to_json([found])
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(data))
    return {"text": text.to_text(found), "markdown": to_markdown([found]), "json": visible.shown(data)}


def changed_field(before: Any, after: Any, field: str = "arguments.x") -> Change:
    return Change(Action.CHANGED, Kind.TASK, "t", field, before, after)
