"""The digest of what a server tells of a version is the digest of the lock, whatever the pipeline is made of."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.devserver import templates
from kfp_gitops.devserver.ir_proto import _messages
from kfp_gitops.language import identity
from kfp_gitops.rendering.rendered import RenderedPipeline
from profiles import examples
from rich_ir import documents as rich

HERE = Path(__file__).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/manifest.yaml"))
SPECS = {path.stem: path.read_text("utf-8") for path in sorted((HERE / "dsl_components").glob("*.yaml"))}


def _told(text: str) -> Any:
    """As a server takes the file, and as its reply is read."""
    return json.loads(json.dumps(templates.from_yaml(text.encode())))


@pytest.mark.parametrize("case", CASES)
def test_what_a_server_tells_has_the_digest_of_what_was_compiled(case: str) -> None:
    inner = {
        path.name.removesuffix(".inner.yaml"): path.read_text() for path in (HERE / case).glob("*.inner.yaml")
    }
    manifest = (HERE / case / "manifest.yaml").read_text()
    made = compile_pipeline(RenderedPipeline(case, "sha256:0", manifest, SPECS, inner=inner), "m")
    assert identity.digest_of_stored(_told(made.text)) == made.digest


def test_every_change_of_what_is_stored_changes_the_digest() -> None:
    """Each scalar, key and item of both documents, but for the version of the SDK."""
    stored = _told(json.dumps(rich()[0]) + "\n---\n" + json.dumps(rich()[1]))
    digest = identity.digest_of_stored(stored)
    places = [place for place in _places(stored, ()) if place[-1] != "sdkVersion"]
    assert len(places) > 500
    for place in places:
        assert identity.digest_of_stored(_without(stored, place)) != digest, place
    assert (
        identity.digest_of_stored(
            stored | {"pipeline_spec": {**stored["pipeline_spec"], "sdkVersion": "kfp-9"}}
        )
        == digest
    )


def _places(value: Any, at: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in [(*at, key), *_places(item, (*at, key))]]


def _without(value: Any, place: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(value)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    del holder[place[-1]]
    return changed


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(codec="ascii")),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["a", "maxRetryCount", "tasks"]), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
@settings(max_examples=examples(300))
def test_any_constant_survives(constant: Any) -> None:
    from google.protobuf import json_format

    document = {
        "pipelineInfo": {"name": "p"}, "schemaVersion": "2.1.0",
        "root": {"dag": {"tasks": {"t": {
            "inputs": {"parameters": {"x": {"runtimeValue": {"constant": constant}}}},
            "retryPolicy": {"maxRetryCount": 3, "backoffFactor": 2.0},
        }}}},
    }  # fmt: skip
    made = json_format.MessageToDict(json_format.ParseDict(document, _messages().PipelineSpec()))
    stored = json.loads(json.dumps(templates.from_json(made)))
    assert identity.digest_of_stored(stored) == ir.digest([made])


def test_the_whole_numbers_are_those_of_the_messages() -> None:
    """All 32-bit integers but those of a duration, which is written as a text."""
    found: set[str] = set()

    def walk(message: Any, seen: frozenset[str]) -> None:
        for field in message.fields:
            if field.message_type and field.message_type.full_name not in seen:
                walk(field.message_type, seen | {field.message_type.full_name})
            elif field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32) and message.name != "Duration":
                found.add(field.json_name)

    for kind in ("PipelineSpec", "PlatformSpec"):
        walk(getattr(_messages(), kind).DESCRIPTOR, frozenset())
    known = {key for _, key in identity._WHOLE_IN_TASKS} | set(identity._WHOLE_IN_PLATFORMS)
    assert found == known


@pytest.mark.parametrize(
    "spec", [{}, {"pipeline_spec": 7}, {"root": []}, {"pipeline_spec": {}, "platform_spec": None}]
)
def test_what_is_no_ir_has_no_digest_of_one(spec: Any) -> None:
    assert identity.digest_of_stored(spec) != ir.digest([{"root": {}}])
    identity.digest_of_stored({"a": "\ud800"})
