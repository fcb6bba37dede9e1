"""Components that cannot be compiled: each is told with its line, all at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from project import Outcome

HEAD = "from kfp import dsl\n\n\n@dsl.component(base_image='steps')\n"
BROKEN = {
    "a_syntax": HEAD + "def a_syntax(n: int) -> int:\n    return (n\n",
    "b_name": HEAD + "def b_name(n: Foo) -> int:\n    return n\n",
    "c_type": HEAD + "def c_type(n) -> int:\n    return n\n",
    "d_other": HEAD + "def another(n: int) -> int:\n    return n\n",
    "e_default": HEAD + "def e_default(n: int = 'a') -> int:\n    return n\n",
    "f_plain": "def f_plain(n: int) -> int:\n    return n\n",
    "g_set": HEAD + "def g_set(n: set) -> int:\n    return n\n",
}


def test_every_component_that_cannot_be_imported_is_told_with_its_line(
    repository: Path, command: Callable[..., Outcome]
) -> None:
    for name, text in BROKEN.items():
        (repository / "components" / name).mkdir()
        (repository / "components" / name / "component.py").write_text(text, "utf-8")
    outcome = command("components", "--root", repository)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [
        "components/a_syntax/component.py:6:12: cannot be imported: SyntaxError: '(' was never closed; correct it",
        "components/b_name/component.py:5:1: cannot be imported: NameError: name 'Foo' is not defined; correct it",
        "components/c_type/component.py:4:1: cannot be imported: "
        "TypeError: Missing type annotation for argument: n; correct it",
        "components/d_other/component.py: no component named 'd_other'; name the function like its folder",
        "components/e_default/component.py: cannot be compiled: TypeError: must be real number, not str; "
        "look at the types and the defaults of its inputs: each default is of its input's type",
        "components/f_plain/component.py: 'f_plain' is no component; "
        "put @dsl.component(…) or @dsl.container_component above it",
        "components/g_set/component.py:4:1: cannot be imported: TypeError: set is no type of an input or output "
        "(str, int, float, bool, list, dict, or Input[…] and Output[…] of Dataset, Model, Metrics, …; "
        'several outputs as NamedTuple("Outputs", [("count", int), …])); correct it',
    ]
