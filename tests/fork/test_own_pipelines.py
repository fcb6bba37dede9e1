"""Each pipeline that has a file in .github/local-runs is run on this machine, with the parameters in that file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import assembly
import profiles
import pytest
from project import ROOT

# What the product's tests run as well: `make demo` of the README, and tests/operate/runs/test_run.py.
_ELSEWHERE = frozenset({"predictive-scaling", "quickstart"})
PARAMETERS = ROOT / ".github/local-runs"


def _runs() -> list[tuple[str, str]]:
    """Pipeline and environment: dev, as in a pull request, or where else it is."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "manifests").glob("*/pipelines/*/pipeline.yaml")):
        found.setdefault(path.parent.name, []).append(path.parts[-4])
    return [
        (name, "dev" if "dev" in envs else envs[0])
        for name, envs in found.items()
        if (PARAMETERS / name).is_file()
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where relative paths lead into the repository, and what is written does not."""
    for path in ROOT.iterdir():
        if path.name != ".local-runs":
            (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.mark.timeout(1200)  # a minute where nothing else runs; a busy machine takes many
@pytest.mark.parametrize(("pipeline", "env"), _runs())
def test_it_runs_here(pipeline: str, env: str, folder: Path) -> None:
    if pipeline in _ELSEWHERE and assembly.is_product() and not profiles.deep():
        pytest.skip("the product's tests run it; here it is run in CI and with HYPOTHESIS_PROFILE=deep")
    lines = (PARAMETERS / pipeline).read_text("utf-8").splitlines()
    given = [word for line in lines if line for word in ("--param", line)]
    where = (
        "--root",
        str(ROOT),
        "--env",
        env,
        f"--pipeline={pipeline}",
        "--local",
        "--out",
        str(folder / "out"),
    )
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts/run.py"), *where, *given],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT / "components/src")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"\n{done.stdout}{done.stderr}"
