"""`import.py FILE.py --keep`: a DSL file with its neighbours stands beside a template, and goes on in Python."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.sources import compiledfrom, release
from project import Outcome, snapshot

Command = Callable[..., Outcome]
KEPT = "templates/pipelines/train-daily"
FILE = """import common
from helpers.steps import shout
from kfp import dsl

@dsl.component(base_image="python:3.12")
def greet(name: str) -> str:
    return "hello " + name

@dsl.pipeline(name="small")
def small(name: str = common.NAME):
    greet(name=name)

@dsl.pipeline(name="train-daily", description="Trains.")
def train(name: str = common.NAME, n: int = 3):
    small(name=name)
    with dsl.If(n > 2):
        shout(text=greet(name=name).output)

open("ran", "a").close()
if __name__ == "__main__":
    raise SystemExit("nobody runs it")
"""
STEPS = """from kfp import dsl

@dsl.component(base_image="python:3.12")
def shout(text: str) -> str:
    return text.upper()
"""


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A folder of a team, with a DSL file and what it imports."""
    folder = tmp_path / "team"
    (folder / "helpers").mkdir(parents=True)
    (folder / "train.py").write_text(FILE.replace('"ran"', repr(str(tmp_path / "ran"))), "utf-8")
    (folder / "common.py").write_text('NAME = "you"\n', "utf-8")
    (folder / "helpers/__init__.py").write_text("", "utf-8")
    (folder / "helpers/steps.py").write_text(STEPS, "utf-8")
    return folder


def test_it_stays_as_it_is_compiles_to_the_same_and_goes_on(
    repository: Path, team: Path, command: Command
) -> None:
    done = command("import", "--root", repository, f"{team}/train.py:train", "--keep")
    assert done.code == 0, done.err
    assert f"{KEPT}/pipeline.py is {team}/train.py, compiled to compiled.yaml\n" in done.out
    assert f"equal: rendered and compiled, train-daily is {team}/train.py:train, sha256:" in done.out
    folder = repository / KEPT
    text = (team / "train.py").read_text("utf-8")
    assert (folder / "pipeline.py").read_text("utf-8") == f"{text}\npipeline = train\n"
    for name in ("common.py", "helpers/__init__.py", "helpers/steps.py"):
        assert (folder / name).read_bytes() == (team / name).read_bytes()
    compiled = (folder / "compiled.yaml").read_text("utf-8")
    assert command("components", "--root", repository).code == 0
    assert (folder / "compiled.yaml").read_text("utf-8") == compiled
    assert compiledfrom.stale(repository, compiledfrom.every(repository)) == []
    ruff = [sys.executable, "-m", "ruff", "format", "--check", str(folder)]
    assert subprocess.run(ruff, check=False, capture_output=True).returncode == 0
    (folder / "common.py").write_text('NAME = "us"\n', "utf-8")
    ran = command("run", "--root", repository, "--env", "dev", "--pipeline", "train-daily", "--local")
    assert (ran.code, 'Output = "HELLO YOU"' in ran.out) == (0, True), ran.err  # the environment says who
    assert "defaultValue: us" in (folder / "compiled.yaml").read_text("utf-8")


