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
    ]
