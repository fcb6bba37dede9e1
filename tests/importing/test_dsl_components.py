"""Which components of a DSL file go on as Python, and how; which stay YAML, and what is said of them."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.commands import begun
from kfp_gitops.sources import compiledfrom
from project import HERE, Outcome, snapshot

Run = Callable[..., Outcome]
_PROJECT = HERE / "data/dsl_files/project"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(_PROJECT, tmp_path / "ours"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """A DSL file from its text."""

    def written(text: str) -> Path:
        path = tmp_path / "dsl" / "steps.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    return written


def _python(root: Path, name: str) -> str:
    """A component.py without what is said at its top."""
    return (root / f"components/{name}/component.py").read_text().partition("# fmt: off\n\n")[2]


def test_a_project_with_neighbours_is_taken_apart(repository: Path, command: Run, project: Path) -> None:
    before = sorted(project.rglob("*"))
    done = command("import", project / "pipelines/train.py", "--all", "--root", repository)
    assert done.code == 0, done.err
    assert sorted(project.rglob("*")) == before  # it was imported, and compiled nothing beside itself
    assert "train-all is" in done.out and "other is" in done.out
    assert _kept(done) == {
        "tally": "no function of the file makes it: it was loaded as YAML",
        "inside": "its code is in the image 'registry.example.com/containerized:1', built from the file's folder",
    }
    names = {path.parent.name for path in (repository / "components").glob("*/component.py")}
    assert {"checked", "checked_2", "clean", "score", "shell", "step", "step_2", "train"} <= names
    checked = command("components", "--check", "--root", repository)
    assert checked.out == "change components/greet/component.yaml\n"  # which was not compiled before, either
    assert "kfp.Client is asked when the file is imported; nothing was sent" in done.err
    assert (
        "common.py:9: the variable OUR_REGISTRY was not given; --pass-env OUR_REGISTRY gives it" in done.err
    )


def _kept(done: Outcome) -> dict[str, str]:
    lines = [line for line in done.out.splitlines() if " stays component.yaml: " in line]
    return {
        name.removeprefix("components/"): why
        for name, why in (line.split(" stays component.yaml: ") for line in lines)
    }


def test_what_neighbours_say_stands_in_the_component(repository: Path, command: Run, project: Path) -> None:
    done = command("import", "--root", repository, project / "pipelines/train.py:train_all")
    assert done.code == 0, done.err
    assert (
        _python(repository, "clean")
        == '''\
from typing import List

from kfp.dsl import Dataset, Output, component

TAG = "1.4.0"
REQUIREMENTS: List[str] = ["pandas==2.2.2"]
REQUIREMENTS.append("pyarrow==16.0.0")


def image(name: str) -> str:
    """One of ours."""
    return f"registry.example.com/ml/{name}:{TAG}"


PACKAGES = REQUIREMENTS


def more(rows: int) -> int:
    return rows + 1


@component(
    base_image=image('clean'),
    packages_to_install=PACKAGES,
    additional_funcs=[more],
)
def clean(rows: int,
          out: Output[Dataset]):
    """As its author formats it."""
    with open(out.path, 'w') as file:
        file.write(str(more(rows)))
    # done
'''
    )
    # Of two of one name one has another folder; what it reads of the environment is written as it was.
    assert _python(repository, "step_2" if "Another" in _python(repository, "step") else "step").startswith("""\
from kfp import dsl


@dsl.component(
    base_image='registry.example.com/ml/step:1.4.0',
)
def step(rows: int = 1) -> int:
    return rows
""")
    assert 'image=image("shell")' in _python(repository, "shell")
    assert _python(repository, "score").endswith('score = dsl.component(_score, base_image="python:3.11")\n')
    assert "minor = 1" in _python(repository, "checked_2")  # what a closure knew
    assert _python(repository, "checked_2").endswith("\n\nchecked_2 = checked\n")


def test_what_is_imported_twice_is_one(repository: Path, command: Run, project: Path) -> None:
    """A component.yaml that component.py was compiled to is known again."""
    first = command("import", "--root", repository, project / "pipelines/train.py:other")
    added = [line for line in first.out.splitlines() if line.startswith("add components/")]
    assert len(added) == 4, added  # the functions of clean and step, and what they compile to
    done = command("import", "--root", repository, project / "pipelines/train.py:train_all")
    assert done.code == 0, done.err
    assert "add components/clean" not in done.out
    assert "add components/train/component.py" in done.out


def test_a_compiled_component_says_what_it_was_compiled_from(
    repository: Path, command: Run, write: Callable[[str], Path]
) -> None:
    assert command("import", "--root", repository, write(_SIMPLE)).code == 0
    assert list(compiledfrom.stale(repository, compiledfrom.every(repository))) == []
    path = repository / "components/say/component.py"
    path.write_text(path.read_text().replace("return text", "return text + text"))
    assert "components/say/component.py" in {
        one.path for one in compiledfrom.stale(repository, compiledfrom.every(repository))
    }


_SIMPLE = """
from kfp import dsl