def test_a_file_of_one_pipeline_is_kept_to_the_letter(repository: Path, team: Path, command: Command) -> None:
    (team / "one.py").write_text(
        STEPS + "\n@dsl.pipeline(name='One Job')\ndef go():\n    shout(text='x')\n", "utf-8"
    )
    done = command("import", "--root", repository, team / "one.py", "--keep", "--name", "one")
    assert done.code == 0, done.err
    assert (repository / "templates/pipelines/one/pipeline.py").read_bytes() == (team / "one.py").read_bytes()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pipeline.py", "NAME = 'x'\n", "its module 'pipeline' would stand in the place of pipeline.py"),
        ("texts.py", "from pathlib import Path\nNAME = (Path(__file__).parents[1] / 't.txt').read_text()\n",
         "cannot be imported: FileNotFoundError"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_told_and_nothing_is_left(
    repository: Path, team: Path, command: Command, name: str, text: str, said: str
) -> None:
    before = snapshot(repository)
    (team.parent / "t.txt").write_text("x", "utf-8")
    (team / name).write_text(text, "utf-8")
    (team / "other.py").write_text(
        f"from {name.removesuffix('.py')} import NAME\n"
        + STEPS
        + "\n@dsl.pipeline(name='p')\ndef go():\n    shout(text=NAME)\n",
        "utf-8",
    )
    done = command("import", "--root", repository, team / "other.py", "--keep")
    assert (done.code, said in done.err, "leave --keep out" in done.err) == (2, True, True), done.err
    assert snapshot(repository) == before


def test_a_compiled_file_is_not_kept_as_python(repository: Path, tmp_path: Path, command: Command) -> None:
    (tmp_path / "x.yaml").write_text("a: 1\n", "utf-8")
    for words in ((tmp_path / "x.yaml",), ("--host", "http://127.0.0.1:1"), ("--check", "x.py")):
        done = command("import", "--root", repository, *words, "--keep")
        assert (done.code, "--keep is for a file of KFP's DSL" in done.err) == (2, True), done.err


def test_several_pipelines_need_a_name(repository: Path, team: Path, command: Command) -> None:
    text = (team / "train.py").read_text("utf-8").replace("    small(name=name)\n", "")
    (team / "train.py").write_text(text, "utf-8")
    done = command("import", "--root", repository, f"{team}/train.py:train,small", "--keep")
    assert (done.code, "a folder keeps one pipeline; name it as FILE.py:NAME" in done.err) == (2, True), (
        done.err
    )


def test_new_py_is_the_same_door(repository: Path, team: Path, command: Command) -> None:
    source = f"{team}/train.py:train"
    done = command("new", "--root", repository, "pipeline", "daily", "--dsl", "--from", source)
    assert done.code == 0, done.err
    text = (repository / "templates/pipelines/daily/pipeline.py").read_text("utf-8")
    assert text.endswith("\npipeline = train\n")
    assert "name: daily" in (repository / "manifests/dev/pipelines/daily/pipeline.yaml").read_text("utf-8")


def test_data_that_it_reads_comes_with_it_and_is_no_part_of_a_release(
    repository: Path, team: Path, command: Command
) -> None:
    (team / "sql").mkdir()
    (team / "sql/users.sql").write_text("select 1", "utf-8")
    query = 'QUERY = (Path(__file__).parent / "sql/users.sql").read_text()\n'
    go = "\n@dsl.pipeline(name='p')\ndef go():\n    shout(text=QUERY)\n"
    (team / "sqlrun.py").write_text(f"from pathlib import Path\n{STEPS}\n{query}{go}", "utf-8")
    done = command("import", "--root", repository, team / "sqlrun.py", "--keep")
    assert done.code == 0, done.err
    data = repository / "templates/pipelines/p/sql/users.sql"
    found = release.from_sources(repository, "p", {})
    assert sorted(found.files) == ["compiled.yaml", "pipeline.yaml.j2", "values.schema.json"]
    data.write_text("select 2", "utf-8")
    assert [one.path for one in compiledfrom.stale(repository, [compiledfrom.pipeline("p")])] == [
        "templates/pipelines/p/sql/users.sql"
    ]
    assert command("render", "--root", repository, "--env", "dev", "--components", "--lock").code == 0
    assert "select 2" in (repository / "manifests/dev/pipelines/p/compiled.yaml").read_text("utf-8")
    (data.parent / "notes.txt").write_text("", "utf-8")
    done = command("render", "--root", repository, "--env", "dev")
    assert (
        "p/sql/notes.txt: no part of a pipeline, and would be released with it; remove it, or compile"
        in done.err
    )
