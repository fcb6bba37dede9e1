"""A compiled pipeline under another name, and `new.py pipeline NAME --from FILE`, which is the door of import.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import parse
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.importing.renamed import renamed
from kfp_gitops.rendering.rendered import RenderedPipeline
from project import HERE, Outcome, snapshot

Run = Callable[..., Outcome]
_LOUD = """
from kfp import dsl


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def shout(text: str) -> str:
    return text.upper()


@dsl.pipeline(name="loud")
def loud(text: str = "hello"):
    shout(text=text)
"""


@pytest.fixture(scope="module")
def compiled() -> str:
    specs = {path.stem: path.read_text("utf-8") for path in (HERE / "dsl/dsl_components").glob("*.yaml")}
    manifest = (HERE / "dsl/if_only/manifest.yaml").read_text()
    return compile_pipeline(RenderedPipeline("if-only", "sha256:0", manifest, specs), "m").text


@pytest.fixture
def file(compiled: str, tmp_path: Path) -> Path:
    path = tmp_path / "trainer.yaml"
    path.write_text(compiled)
    return path


@pytest.mark.parametrize(
    "command_line", [("import", "{}", "--name", "churn"), ("new", "pipeline", "churn", "--from", "{}")]
)
def test_a_pipeline_that_is_there_gets_the_name_that_it_shall_have(
    repository: Path, command: Run, file: Path, command_line: tuple[str, ...]
) -> None:
    words = [word.format(file) for word in command_line]
    done = command(*words, "--root", repository, "--owner", "growth")
    assert done.code == 0, done.err
    assert "equal: rendered and compiled, churn is" in done.out
    pipelines = parse((repository / "environments/dev/values.yaml").read_text(), "v").value["pipelines"]
    assert pipelines["churn"]["values"]["owner"] == "growth"
    assert (repository / "templates/pipelines/churn/pipeline.yaml.j2").is_file()
    assert command("render", "--root", repository, "--env", "dev", "--check").code == 0
    again = command(*(word.replace("churn", "churn-2") for word in words), "--root", repository)
    assert again.code == 0, "one file may be imported under several names"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("component", "x"), "--from is for `pipeline NAME --from FILE`"),
        (
            ("pipeline", "x", "--component", "greet"),
            "beside --from only --env, --owner, --team and --dsl mean",
        ),
        (
            ("pipeline", "x", "--template", "hello"),
            "beside --from only --env, --owner, --team and --dsl mean",
        ),
        (("pipeline", "X_y"), "'X_y' cannot name a pipeline"),
        (("pipeline", "hello"), "dev has a pipeline 'hello' already"),
        (("pipeline", "x", "--env", "prod"), "prod follows pinned copies"),
        ((), "the following arguments are required: kind, NAME"),
    ],
)
def test_what_cannot_be_begun_from_a_file_changes_nothing(
    repository: Path, command: Run, file: Path, words: tuple[str, ...], said: str
) -> None:
    before = snapshot(repository)
    done = command("new", *words, "--from", file, "--root", repository)
    assert (done.code, said in done.err) == (2, True), done.err
    assert snapshot(repository) == before


def test_a_teams_pipeline_stands_in_the_file_of_the_team(repository: Path, command: Run, file: Path) -> None:
    assert command("new", "team", "growth", "--root", repository).code == 0
    (repository / "environments/dev/teams/growth.yaml").unlink()
    before = (repository / "environments/dev/values.yaml").read_text()
    done = command(
        "new", "pipeline", "growth-churn", "--from", file, "--team", "growth", "--root", repository
    )
    assert done.code == 0, done.err
    text = (repository / "environments/dev/teams/growth.yaml").read_text()
    assert parse(text, "t").value["pipelines"]["growth-churn"]["values"]["owner"] == "growth"
    assert (repository / "environments/dev/values.yaml").read_text() == before
    wrong = command("import", file, "--team", "nobody", "--root", repository)
    assert (wrong.code, "no team 'nobody'; there are: growth" in wrong.err) == (2, True)


@pytest.mark.parametrize("more", [(), ("--keep",)])
def test_a_file_of_python_is_a_teams_pipeline_as_well(
    repository: Path, command: Run, tmp_path: Path, more: tuple[str, ...]
) -> None:
    (tmp_path / "loud.py").write_text(_LOUD)
    assert command("new", "team", "growth", "--root", repository).code == 0
    before = (repository / "environments/dev/values.yaml").read_text()
    done = command(
        "import",
        tmp_path / "loud.py",
        *more,
        "--name",
        "growth-loud",
        "--team",
        "growth",
        "--root",
        repository,
    )
    assert done.code == 0, done.err
    text = (repository / "environments/dev/teams/growth.yaml").read_text()
    assert "growth-loud" in parse(text, "t").value["pipelines"]
    assert (repository / "environments/dev/values.yaml").read_text() == before


def test_only_the_name_is_another_one(compiled: str) -> None:
    lines = list(zip(compiled.splitlines(), renamed(compiled, "x", "churn").splitlines(), strict=True))
    assert [pair for pair in lines if pair[0] != pair[1]] == [("  name: if-only", "  name: churn")]
    flow = compiled.replace(
        "pipelineInfo:\n  description: A test.\n  name: if-only\n",
        "pipelineInfo: {name: 'if-only', description: A.}\n",
    )
    assert "pipelineInfo: {name: churn, description: A.}" in renamed(flow, "x", "churn")


def test_a_name_that_is_not_written_in_one_line_is_told_with_its_place(compiled: str) -> None:
    folded = compiled.replace("  name: if-only\n", "  name: >-\n    if-only\n")
    with pytest.raises(
        InputError, match=r"x:\d+:9: its name is not written in one line; write `name: churn` there"
    ):
        renamed(folded, "x", "churn")