@dsl.component(base_image="python:3.11")
def say(text: str) -> str:
    return text

@dsl.pipeline
def talk(text: str = "a"):
    say(text=text)
"""


def test_a_component_with_a_file_in_it_stays_yaml(
    repository: Path, command: Run, write: Callable[[str], Path]
) -> None:
    path = write(_SIMPLE.replace('"python:3.11"', '"python:3.11", embedded_artifact_path=__file__ + ".txt"'))
    Path(f"{path}.txt").write_text("a")
    done = command("import", "--root", repository, path)
    assert done.code == 0, done.err
    assert _kept(done) == {"say": f"it carries the file '{path}.txt'"}


def test_what_means_another_thing_elsewhere_is_written_as_the_value_that_it_had(
    repository: Path, command: Run, write: Callable[[str], Path]
) -> None:
    path = write(_SIMPLE.replace('"python:3.11"', 'f"python:{len(__file__)}"'))
    done = command("import", "--root", repository, path)
    assert done.code == 0, done.err
    assert f"    base_image='python:{len(str(path))}',\n" in _python(repository, "say")


def test_libraries_are_those_of_the_python_that_is_named(
    repository: Path, command: Run, write: Callable[[str], Path], tmp_path: Path
) -> None:
    """What components need of them at the top is written as the value that it had: this Python has them not."""
    path = write(
        _SIMPLE.replace('"python:3.11"', "theirs.IMAGE").replace(
            "\n\n@dsl.comp", "\nimport theirs\n\n@dsl.comp"
        )
    )
    (tmp_path / "libraries").mkdir()
    (tmp_path / "libraries/theirs.py").write_text('IMAGE = "python:3.12"\n')
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path}/libraries exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    assert "has no module 'theirs'" in command("import", "--root", repository, path).err
    done = command("import", "--root", repository, path, "--python", python)
    assert done.code == 0, done.err
    assert "    base_image='python:3.12',\n" in _python(repository, "say")


def test_a_component_alone_is_a_pipeline(
    repository: Path, command: Run, write: Callable[[str], Path]
) -> None:
    """As for `kfp dsl compile`."""
    done = command("import", "--root", repository, write(_SIMPLE.partition("@dsl.pipeline")[0]))
    assert done.code == 0, done.err
    assert (repository / "components/say/component.py").exists()
    assert "equal: rendered and compiled, say is" in done.out


def test_a_name_of_ones_own(repository: Path, command: Run, write: Callable[[str], Path]) -> None:
    done = command("new", "pipeline", "chat", "--from", write(_SIMPLE), "--root", repository)
    assert done.code == 0, done.err
    assert (repository / "manifests/dev/pipelines/chat/pipeline.yaml").is_file()
    assert (repository / "components/say/component.py").exists()


def test_a_file_that_does_not_render_leaves_nothing_behind(
    repository: Path, command: Run, write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise InputError.of("environments/dev/values.yaml", "too many pipelines", "take some away")

    before = snapshot(repository)
    monkeypatch.setattr(begun, "render", fail)
    done = command("import", "--root", repository, write(_SIMPLE))
    assert (done.code, "too many pipelines" in done.err) == (2, True)
    assert snapshot(repository) == before


def test_many_files_are_tried_without_writing(
    repository: Path, command: Run, write: Callable[[str], Path]
) -> None:
    before = snapshot(repository)
    path = write(_SIMPLE + "\n@dsl.pipeline\ndef broken():\n    say(text=1)\n")
    done = command("import", "--check", "--root", repository, f"{path}:talk", path)
    assert done.code == 2
    assert f"equal    {path}:talk  sha256:" in done.out
    assert f"refused  {path}\n1 of 2 can be imported" in done.out
    assert f"{path}:14:5: InconsistentTypeException" in done.err
    assert snapshot(repository) == before


@pytest.mark.parametrize("how", [(), ("--keep",)])
def test_a_value_that_the_file_was_given_and_that_goes_to_git_is_told(
    repository: Path, command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    """Packages of one's own come from an index whose address holds a password more often than not."""
    monkeypatch.setenv("INDEX", "https://me:s3cr3t@index.example.com/simple")
    monkeypatch.setenv("UNUSED", "not-in-any-file")
    (tmp_path / "p.py").write_text(
        "import os\nfrom kfp import dsl\nINDEX = os.environ['INDEX']\nUNUSED = os.environ['UNUSED']\n"
        "@dsl.component(base_image='python:3.11', packages_to_install=['x'], pip_index_urls=[INDEX])\n"
        "def say() -> None:\n    print(1)\n"
        "@dsl.pipeline(name='given')\ndef given():\n    say()\n"
    )
    given = ("--pass-env", "INDEX", "--pass-env", "UNUSED", *how)
    done = command("import", tmp_path / "p.py", *given, "--root", repository)
    assert done.code == 0, done.err
    assert "the value of INDEX, which the DSL file was given, stands in " in done.err
    assert "the value of UNUSED" not in done.err
