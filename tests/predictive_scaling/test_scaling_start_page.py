"""docs/scaling-start.md: its commands are commands, its values are values of both pipelines."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import jsonschema
import pytest
import yaml
from predictive_scaling.__main__ import parser
from project import PROJECT

TEXT = (PROJECT / "docs/scaling-start.md").read_text("utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)).replace("\\\n", " ")
LIBRARY = re.findall(r"^python -m predictive_scaling (.*)$", SHELL, re.MULTILINE)


@pytest.mark.parametrize("words", LIBRARY, ids=lambda words: words.partition(" ")[0])
def test_the_command_line_takes_its_commands(words: str) -> None:
    assert callable(parser().parse_args(shlex.split(words)).run)


def test_it_leads_through_every_command_in_order() -> None:
    names = [words.partition(" ")[0] for words in LIBRARY]
    assert names == ["doctor", "fetch", "validate", "recommend", "consumers", "propose"]


@pytest.mark.parametrize("pipeline", ["predictive-scaling", "predictive-scaling-forecast"])
def test_its_values_are_values_of_the_pipeline(pipeline: str) -> None:
    (block,) = (
        text for text in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL) if text.startswith("values:")
    )
    schema = yaml.safe_load((PROJECT / f"templates/pipelines/{pipeline}/values.schema.json").read_text())
    schema.pop("required")
    jsonschema.validate(yaml.safe_load(block)["values"], schema)


@pytest.mark.parametrize("script", sorted(set(re.findall(r"python (scripts/\w+\.py)", TEXT))))
def test_its_scripts_are_there(script: str) -> None:
    assert (Path(PROJECT) / script).is_file()
