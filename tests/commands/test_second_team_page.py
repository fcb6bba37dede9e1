"""docs/second-team.md: its commands are run, in its order, in a copy of the repository and on development servers."""

from __future__ import annotations

import sys
from pathlib import Path

import copies
import page_kit
import pytest
import yaml
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from pathspec import PathSpec
from project import PROJECT

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))
PAGE = "docs/second-team.md"
# What differs is told by 1.
CODES = {
    "python scripts/diff.py": 1,
    "python scripts/reconcile.py plan": 1,
    "python scripts/render.py --env dev\n": 2,
}


def test_a_second_team_has_its_first_pipeline_in_prod_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    copy = copies.committed(tmp_path / "copy")
    with (
        DevServer(tmp_path / "dev", executor=FAKE) as dev,
        DevServer(tmp_path / "prod", executor=FAKE) as prod,
    ):

        def adapted(line: str) -> str:
            return line.replace("http://127.0.0.1:8888", dev.url).replace("http://127.0.0.1:8889", prod.url)

        assert page_kit.run(copy, PAGE, "From nothing to production", CODES, adapted) > 20
        owner = Owner(_id(copy), "dev")
        assert {*KfpApi(dev.url, "").pipelines((), owner)} == {"churn-usage"}
    _limits(copy)
    _owners(copy)


def _id(copy: Path) -> str:
    found = yaml.safe_load((copy / "environments/base.yaml").read_text("utf-8"))["repository"]["id"]
    return str(found)


def _limits(copy: Path) -> None:
    assert page_kit.run(copy, PAGE, "Limits", {"python scripts/render.py --env dev": 2}) == 3


def _owners(copy: Path) -> None:
    """The lines of CODEOWNERS decide on the team's files in all environments, its backfills, and on no others."""
    lines = (copy / ".github/CODEOWNERS").read_text("utf-8").splitlines()[-2:]
    assert "".join(f"{line}\n" for line in lines) in (PROJECT / PAGE).read_text("utf-8")
    (pattern, whom), (backfills, whose) = (line.split() for line in lines)
    assert whom == whose == "@example/churn"
    assert backfills == "/environments/*/backfills/churn/"
    files = sorted(path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file())
    assert set(PathSpec.from_lines("gitignore", [pattern]).match_files(files)) == {
        "environments/teams/churn.yaml",
        "environments/dev/teams/churn.yaml",
        "environments/prod/teams/churn.yaml",
    }
