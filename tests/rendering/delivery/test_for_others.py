"""What keeps pins up to date, and what other repositories take from this one: each by its own schema, and tried."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from delivery.ci import run as _run
from project import PROJECT, ROOT

BIN = Path(sys.executable).parent
ACTION = ROOT / ".github/actions/kfp-gitops"
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
RENOVATE = json.loads((ROOT / "renovate.json").read_text("utf-8"))
ZEROS, ONES = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("renovate", "renovate.json"),
        ("dependabot", ".github/dependabot.yml"),
        ("github-actions", ".github/actions/kfp-gitops/action.yaml"),
    ],
)
def test_each_file_is_valid_by_its_reader_s_schema(schema: str, path: str) -> None:
    done = _run(BIN / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", path, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_zizmor_and_shellcheck_find_nothing() -> None:
    audited = (".github/actions", ".github/dependabot.yml")
    done = _run(BIN / "zizmor", "--offline", "--no-progress", "--pedantic", *audited, cwd=ROOT)
    assert done.returncode == 0, done.stdout
    done = _run(BIN / "shellcheck", ACTION / "install", ACTION / "run")
    assert done.returncode == 0, done.stdout


def test_renovate_finds_images_by_tag_and_digest_and_no_others() -> None:
    (manager,) = RENOVATE["customManagers"]
    (pattern,) = manager["matchStrings"]
    release = f"""\
images:
  built: registry.example.com/team/built@{ZEROS}
  # old: registry.example.com/team/old:1@{ONES}
  spark: registry.example.com:5000/team/spark:3.5.1@{ONES}
  python: 'python:3.13-slim@{ONES}'
"""
    python = re.compile(pattern.replace("(?<", "(?P<"))
    found = [match.group("depName", "currentValue", "currentDigest") for match in python.finditer(release)]
    assert found == [
        ("registry.example.com:5000/team/spark", "3.5.1", ONES),
        ("python", "3.13-slim", ONES),
    ]


def test_each_lock_says_how_make_makes_it_and_renovate_reads_it() -> None:
    """Renovate makes a lock anew by the command in its head, and knows of options only those with `=`."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    made = {
        words[-1].removeprefix("--output-file="): words
        for words in (line.split() for line in re.findall(r"^\t(uv pip compile .*)", makefile, re.MULTILINE))
    }
    locks = [str(path.relative_to(ROOT)) for path in ROOT.glob("**/*.lock") if ".venv" not in path.parts]
    assert sorted(made) == sorted(locks)
    (pattern,) = RENOVATE["pip-compile"]["managerFilePatterns"]
    for lock, words in made.items():
        head = (ROOT / lock).read_text("utf-8").splitlines()[1]
        assert head.removeprefix("#").split() == [word for word in words if word != "--quiet"]
        assert bool(re.search(pattern.strip("/").replace("\\/", "/"), lock)) is not lock.startswith("tests/")


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A repository that has inputs, and the tool as a package."""
    for name in ("argocd", "components", "environments", "manifests", "templates"):
        shutil.copytree(PROJECT / name, tmp_path / "theirs" / name)
    return tmp_path / "theirs"


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook["id"]))
def test_a_hook_finds_nothing_in_what_ships_and_something_in_a_forgotten_render(
    hook: dict[str, str], theirs: Path
) -> None:
    assert hook["language"] == "python"
    words = [sys.executable if word == "python" else word for word in hook["entry"].split()]
    assert _run(*words, "--root", ".", cwd=theirs, PYTHONPATH=str(ROOT / "scripts")).returncode == 0
    changed = theirs / "manifests/dev/pipelines/quickstart/pipeline.yaml"
    assert re.match(hook["files"], str(changed.relative_to(theirs)))
    changed.write_text(changed.read_text("utf-8").replace("quickstart", "{"), "utf-8")
    assert _run(*words, "--root", ".", cwd=theirs, PYTHONPATH=str(ROOT / "scripts")).returncode != 0


def test_the_action_runs_its_command_where_the_job_is_and_reads_no_code_in_it(
    theirs: Path, tmp_path: Path
) -> None:
    (tmp_path / "kfp-gitops/bin").mkdir(parents=True)
    (tmp_path / "kfp-gitops/bin/python").symlink_to(sys.executable)
    around = {"RUNNER_TEMP": str(tmp_path), "DIRECTORY": "theirs"}
    done = _run(ACTION / "run", cwd=tmp_path, COMMAND="render --all --check", **around)
    assert done.returncode == 0, done.stderr
    (theirs / "manifests/dev/names.yaml").unlink()
    done = _run(ACTION / "run", cwd=tmp_path, COMMAND="render --all --check", **around)
    assert done.returncode == 1
    done = _run(
        ACTION / "run", cwd=tmp_path, COMMAND="render --env $(touch${IFS}made) ; touch made *", **around
    )
    assert done.returncode == 2
    assert not list(tmp_path.glob("**/made"))


def test_the_action_installs_by_the_lock_into_an_environment_of_its_own(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/said\n'
        'if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi\n'
    )
    python.chmod(0o755)
    done = _run(ACTION / "install", cwd=tmp_path, RUNNER_TEMP=str(tmp_path), PYTHON=str(python))
    assert done.returncode == 0, done.stderr
    first, *rest = (tmp_path / "said").read_text().splitlines()
    assert first == f"-m venv {tmp_path}/kfp-gitops"
    assert all("--require-hashes" in line for line in rest)
    assert rest[-1].endswith("requirements-reconcile.lock")
    assert not (ROOT / "install").exists()  # where its scripts are it writes nothing
