"""A reference inside a list or map arrives as a text: the warning that says so (what runs: localrun's semantics)."""

from language import warnings


def test_a_number_inside_a_list_is_warned_of_and_a_text_is_not() -> None:
    body = """\
spec:
  parameters: {n: {type: int, default: 1}, s: {type: str, default: a}}
  tasks:
    t: {component: take, arguments: {items: [{param: n}, plain, 2], fields: {deep: [{param: s}]}, number: {param: n}}}
"""
    (warning,) = warnings(body)
    assert "an int that a list or map refers to arrives as a text" in warning
    assert warning.startswith("m.yaml:")
