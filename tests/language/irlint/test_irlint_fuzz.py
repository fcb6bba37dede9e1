"""Damaged IR and damaged component specs are bad input, never a traceback."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import rich_ir
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import Path
from kfp_gitops.sources import brought, components
from profiles import examples

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(-2, 2),
    st.sampled_from(["", "x", "root", "{{$", "[1]", "é"]),
)
_JUNK = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=4,
)
_COMPONENT = yaml.safe_load("""
name: Count words
inputs: [{name: Text, type: String}, {name: flag, type: String, optional: true}, {name: data, type: Dataset}]
outputs: [{name: words, type: Integer}]
implementation:
  container:
    image: steps
    env: {A: '1'}
    command: [sh, {concat: [--text=, {inputValue: Text}]}, {inputPath: data}]
    args: [{if: {cond: {isPresent: flag}, then: [--flag, {inputValue: flag}], else: [x]}}, {outputPath: words}]
""")


def _paths(value: Any, at: Path = ()) -> Iterator[Path]:
    if at:
        yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*at, key))


def _damaged(value: Any, at: Path, junk: Any, kind: str) -> Any:
    """A copy with one place replaced, removed, or given a name that it must not have."""
    value = copy.deepcopy(value)
    node = value
    for part in at[:-1]:
        node = node[part]
    if kind == "remove":
        del node[at[-1]]
    elif kind == "rename" and isinstance(node, dict):
        node["nowhere"] = node.pop(at[-1])
    else:
        node[at[-1]] = junk
    return value


_IR_PATHS = list(_paths(rich_ir.documents()))
_COMPONENT_PATHS = list(_paths(_COMPONENT))
_KINDS = st.sampled_from(["replace", "remove", "rename"])


@settings(max_examples=examples(120))
@given(at=st.sampled_from(_IR_PATHS), junk=_JUNK, kind=_KINDS)
def test_damaged_ir_is_read_or_refused(at: Path, junk: Any, kind: str) -> None:
    documents = _damaged(rich_ir.documents(), at, junk, kind)
    _refused_with_lines(lambda: brought.read(yaml.dump_all(documents, Dumper=yaml.CSafeDumper), "ir.yaml"))


@settings(max_examples=examples(250))
@given(at=st.sampled_from(_COMPONENT_PATHS), junk=_JUNK, kind=_KINDS)
def test_a_damaged_component_is_read_or_refused(at: Path, junk: Any, kind: str) -> None:
    text = yaml.dump(_damaged(_COMPONENT, at, junk, kind), Dumper=yaml.CSafeDumper, sort_keys=False)
    _refused_with_lines(lambda: components.read("c", text, "component.yaml"))


def _refused_with_lines(read: Any) -> None:
    try:
        read()
    except InputError as error:
        assert error.problems
        assert all(problem.line > 0 and problem.todo for problem in error.problems)
