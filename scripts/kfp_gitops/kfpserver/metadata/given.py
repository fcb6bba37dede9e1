"""Which of its tasks gives an output of a group, or of a pipeline. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

NOTHING = object()
"""What a task gave that was not run, or gave no such output: None is a value."""


def given(specs: Mapping[str, Any], one: Any) -> dict[str, Any]:
    """The outputs of a DAG: name → the first of the tasks that may give it and did (dsl.OneOf has several)."""
    found = {}
    for name, spec in specs.items():
        values = (one(key, output) for key, output in _selected(spec))
        value = next((value for value in values if value is not NOTHING), NOTHING)
        if value is not NOTHING:
            found[name] = value
    return found


def _selected(spec: Any) -> Iterator[tuple[str, str]]:
    """DagOutputParameterSpec or DagOutputArtifactSpec: task and output; as protojson writes it, or encoding/json."""
    flat = {_small(name): value for name, value in spec.items()} if isinstance(spec, Mapping) else {}
    of_one, several = flat.get("valuefromparameter"), flat.get("valuefromoneof")
    inner = several if isinstance(several, Mapping) else flat
    listed = {_small(name): value for name, value in inner.items()}
    selectors = (
        listed.get("parameterselectors") or listed.get("artifactselectors") or ([of_one] if of_one else [])
    )
    for one in selectors:
        names = {_small(name): value for name, value in one.items()} if isinstance(one, Mapping) else {}
        output = names.get("outputparameterkey") or names.get("outputartifactkey")
        yield str(names.get("producersubtask", "")), str(output)


def _small(name: str) -> str:
    return name.replace("_", "").lower()
