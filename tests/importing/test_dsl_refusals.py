"""What is wrong with a DSL file is told at its line, with what to do; nothing of it is written."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.compiling.dsl import process
from project import Outcome, snapshot

Run = Callable[..., Outcome]
_HEAD = "from kfp import dsl\n"
_SAY = """
@dsl.component(base_image="python:3.11")
def say(text: str) -> str:
    return text
"""
_PIPELINE = """
@dsl.pipeline
def {name}():
    say(text="a")
"""


@pytest.fixture
def refused(repository: Path, command: Run, tmp_path: Path) -> Callable[..., str]:
    """What is said of a file, without its folder."""

    def run(text: str, *arguments: object, named: str = "") -> str:
        path = tmp_path / "pipeline.py"
        path.write_text(textwrap.dedent(text))
        before = snapshot(repository)
        done = command("import", f"{path}{named}", "--root", repository, *arguments)
        assert (done.code, done.out) == (2, "")
        assert snapshot(repository) == before
        return done.err.replace(f"{tmp_path}/", "")

    return run


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import os\ndef f(:\n", "pipeline.py:2:7: "),
        ("import no_such_library.of_ours\n", "pipeline.py:1:1: "),
        ("x = 1\nfrom kfp import dsl\nop = dsl.ContainerOp(name='a')\n", "pipeline.py:3:6: this is KFP 1's DSL"),
        ("from kfp.components import func_to_container_op\n", "pipeline.py:1:1: this is KFP 1's DSL"),
        ("from __future__ import annotations\n" + _HEAD + _SAY,
         "take `from __future__ import annotations` out"),
        ("import sys\nsys.exit(3)\n", "pipeline.py:2:1: the file ends Python while it is imported in `sys.exit(3)`"),
        ("import os\nos._exit(3)\n", "pipeline.py: its process ended 3"),
        ("import os\nTAG = os.environ['TAG']\n", "pipeline.py:2:7: it needs the variable TAG"),
        ("x = open('data/rows.csv')\n", "pipeline.py:1:5: there is no file 'data/rows.csv' in `x = open("),
        ("x = 1\n", "pipeline.py: no pipeline is made when this file is imported; decorate a function"),
        ("def f():\n    return [][1]\nf()\n", "pipeline.py:2:12: IndexError: list index out of range in `return"),
        ("x = input()\n", "pipeline.py:1:5: EOFError"),
        ("import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9/')\n",
         "pipeline.py:2:1: it asks the network while it is imported"),
        (_HEAD + _SAY + "@dsl.pipeline\ndef talk():\n    say(txt='a')\n",
         "pipeline.py:8:5: TypeError: say() got an unexpected keyword argument \"txt\". in `say(txt='a')`"),
        (_HEAD + _SAY + "def make():\n    @dsl.pipeline(name='x')\n    def talk():\n        say(text='a')\nmake()\n",
         "pipeline.py: no name of the file holds its pipeline 'x'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_line(refused: Callable[..., str], text: str, said: str) -> None:
    assert said in refused(text)


def test_a_module_that_is_missing_is_to_be_installed_or_found(refused: Callable[..., str]) -> None:
    said = refused("import no_such_library.of_ours\n")
    assert "has no module 'no_such_library' in `import no_such_library.of_ours`" in said
    assert "-m pip install …), or name the Python that has it: --python .venv/bin/python" in said


def test_several_pipelines_are_listed(refused: Callable[..., str]) -> None:
    text = _HEAD + _SAY + _PIPELINE.format(name="one") + _PIPELINE.format(name="two")
    assert refused(text) == (
        "import.py: pipeline.py has 2 pipelines: one (line 8), two (line 12); name one of them, as in "
        "pipeline.py:one, several (…:a,b), or give --all\n"
    )
    said = refused(text, named=":three")
    assert said == (
        "import.py: pipeline.py has no pipeline 'three'; its pipelines: one, two; "
        "its components, each of which is a pipeline of one task: say\n"
    )


def test_a_pipeline_that_does_not_compile_hides_no_other(
    refused: Callable[..., str], repository: Path, command: Run, tmp_path: Path
) -> None:
    broken = "\n@dsl.pipeline\ndef broken():\n    say(text=1)\n"
    text = _HEAD + _SAY + broken + _PIPELINE.format(name="one")
    assert "pipeline.py:9:5: InconsistentTypeException" in refused(text, named=":broken")
    done = command("import", f"{tmp_path}/pipeline.py:one", "--root", repository)
    assert done.code == 0, done.err


def test_what_no_manifest_says_is_told_at_the_line_of_its_task(refused: Callable[..., str]) -> None:
    text = _HEAD + _SAY.replace('"python:3.11"', '"python:3.11", packages_to_install=["{{workflow.name}}"]')
    said = refused(text + "\n@dsl.pipeline\ndef talk():\n    say(\n        text='a')\n")
    assert said.startswith("pipeline.py:9:5: ")


def test_a_file_that_takes_too_long_is_ended(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "SECONDS", 3)
    said = refused("import time\ntime.sleep(600)\n")
    assert "pipeline.py: it was not imported within" in said


def test_another_python_is_named_when_it_is_not_there(refused: Callable[..., str]) -> None:
    said = refused("x = 1\n", "--python", "/no/such/python")
    assert said == "import.py: /no/such/python cannot be started: No such file or directory\n"


def test_a_python_without_kfp_says_how_to_get_it(refused: Callable[..., str], tmp_path: Path) -> None:
    import sys

    python = tmp_path / "bare"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    said = refused("x = 1\n", "--python", python)
    assert "has no kfp (No module named 'kfp'); install it there (pip install kfp==2.17.3" in said
