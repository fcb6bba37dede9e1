"""Lengths and tags: validation/length.go and model/pipeline_tags.go, facts 4.2."""

from __future__ import annotations

from collections.abc import Mapping

from kfp_gitops.devserver.body import read_object
from kfp_gitops.devserver.errors import InternalError, InvalidArgumentError

LENGTHS = {
    "Pipeline.Name": 128,
    "Pipeline.Namespace": 63,
    "PipelineVersion.Name": 127,
    "Experiment.Name": 128,
}
_VARCHAR = 255
UPLOAD_BYTES = 32 << 20
MAX_TAGS, MAX_TAG_TEXT = 20, 63


def too_long(field: str, value: str) -> str:
    """What is wrong with the length of a field; nothing when it fits."""
    return f"{field} length cannot exceed {LENGTHS[field]}" if len(value) > LENGTHS[field] else ""


def check_length(field: str, value: str) -> None:
    """REST create answers 500 where upload answers 400 (facts 4.2)."""
    if problem := too_long(field, value):
        raise InternalError(problem)


def check_varchar(field: str, value: str) -> None:
    """A VARCHAR(255) of MySQL; a longer text is a database error, so 500."""
    if len(value) > _VARCHAR:
        raise InternalError(f"Error 1406 (22001): Data too long for column '{field}'")


def check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise InvalidArgumentError(f"too many tags: {len(tags)}, at most {MAX_TAGS} are allowed")
    for key, value in tags.items():
        if not 0 < len(key) <= MAX_TAG_TEXT or "." in key:
            raise InvalidArgumentError(
                f"tag key {key!r:.80} must have 1 to {MAX_TAG_TEXT} characters and no '.'"
            )
        if len(value) > MAX_TAG_TEXT:
            raise InvalidArgumentError(f"tag value of {key!r} exceeds {MAX_TAG_TEXT} characters")


def read_tags(text: str) -> dict[str, str]:
    """The `tags` query parameter of an upload."""
    if not text:
        return {}
    problem = "Failed to parse tags query parameter. Expected JSON object with string keys and values"
    try:
        tags = read_object(text, "tags")
    except InvalidArgumentError as error:
        raise InvalidArgumentError(problem) from error
    if not all(isinstance(value, str) for value in tags.values()):
        raise InvalidArgumentError(problem)
    return dict(tags)
