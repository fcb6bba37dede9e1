"""A DSL file of a team comes in one command, runs here, and goes on as Python: the whole way, in what ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import copies
import gitrepo
import pytest
from project import HERE, Outcome

Run = Callable[..., Outcome]
_FILE = HERE / "data/dsl_files/churn.py"
_COMPONENTS = ("choose", "load_rows", "notify", "publish", "train")


def test_five_components_go_on_as_python(
    tmp_path: Path, command: Run, quick_runs: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, claim = copies.without_tests(tmp_path / "repository"), tmp_path / "claim"
    claim.mkdir()
    source = tmp_path / "churn.py"
    source.write_text(_FILE.read_text().replace("/mnt/results", str(claim)))

    done = command("import", source, "--root", root)
    assert done.code == 0, done.err
    assert f"equal: rendered and compiled, churn-training is {source}:churn, sha256:" in done.out
    assert "stays component.yaml" not in done.out
    assert f"--pass-env DB_PASSWORD --mount {claim}" in done.err
    for name in _COMPONENTS:
        assert f"def {name}(" in (root / f"components/{name}/component.py").read_text()
    assert command("components", "--check", "--root", root).code == 0
    assert command("render", "--all", "--check", "--root", root).code == 0
    gitrepo.commit(root, "imported")

    monkeypatch.setenv("DB_PASSWORD", "x")
    ran = command(
        *("run", "--env", "dev", "--pipeline", "churn-training", "--local", "--root", root),
        *("--pass-env", "DB_PASSWORD", "--mount", claim, "--param", f"folder={claim}"),
    )
    assert ran.code == 0, ran.err
    assert "SUCCEEDED  publish" in ran.out
    assert (claim / "best.txt").read_text() == "562.5"

    file = root / "components/train/component.py"
    text = file.read_text()
    assert text.count("return sum(values) * percent / depth") == 1
    file.write_text(text.replace("return sum(values)", "return max(values)"))
    assert command("components", "--root", root).out == "change components/train/component.yaml\n"
    assert command("render", "--env", "dev", "--lock", "--root", root).code == 0
    diff = command("diff", "--env", "dev", "--root", root).out
    assert "~ component train: code, lines: 1 added, 1 removed" in diff
    assert "-    return sum(values) * percent / depth" in diff
    assert "+    return max(values) * percent / depth" in diff
    assert not [name for name in _COMPONENTS if name != "train" and f"component {name}" in diff]


def test_a_component_is_its_function_with_what_it_needs(repository: Path, command: Run) -> None:
    assert command("import", _FILE, "--root", repository).code == 0
    assert (
        (repository / "components/train/component.py").read_text()
        == '''\
"""The component `train`, as churn.py has it: edit it here, and compile it with `make components`."""
# Not checked or formatted as other files here: it stands as it was written, and a changed function is a changed spec.
# ruff: noqa
# fmt: off

from kfp import dsl
from kfp.dsl import Dataset, Input, Model, Output

TAG = "3.11"
BASE = f"python:{TAG}"  # what all of it runs in
PACKAGES = ["pip"]


# One model for each setting of the grid.
@dsl.component(base_image=BASE, packages_to_install=PACKAGES)
def train(rows: Input[Dataset], depth: int, percent: int, model: Output[Model]) -> float:
    import json

    with open(rows.path) as file:
        values = json.load(file)
    with open(model.path, "w") as file:
        file.write(f"{depth} {percent}")
    return sum(values) * percent / depth
'''
    )
    release = (repository / "environments/dev/release.yaml").read_text()
    assert f"python:3.11: python@sha256:{'0' * 64}" in release
