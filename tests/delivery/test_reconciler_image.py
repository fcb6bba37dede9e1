"""The reconciler's image, as far as it can be shown without an engine: its recipe, its lock, and its start."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import delivered
from bench import clean
from bench.image import first_request, installed
from project import PROJECT

RECIPE = (PROJECT / "scripts/Dockerfile").read_text("utf-8")
LOCK = PROJECT / "requirements-reconcile.lock"
MODELS = {"numpy", "pandas", "prophet", "scipy", "scikit-learn", "torch", "matplotlib", "boto3", "cmdstanpy"}


def _instructions(name: str) -> list[str]:
    text = RECIPE.replace("\\\n", " ")
    return [
        line.removeprefix(f"{name} ").strip() for line in text.splitlines() if line.startswith(f"{name} ")
    ]


def test_the_base_is_by_digest_and_the_last_stage_runs_as_nobody() -> None:
    (base,) = _instructions("ARG")
    assert re.fullmatch(r"BASE=\S+@sha256:[0-9a-f]{64}", base)
    assert {line.split()[0] for line in _instructions("FROM")} == {"${BASE}"}
    pods = dict(delivered.pods(delivered.of("dev")))
    security = pods["kfp-gitops-dev"]["spec"]["securityContext"]
    assert _instructions("USER") == [f"{security['runAsUser']}:{security['runAsGroup']}"]
    assert RECIPE.rindex("USER ") > RECIPE.rindex("FROM ")


def test_packages_come_from_the_lock_with_hashes_and_bytecode_is_made() -> None:
    (install,) = (line for line in _instructions("RUN") if "pip install" in line)
    assert "--require-hashes --requirement /src/requirements-reconcile.lock" in install
    assert any("compileall" in line for line in _instructions("RUN"))
    assert all("pip install" not in line or line == install for line in _instructions("RUN"))


def test_its_entry_point_is_the_command_of_the_manifests() -> None:
    (entry,) = _instructions("ENTRYPOINT")
    for env in delivered.ENVIRONMENTS:
        for _, template in delivered.pods(delivered.of(env)):
            assert template["spec"]["containers"][0]["command"] == json.loads(entry)


def test_no_library_of_models_is_in_it() -> None:
    assert not MODELS & set(re.findall(r"^([a-z0-9-]+)==", LOCK.read_text("utf-8"), re.MULTILINE))


def test_from_the_same_lock_in_a_clean_environment_it_starts_and_asks_kfp(tmp_path: Path) -> None:
    python, variables = installed(tmp_path, bytecode=True)
    assert first_request(python, variables) > 0
    listed = subprocess.run(
        [python, "-c", "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"],
        capture_output=True, text=True, check=True, env=variables,
    )  # fmt: skip
    assert not MODELS & {name.lower() for name in listed.stdout.split()}


def test_the_clean_environment_is_made_once_for_a_lock() -> None:
    first = clean.from_lock(LOCK)
    assert clean.from_lock(LOCK) == first
