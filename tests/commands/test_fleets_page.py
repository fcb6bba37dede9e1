"""docs/fleets.md: its commands are run, in its order, in a copy of the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import copies
import yaml
from project import PROJECT

PAGE = (PROJECT / "docs/fleets.md").read_text("utf-8")


def test_customers_are_added_as_documented(tmp_path: Path) -> None:
    copies.committed(tmp_path)
    (block,) = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for text in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, expected = text.partition("\n")
        own = re.sub(r"\bpython ", f"{sys.executable} ", line)
        done = subprocess.run(
            ["sh", "-c", own], cwd=tmp_path, env=kept, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (line, done.stdout + done.stderr)
        missing = [part for part in re.split(r"\n|…", expected) if part.strip() not in done.stdout]
        assert not missing, (line, missing, done.stdout)
    values = yaml.safe_load((tmp_path / "environments/dev/values.yaml").read_text("utf-8"))
    shown, *_ = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for name, entry in yaml.safe_load(shown)["pipelines"].items():
        assert values["pipelines"][name] == entry
    head = yaml.safe_load((tmp_path / "manifests/dev/environment.yaml").read_text("utf-8"))
    assert {each["name"]: each.get("template") for each in head["pipelines"]}["usage-cedar"] == "quickstart"
