"""Lengths and tags: validation/length.go and model/pipeline_tags.go."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kfp_gitops.devserver.body import read_object
from kfp_gitops.devserver.errors import InvalidArgumentError, MalformedError

LENGTHS = {
    "Pipeline.Name": 128,
    "Pipeline.Namespace": 63,
    "PipelineVersion.Name": 127,
    "Experiment.Name": 128,
}
UPLOAD_BYTES = 32 << 20
MAX_TAGS, MAX_TAG_TEXT = 20, 63


_LARGEST = LENGTHS | {"Experiment.Name": 127}
"""What is taken: an experiment's name of 128 was refused, whatever the message says (seen on KFP 2.17.0)."""


def check_length(field: str, value: str) -> None:
    """Raises InvalidArgumentError; a REST create makes a 500 of it, an upload a 400. Bytes are counted, as Go does."""
    if len(value.encode()) > _LARGEST[field]:
        raise InvalidArgumentError(f"{field} length cannot exceed {LENGTHS[field]}")


def check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise InvalidArgumentError(f"number of tags ({len(tags)}) exceeds maximum of {MAX_TAGS} per entity")
    for key, value in sorted(tags.items()):
        if problem := _tag_problem(key, value):
            raise InvalidArgumentError(problem)


def _tag_problem(key: str, value: str) -> str:
    shown, too_long = _quoted(key), f"exceeds maximum length of {MAX_TAG_TEXT} characters"
    if not key:
        return "tag key cannot be empty"
    if "." in key:
        return f"tag key {shown} must not contain '.' character"
    if len(key) > MAX_TAG_TEXT:
        return f"tag key {shown} {too_long}"
    return f"tag value {_quoted(value)} for key {shown} {too_long}" if len(value) > MAX_TAG_TEXT else ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def read_tags(text: str) -> dict[str, str]:
    """The `tags` query parameter of an upload; MalformedError if it is none."""
    if not text:
        return {}
    problem = "Failed to parse tags query parameter. Expected JSON object with string keys and values"
    try:
        tags = read_object(text)
    except MalformedError as error:
        raise MalformedError(problem) from error
    if not all(isinstance(value, str) for value in tags.values()):
        raise MalformedError(problem)
    return dict(tags)
