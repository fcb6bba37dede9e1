"""The reconciler's image, as far as it can be shown without an engine: its recipe, its lock, and its start."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import delivered
import kubelet
import pytest
from bench import clean
from bench.image import first_request, installed
from project import PROJECT

RECIPE = (PROJECT / "scripts/Dockerfile").read_text("utf-8")
# An environment of a lock that is new is installed first: minutes on a busy machine, once.
pytestmark = pytest.mark.timeout(1800)
LOCK = PROJECT / "requirements-reconcile.lock"
MODELS = {"numpy", "pandas", "prophet", "scipy", "scikit-learn", "torch", "matplotlib", "boto3", "cmdstanpy"}


def _instructions(name: str) -> list[str]:
    text = RECIPE.replace("\\\n", " ")
    return [
        line.removeprefix(f"{name} ").strip() for line in text.splitlines() if line.startswith(f"{name} ")
    ]


def test_the_base_is_by_digest_and_the_last_stage_runs_as_nobody() -> None:
    base, commit = _instructions("ARG")
    assert commit == "COMMIT="  # what --version tells; nothing that is built hangs on it
    assert re.fullmatch(r"BASE=\S+@sha256:[0-9a-f]{64}", base)
    assert {line.split()[0] for line in _instructions("FROM")} == {"${BASE}"}
    pods = dict(delivered.pods(delivered.of("dev")))
    security = pods["kfp-gitops-dev"]["spec"]["securityContext"]
    assert _instructions("USER") == [f"{security['runAsUser']}:{security['runAsGroup']}"]
    assert RECIPE.rindex("USER ") > RECIPE.rindex("FROM ")


def test_packages_come_from_the_lock_with_hashes_and_bytecode_is_made() -> None:
    (install,) = (line for line in _instructions("RUN") if "pip install" in line)
    assert "--requirement /src/requirements-reconcile.lock" in install
    assert any("compileall" in line for line in _instructions("RUN"))


@pytest.mark.parametrize("recipe", ["scripts/Dockerfile", "components/Dockerfile"])
def test_nothing_is_run_that_no_lock_hashes(recipe: str) -> None:
    """pip builds a source package with the newest setuptools that it finds, unless it is told not to."""
    text = re.sub(r"(?m)^#.*\n", "", (PROJECT / recipe).read_text("utf-8")).replace("\\\n", " ")
    installs = re.findall(r"pip install ([^&\n]*)", text)
    assert len(installs) == 2
    for install in installs:
        words = install.split()
        assert "--require-hashes" in words and "--only-binary :all:" in install
        assert "--no-build-isolation" in words or "--no-binary" not in words


def test_both_images_are_built_with_the_same() -> None:
    locks = ("requirements-build.lock", "components/requirements-build.lock")
    ours, theirs = ((PROJECT / path).read_text("utf-8").splitlines() for path in locks)
    # Each begins with the command that makes it, in which its own path stands.
    assert ours[2:] == theirs[2:] != []


def test_a_build_that_fetches_its_own_back_end_fails_here(tmp_path: Path) -> None:
    """A control: the folder of hashed files, from which the image is built in tests, holds nothing else."""
    found = re.search(r"(?m)^kfp-server-api==[^\n]*\n(?:    --hash[^\n]*\n?)+", LOCK.read_text("utf-8"))
    assert found
    (tmp_path / "one.lock").write_text(found[0].replace(" \\\n    # via", "\n# via"), "utf-8")
    (tmp_path / "Dockerfile").write_text(
        "ARG BASE=x\nFROM ${BASE} AS build\nRUN python -m venv /opt/one\nCOPY one.lock /src/\n"
        "RUN /opt/one/bin/pip install --require-hashes --no-deps --requirement /src/one.lock\nFROM ${BASE}\n"
    )
    with pytest.raises(subprocess.CalledProcessError):
        clean.from_recipe(tmp_path / "Dockerfile", tmp_path)


def test_help_names_commands_that_are_there() -> None:
    environment, package = kubelet.image()

    def said(*words: str) -> str:
        done = subprocess.run(
            [environment / "bin/python", "-m", "kfp_gitops", *words],
            env={"PYTHONPATH": str(package), "HOME": "/tmp"}, cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    known = re.findall(r"(?m)^  ([a-z_]+) ", said("--help"))
    assert "reconcile" in known and "demo" not in known and "again" not in known
    for command in known:
        text = said(command, "--help")
        assert "scripts/" not in re.sub(r"scripts/kfp_gitops/\S+", "", text), text
        assert set(re.findall(r"python -m kfp_gitops ([a-z_]+)", text)) <= set(known)
    text = said("reconcile", "pause", "--help")
    assert "usage: python -m kfp_gitops reconcile pause" in text and "scripts/" not in text


def test_its_entry_point_is_the_command_of_the_manifests() -> None:
    (entry,) = _instructions("ENTRYPOINT")
    for env in delivered.ENVIRONMENTS:
        for _, template in delivered.pods(delivered.of(env)):
            assert template["spec"]["containers"][0]["command"] == json.loads(entry)


def test_no_library_of_models_is_in_it() -> None:
    assert not MODELS & set(re.findall(r"^([a-z0-9-]+)==", LOCK.read_text("utf-8"), re.MULTILINE))


def test_the_compiled_validator_is_in_it_as_it_is_tested() -> None:
    """Without it each manifest takes 10 ms of a processor more: `kfp_gitops/base/valid.py`."""
    wanted = re.compile(r"^jsonschema-rs==\S+", re.MULTILINE)
    tested = (PROJECT / "requirements-dev.lock").read_text("utf-8")
    assert wanted.findall(LOCK.read_text("utf-8")) == wanted.findall(tested) != []


def test_from_the_same_lock_in_a_clean_environment_it_starts_and_asks_kfp(tmp_path: Path) -> None:
    python, variables = installed(tmp_path, bytecode=True)
    assert first_request(python, variables, PROJECT / "manifests/dev") > 0
    listed = subprocess.run(
        [python, "-c", "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"],
        capture_output=True, text=True, check=True, env=variables,
    )  # fmt: skip
    assert not MODELS & {name.lower() for name in listed.stdout.split()}


def test_the_environment_of_a_recipe_is_made_once() -> None:
    first = clean.from_recipe(PROJECT / "scripts/Dockerfile", PROJECT)
    assert clean.from_recipe(PROJECT / "scripts/Dockerfile", PROJECT) == first
