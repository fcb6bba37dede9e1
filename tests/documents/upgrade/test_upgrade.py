"""Upgrades: the wheel renders the same bytes, and a newer SDK shows in the locks what it changes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import copies
import pytest
import yaml
from bench import clean
from project import PROJECT, snapshot

UV = Path(sys.executable).parent / "uv"
BLOCK = re.compile(r"^ *```console\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def _run(*command: object, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment | env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with everything that is committed here, or would be."""
    return copies.committed(tmp_path_factory.mktemp("fork"))


@pytest.fixture(scope="module")
def wheel(fork: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    done = _run(UV, "build", "--quiet", "--wheel", "--out-dir", out, fork, cwd=fork)
    assert done.returncode == 0, done.stderr
    (found,) = out.glob("kfp_gitops-*.whl")
    return found


def test_the_wheel_in_a_clean_environment_renders_the_same_bytes(
    fork: Path, wheel: Path, tmp_path: Path
) -> None:
    python = clean.python(clean.from_lock(PROJECT / "requirements.lock"))
    installed = tmp_path / "installed"
    done = _run(UV, "pip", "install", "--quiet", "--no-deps", "--target", installed, wheel, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    mine = tmp_path / "mine"
    shutil.copytree(fork, mine)
    shutil.rmtree(mine / "scripts")
    for manifest in [*(mine / "manifests").rglob("*.yaml"), *(mine / "argocd").iterdir()]:
        if manifest.name != "versions.lock.yaml":
            manifest.unlink()
    # From the root of the repository no option says where it is.
    done = _run(python, "-m", "kfp_gitops", "render", "--all", cwd=mine, PYTHONPATH=str(installed))
    assert done.returncode == 0, done.stderr
    for folder in ("manifests", "argocd"):
        assert snapshot(mine / folder) == snapshot(PROJECT / folder)
    version = "import importlib.metadata as m; print(m.version('kfp-gitops'))"
    said = _run(python, "-c", version, cwd=mine, PYTHONPATH=str(installed)).stdout.strip()
    assert wheel.name.startswith(f"kfp_gitops-{said}-")


def test_an_unknown_command_of_the_package_is_bad_usage(fork: Path) -> None:
    done = _run(sys.executable, "-m", "kfp_gitops", "rendr", cwd=fork, PYTHONPATH=str(PROJECT / "scripts"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "render" in done.stderr


def _locks(root: Path) -> dict[str, dict[str, str]]:
    """Environment → pipeline → digest of what it compiles to."""
    found = {}
    for path in sorted(root.glob("manifests/*/versions.lock.yaml")):
        entries = yaml.safe_load(path.read_text("utf-8"))["pipelines"]
        found[path.parent.name] = {name: entry["digest"] for name, entry in entries.items()}
    return found


def _changed_by(sdk: Path, fork: Path, tmp_path: Path) -> dict[str, set[str]]:
    """The pipelines that another SDK compiles to something else, by environment."""
    copy = tmp_path / "copy"
    shutil.copytree(fork, copy)
    version = _run(sys.executable, "-c", "import kfp; print(kfp.__version__)", cwd=copy, PYTHONPATH=str(sdk))
    assert version.stdout.strip() != "2.17.0"
    done = _run(sys.executable, "scripts/render.py", "--all", "--lock", cwd=copy, PYTHONPATH=str(sdk))
    assert done.returncode == 0, done.stderr
    before, after = _locks(fork), _locks(copy)
    return {env: {name for name in before[env] if before[env][name] != after[env][name]} for env in before}


def test_a_newer_release_of_the_sdk_that_compiles_to_the_same_changes_no_lock(
    fork: Path, tmp_path: Path
) -> None:
    """2.17.3, without its dependencies: they cannot be resolved (it wants a certifi that does not exist)."""
    sdk = tmp_path / "sdk"
    packages = ("kfp==2.17.3", "kfp-kubernetes==2.17.3")
    done = _run(UV, "pip", "install", "--quiet", "--no-deps", "--target", sdk, *packages, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert _changed_by(sdk, fork, tmp_path) == {env: set() for env in _locks(fork)}


def test_an_sdk_that_compiles_retries_otherwise_changes_the_locks_of_what_retries(
    fork: Path, tmp_path: Path
) -> None:
    import kfp

    sdk = tmp_path / "sdk"
    shutil.copytree(Path(kfp.__file__).parent, sdk / "kfp", ignore=shutil.ignore_patterns("__pycache__"))
    (sdk / "kfp/version.py").write_text("__version__ = '2.99.0'\n", "utf-8")
    structures = sdk / "kfp/dsl/structures.py"
    text = structures.read_text("utf-8")
    old = "max_retry_count = self.max_retry_count or 0"
    assert text.count(old) == 1
    structures.write_text(text.replace(old, "max_retry_count = (self.max_retry_count or 0) + 1"), "utf-8")
    retried = {
        env: {
            name
            for name in pipelines
            if "retry:" in (fork / f"manifests/{env}/pipelines/{name}/pipeline.yaml").read_text("utf-8")
        }
        for env, pipelines in _locks(fork).items()
    }
    assert 0 < len(retried["dev"]) < len(_locks(fork)["dev"]), "some retry and some do not"
    assert _changed_by(sdk, fork, tmp_path) == retried


def test_the_commands_of_the_document_do_what_it_says(fork: Path, tmp_path: Path) -> None:
    text = (PROJECT / "docs/upgrade.md").read_text("utf-8")
    commands = [line.strip()[2:] for block in BLOCK.findall(text) for line in block.splitlines()]
    assert len(commands) == 6
    copy = tmp_path / "copy"
    shutil.copytree(fork, copy)
    script = "\n".join(["set -euo pipefail", *commands])
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = _run("bash", "-c", script, cwd=copy, PATH=path)
    assert done.returncode == 0, done.stdout + done.stderr
