"""How long the rendered Jobs wait for a KFP that is restarted: longer than a restart, and less than their deadline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from project import PROJECT

JOBS = sorted(path for path in PROJECT.glob("manifests/*/*.yaml") if path.stem.endswith(("-job", "-cronjob")))


@pytest.mark.parametrize("path", JOBS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_job_outlasts_a_restart_and_says_so_before_its_deadline(path: Path) -> None:
    job: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    checks, passes = job["kind"] == "CronJob", path.stem == "trigger-cronjob"
    spec = job["spec"]["jobTemplate"]["spec"] if checks else job["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    (patience,) = [float(text.split("=")[1]) for text in container["args"] if text.startswith("--patience=")]
    if passes:  # the next one comes within a minute
        assert (patience, spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (30, 0, 300)
        return
    assert patience == (240 if checks else 600)
    # A check is tried once more within its deadline; else its failure would be a deadline without a word.
    assert spec["activeDeadlineSeconds"] >= (2 * patience if checks else patience + 300)
