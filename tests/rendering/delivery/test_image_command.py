"""A new image's digest is written into a release: the lines of its name alone, then everything is rendered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project import Outcome, snapshot

Command = Callable[..., Outcome]
NEW = "ghcr.io/example/new@sha256:" + "5" * 64


def test_the_digest_is_written_rendered_and_nothing_else_changes(repository: Path, command: Command) -> None:
    assert command("render", "--root", repository, "--all", "--lock").code == 0
    before = snapshot(repository)
    outcome = command("image", "--root", repository, "--env", "dev", "--set", f"reconciler={NEW}")
    assert outcome.code == 0, outcome.err
    after = snapshot(repository)
    assert sorted(name for name in after if after[name] != before.get(name)) == [
        "environments/dev/release.yaml",
        "manifests/dev/apply-job.yaml",
        "manifests/dev/content.yaml",
        "manifests/dev/drift-cronjob.yaml",
    ]
    old, new = (state["environments/dev/release.yaml"].decode().splitlines() for state in (before, after))
    assert [line for line in new if line not in old] == [f"  reconciler: {NEW}"]
    assert command("render", "--root", repository, "--all", "--check").code == 0


@pytest.mark.parametrize(
    ("env", "image", "says"),
    [
        ("dev", "reconciler=ghcr.io/example/new:latest", "write NAME=registry/image@sha256:"),
        ("dev", f"recnciler={NEW}", "--add makes a new one in environments/dev/release.yaml"),
        ("nowhere", f"reconciler={NEW}", "no environment 'nowhere'"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    repository: Path, command: Command, env: str, image: str, says: str
) -> None:
    before = snapshot(repository)
    outcome = command("image", "--root", repository, "--env", env, "--set", image)
    assert outcome.code == 2
    assert says in outcome.err
    assert snapshot(repository) == before


ADDED = "texts: registry.example.com/texts@sha256:" + "0" * 64


def test_a_new_image_is_one_more_line_with_a_digest_of_zeros_and_is_set_like_the_others(
    repository: Path, command: Command
) -> None:
    path = repository / "environments/dev/release.yaml"
    before = path.read_text().splitlines()
    where = ("--root", repository, "--env", "dev")
    outcome = command("image", *where, "--add", "texts=registry.example.com/texts")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(f"{ADDED} (not built yet)\n")
    after = path.read_text().splitlines()
    assert [line for line in after if line not in before] == [f"  {ADDED}"]
    assert [line for line in after if line in before] == before
    assert command("image", *where, "--set", f"texts={NEW}").code == 0
    assert f"  texts: {NEW}" in path.read_text().splitlines()


@pytest.mark.parametrize(
    ("env", "given", "says"),
    [
        ("dev", ("--add", f"texts={NEW}"), "write NAME=registry/image, without a digest"),
        ("dev", ("--add", "texts"), "write NAME=registry/image, without a digest"),
        ("dev", ("--add", "steps=x.example.com/y"), "dev has an image 'steps' already"),
        ("prod", ("--add", "texts=x.example.com/y"), "prod follows pinned copies"),
        ("dev", (), "say what with --set NAME=REF or --add NAME=REPOSITORY"),
    ],
)
def test_what_cannot_be_added_is_refused(
    repository: Path, command: Command, env: str, given: tuple[str, ...], says: str
) -> None:
    before = snapshot(repository)
    outcome = command("image", "--root", repository, "--env", env, *given)
    assert (outcome.code, says in outcome.err) == (2, True), outcome.err
    assert snapshot(repository) == before
