"""docs/migrate.md: its commands run as they stand, and what it shows of their outcome is their outcome."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.base.yamltext import parse
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.rendering.rendered import RenderedPipeline
from project import HERE, PROJECT, Outcome

Run = Callable[..., Outcome]
_PAGE = (PROJECT / "docs/migrate.md").read_text("utf-8")
_SPECS = {path.stem: path.read_text("utf-8") for path in (HERE / "dsl/dsl_components").glob("*.yaml")}
_MANIFEST = """
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: %s, description: A., owner: t}
spec:
  parameters: {rounds: {type: int, default: 10}}
  tasks: {say: {component: say, arguments: {text: "{{params.rounds}}"}}}
"""


def _commands() -> list[list[str]]:
    blocks = re.findall(r"^```console\n(.*?)^```$", _PAGE, re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [line.removeprefix("$ python scripts/").split() for line in lines if line.startswith("$ python ")]


def _shown() -> dict[str, str]:
    """The YAML files that the page shows, by the path in their first line."""
    blocks = re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", _PAGE, re.M | re.S)
    return dict(blocks)


@pytest.fixture
def around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the page's commands name."""
    monkeypatch.chdir(tmp_path)
    for name in ("trainer", "churn"):
        text = compile_pipeline(RenderedPipeline(name, "sha256:0", _MANIFEST % name, _SPECS), "m").text
        (tmp_path / f"{name}.yaml").write_text(text)
    for path, text in _shown().items():
        if not path.startswith("environments/"):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
    return tmp_path


def _is_of_another_page(words: list[str]) -> bool:
    """What needs a server, or a file of Python, is run by the tests of these doors."""
    return "--host" in words or any(".py" in word for word in words[1:])


def test_the_commands_of_the_page_run_and_do_what_it_says(
    repository: Path, command: Run, around: Path
) -> None:
    ran = [words for words in _commands() if not _is_of_another_page(words)]
    assert len(ran) >= 4
    for name, *words in ran:
        done = command(name.removesuffix(".py"), *words, "--root", repository)
        assert done.code == 0, (words, done.err)
    shown: Any = parse(_shown()["environments/dev/values.yaml"], "page").value
    values = parse((repository / "environments/dev/values.yaml").read_text(), "v").value["pipelines"]
    assert {name: values[name] for name in shown} == shown
    assert values["churn-nightly"]["values"]["schedules"][0]["name"] == "churn-nightly"
    assert command("render", "--env", "dev", "--check", "--root", repository).code == 0


def test_the_page_names_every_door() -> None:
    for words in (
        "new.py pipeline NAME --from FILE",
        "--take-back",
        "--ir NAME=FILE",
        "--name",
        "ZIP or tar.gz",
    ):
        assert words in _PAGE
