"""docs/serving.md: its commands are run, and what it lists is what there is."""

import os
import re
import subprocess
import sys

import pytest
import yaml
from predictive_scaling.base import settings
from predictive_scaling.tell.gauges import HELP
from project import PROJECT

TEXT = (PROJECT / "docs/serving.md").read_text("utf-8")
# What is shown without an output asks a Prometheus of the reader's: its options are tried by the tests of `doctor`.
STEPS = [step for step in re.findall(r"^\$ python (.*)\n((?:[^$`].*\n)*)", TEXT, re.MULTILINE) if step[1]]


@pytest.mark.parametrize(("command", "expected"), STEPS, ids=[command.split()[2] for command, _ in STEPS])
def test_command_prints_what_it_says(command, expected, tmp_path):
    variables = {**os.environ, "PYTHONPATH": str(PROJECT / "components/src")}
    done = subprocess.run(
        [sys.executable, *command.split()],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert all(line in printed for line in expected.splitlines() if line != "…")


def test_every_gauge_is_listed():
    assert [name for name in HELP if not re.search(rf"`{name}[`:]", TEXT)] == []


def test_every_setting_is_listed():
    names = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", settings.__doc__)) - {"PREDICTIVE_SCALING"}
    assert {"PUSHGATEWAY_URL", "S3_SECRET_KEY", "LOG_LEVEL"} <= names
    assert [name for name in names if f"SCALING_{name}`" not in TEXT and f"…_{name}`" not in TEXT] == []


def test_values_that_it_shows_are_values_of_the_pipelines():
    import jsonschema

    first, second = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
    for name in ("predictive-scaling", "predictive-scaling-forecast"):
        schema = yaml.safe_load((PROJECT / f"templates/pipelines/{name}/values.schema.json").read_text())
        schema.pop("required")
        jsonschema.validate(first["predictive-scaling"]["values"] | second, schema)


def test_links_lead_somewhere():
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        file, _, part = link.partition("#")
        assert (PROJECT / "docs" / (file or "serving.md")).is_file(), link
        assert file or f"# {part.replace('-', ' ')}\n" in TEXT.lower(), link
