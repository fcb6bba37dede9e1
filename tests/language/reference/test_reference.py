"""The reference page: what it must hold, and that it is not stale."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kfp import kubernetes
from kfp_gitops.base import schema
from kfp_gitops.language.reference.constructs import CONSTRUCTS
from language import COMPONENTS
from project import HERE, PROJECT

SCHEMA = json.loads((schema.SCHEMAS / "pipeline-manifest.schema.json").read_text())
PAGE = (PROJECT / "docs/manifest-reference.md").read_text()
# What a key says is said at the place that refers to it, or its name says it all.
PLAIN = {"kind", "metadata", "spec"}


def test_every_pair_of_a_pipeline_and_a_manifest_is_in_the_table_once() -> None:
    pairs = {path.parent.name for path in (HERE / "dsl").glob("*/manifest.yaml")}
    assert sorted(test for _, _, test in CONSTRUCTS) == sorted(pairs)


def test_every_function_of_kfp_kubernetes_is_in_the_table() -> None:
    text = " ".join(kfp for kfp, _, _ in CONSTRUCTS)
    assert [name for name in kubernetes.__all__ if name not in text] == []


def _keys(part: Any, at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(part, dict):
        for name, inner in part.get("properties", {}).items():
            yield f"{at}.{name}", inner
        for name, inner in part.items():
            yield from _keys(inner, f"{at}.{name}")
    elif isinstance(part, list):
        for inner in part:
            yield from _keys(inner, at)


def _said(part: Mapping[str, Any], key: str) -> bool:
    if key in part:
        return True
    reference = part.get("$ref", "").removeprefix("#/$defs/")
    return bool(reference) and _said(SCHEMA["$defs"][reference], key)


def test_every_key_of_the_schema_has_a_description() -> None:
    missing = {
        at
        for at, part in _keys(SCHEMA, "")
        if not _said(part, "description") and at.split(".")[-1] not in PLAIN
    }
    assert missing == set()


def test_a_stale_page_is_told_and_mended(tmp_path: Path, command: Callable[..., Any]) -> None:
    (tmp_path / "environments").mkdir()
    assert command("reference", "--root", tmp_path / "environments").code == 2
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/manifest-reference.md").write_text("old")
    stale = command("reference", "--root", tmp_path, "--check")
    assert (stale.code, stale.out) == (1, "change docs/manifest-reference.md\n")
    assert command("reference", "--root", tmp_path).code == 0
    assert command("reference", "--root", tmp_path, "--check").code == 0
    assert (tmp_path / "docs/manifest-reference.md").read_text() == PAGE


def _examples(part: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(part, dict):
        yield from (
            (part, example) for example in part.get("examples", []) if isinstance(part["examples"], list)
        )
        for name, inner in part.items():
            if name != "examples":
                yield from _examples(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _examples(inner)


@pytest.mark.parametrize(
    ("part", "example"), list(_examples(SCHEMA)), ids=lambda value: json.dumps(value)[:40]
)
def test_every_example_fits_its_schema(part: Any, example: Any) -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator({**part, "$defs": SCHEMA["$defs"]}).validate(example)


def test_the_components_of_the_pairs_are_read() -> None:
    assert len(COMPONENTS) > 10
