"""Archives of many pipelines say what the texts beside them say, and are folded then; whatever they add is told."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fleet_kit import fleet
from kfp_gitops.base.archives import part_of
from project import HERE, PROJECT, Outcome

Command = Callable[..., Outcome]
PART = f"packed/pipelines-{part_of('hello', 8):02}.tar.gz"


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fleet") / "repository"
    shutil.copytree(HERE / "data/repository", root)
    shutil.copytree(PROJECT / "templates/delivery", root / "templates/delivery")
    return fleet(root, 59)


@pytest.fixture
def many(committed: Path, tmp_path: Path, command: Command) -> Path:
    root = tmp_path / "repository"
    shutil.copytree(committed, root)
    assert command("render", "--root", root, "--env", "dev", "--lock").code == 0
    if not (committed / "manifests").exists():
        shutil.copytree(root / "manifests", committed / "manifests")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        subprocess.run(["git", *identity, *words], cwd=root, check=True)
    return root


def _diff(root: Path, command: Command) -> str:
    done = command("diff", "--root", root, "--env", "dev", "--base", "HEAD")
    assert done.code in (0, 1, 2) and not done.err, done.err
    return done.out


def test_an_archive_that_follows_is_folded(many: Path, command: Command) -> None:
    values = many / "environments/dev/values.yaml"
    values.write_text(values.read_text("utf-8").replace("name: dev", "name: other"), "utf-8")
    assert command("render", "--root", many, "--env", "dev", "--lock").code == 0
    told = _diff(many, command)
    assert "(folded: packed/, 1 of its files, follows from other files)" in told
    assert "pipelines-" not in told
    assert "content.yaml" not in told


def test_what_an_archive_says_and_no_text_does_is_told(many: Path, command: Command) -> None:
    path = many / "manifests/dev" / PART
    tar = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(tar, 1, mtime=0))
    assert PART not in _diff(many, command), "the same, compressed otherwise"
    path.write_bytes(gzip.compress(tar.replace(b"name: hello\n", b"name: jello\n"), mtime=0))
    assert PART in _diff(many, command)
    path.write_bytes(b"no archive")
    assert PART in _diff(many, command)


def test_a_head_that_says_more_is_told(many: Path, command: Command) -> None:
    path = many / "manifests/dev/packed/environment.yaml"
    path.write_text(path.read_text("utf-8").replace("keepVersions: 10", "keepVersions: 0"), "utf-8")
    assert "keepVersions" in _diff(many, command)


def test_a_file_beside_the_archives_is_told(many: Path, command: Command) -> None:
    (many / "manifests/dev/packed/more.yaml").write_text("a: b\n", "utf-8")
    assert "packed/more.yaml" in _diff(many, command)


def test_the_policy_reads_the_texts(many: Path, command: Command) -> None:
    shutil.copy(PROJECT / "environments/policy.yaml", many / "environments/policy.yaml")
    done = command("policy", "--root", many, "--env", "dev")
    assert "UTF-8" not in done.err
    assert "dev/acme/greet: a step without limits" in done.err
    assert "(and of 59 more pipelines: " in done.err


@pytest.mark.parametrize(
    ("counts", "instead"), [("componentParts: 1\n", ""), ("parts: 8", "parts: 0"), ("parts: 8", "parts: -1")]
)
def test_a_head_that_counts_wrongly_is_told_and_nothing_breaks(
    many: Path, command: Command, counts: str, instead: str
) -> None:
    path = many / "manifests/dev/packed/environment.yaml"
    text = path.read_text("utf-8")
    assert counts in text
    path.write_text(text.replace(counts, instead), "utf-8")
    assert "packed/pipelines-07.tar.gz: is not what the files beside it hold" in _diff(many, command)
    shutil.copy(PROJECT / "environments/policy.yaml", many / "environments/policy.yaml")
    done = command("policy", "--root", many, "--env", "dev")
    assert done.code == 2
    assert "packed/pipelines-07.tar.gz: is not what the files beside it hold" in done.err


def test_a_path_that_no_archive_can_hold_is_told_and_nothing_breaks(many: Path, command: Command) -> None:
    (many / f"manifests/dev/components/{'long' * 40}-12345678.yaml").write_text("a: b\n", "utf-8")
    assert "is not what the files beside it hold" in _diff(many, command)
