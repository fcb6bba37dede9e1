"""Promotion: the same release, other values; all of it or nothing. From where it comes is test_provenance.py's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import Outcome, snapshot
from shared_specs import spec_file

Command = Callable[..., Outcome]
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"


def _change_source(repository: Path) -> None:
    template = repository / TEMPLATE
    template.write_text(template.read_text().replace("owner: tests", "owner: others"))


def _release(repository: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((repository / "environments/prod/release.yaml").read_text())
    return found


def _digest(repository: Path) -> str:
    found: str = _release(repository)["pipelines"]["hello"]["digest"]
    return found


def test_promoting_what_is_there_already_changes_nothing(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--all", "--lock")
    before = snapshot(repository)
    outcome = command("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted")
    assert outcome.code == 0
    assert "nothing changed" in outcome.err
    assert snapshot(repository) == before


def test_dev_and_prod_have_one_release_and_two_versions(repository: Path, command: Command) -> None:
    _change_source(repository)
    command("render", "--root", repository, "--env", "dev", "--lock")
    assert (
        command("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted").code == 0
    )
    releases, versions = set(), set()
    for env in ("dev", "prod"):
        folder = repository / "manifests" / env
        environment = yaml.safe_load((folder / "environment.yaml").read_text())
        releases.add(environment["pipelines"][0]["release"])
        versions.add(
            yaml.safe_load((folder / "versions.lock.yaml").read_text())["pipelines"]["hello"]["version"]
        )
    assert len(releases) == 1
    assert len(versions) == 2
    assert command("render", "--root", repository, "--all", "--check").code == 0


def test_a_source_that_is_not_rendered_yet_is_said(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--all", "--lock")
    _change_source(repository)
    promote = ("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted")
    said = "manifests/dev does not have this release of hello yet; run `python scripts/render.py --env dev --lock`, too"
    assert said in command(*promote).err
    command("render", "--root", repository, "--env", "dev", "--lock")
    (repository / TEMPLATE).write_text(
        (repository / TEMPLATE).read_text().replace("owner: others", "owner: more")
    )
    command("render", "--root", repository, "--env", "dev", "--lock")
    assert "yet" not in command(*promote).err


def test_going_back_to_the_old_source_promotes_the_old_release(repository: Path, command: Command) -> None:
    before = _digest(repository)
    source = (repository / TEMPLATE).read_text()
    _change_source(repository)
    command("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted")
    (repository / TEMPLATE).write_text(source)
    command("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted")
    assert _digest(repository) == before


def test_images_travel_with_the_release(repository: Path, command: Command) -> None:
    release = repository / "environments/dev/release.yaml"
    release.write_text(release.read_text().replace("1" * 64, "3" * 64))
    command("render", "--root", repository, "--env", "prod")
    assert "3" * 64 not in spec_file(repository, "prod", "greet").read_text()
    command("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted")
    assert "3" * 64 in spec_file(repository, "prod", "greet").read_text()


def test_one_pipeline_alone_leaves_the_reconciler_image_alone(repository: Path, command: Command) -> None:
    release = repository / "environments/dev/release.yaml"
    release.write_text(release.read_text().replace("2" * 64, "4" * 64))
    command(
        "promote",
        "--root",
        repository,
        "--from",
        "dev",
        "--to",
        "prod",
        "--uncommitted",
        "--pipeline",
        "hello",
    )
    assert "4" * 64 not in str(_release(repository)["images"])
    command("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted")
    assert "4" * 64 in str(_release(repository)["images"])


def test_a_release_that_does_not_fit_the_values_of_its_target_is_not_promoted(
    repository: Path, command: Command
) -> None:
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text().replace("name: dev", "name: dev\n      colour: red"))
    schema = repository / "templates/pipelines/hello/values.schema.json"
    schema.write_text(
        schema.read_text()
        .replace('"required": ["name"', '"required": ["colour", "name"')
        .replace(
            '"properties": {\n    "name"', '"properties": {\n    "colour": {"type": "string"},\n    "name"'
        )
    )
    before = snapshot(repository)
    outcome = command("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted")
    assert outcome.code == 2
    assert "environments/base.yaml" in outcome.err or "environments/prod/values.yaml" in outcome.err
    assert "lacks 'colour'" in outcome.err
    assert snapshot(repository) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "prod", "--to", "dev"], "dev follows the sources"),
        (["--from", "dev", "--to", "dev"], "are both 'dev'"),
        (["--from", "dev", "--to", "prod", "--pipeline", "helo"], "prod has no pipeline 'helo'"),
        (["--from", "stage", "--to", "prod"], "no environment 'stage'"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_promoted_is_said(
    repository: Path, command: Command, arguments: list[str], says: str
) -> None:
    outcome = command("promote", "--root", repository, *arguments)
    assert outcome.code == 2
    assert says in outcome.err


def test_a_source_that_was_promoted_itself_can_be_promoted_on(repository: Path, command: Command) -> None:
    stage = repository / "environments/stage"
    stage.mkdir()
    for name in ("values.yaml", "release.yaml"):
        (stage / name).write_text(
            (repository / "environments/prod" / name).read_text().split("pipelines:\n  hello:\n    digest")[0]
        )
    assert (
        command("promote", "--root", repository, "--from", "prod", "--to", "stage", "--uncommitted").code == 0
    )
    assert yaml.safe_load((stage / "release.yaml").read_text())["pipelines"]["hello"]["from"] == "prod"


def test_a_hidden_file_beside_the_values_is_kept_and_a_linked_copy_refused(
    repository: Path, tmp_path: Path, command: Command
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/keep").write_text("mine")
    (repository / "environments/prod/.keep").write_text("mine")
    _change_source(repository)
    assert (
        command("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted").code == 0
    )
    assert (repository / "environments/prod/.keep").exists()
    (repository / "environments/prod/pinned/gone").symlink_to(tmp_path / "outside")
    before = snapshot(repository)
    outcome = command("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted")
    assert outcome.code == 2
    assert outcome.err.startswith("environments/prod/pinned/gone: leads out of the repository")
    assert snapshot(repository) == before
    assert snapshot(tmp_path / "outside") == {"keep": b"mine"}


@pytest.mark.parametrize(
    ("old", "new", "farthest", "left"),
    [
        ("owner: tests", "owner: others", "settings", False),
        ("arguments: {name: few}", "arguments: {name: some}", "settings", True),
        ("arguments: {name: few}", "arguments: {name: some}", "results", False),
        ("{type: int, default", "{type: float, default", "results", True),
    ],
)
def test_only_what_reaches_no_farther_is_promoted(
    old: str, new: str, farthest: str, left: bool, repository: Path, command: Command
) -> None:
    command("render", "--root", repository, "--all", "--lock")
    template = repository / TEMPLATE
    assert old in template.read_text()
    template.write_text(template.read_text().replace(old, new))
    command("render", "--root", repository, "--env", "dev", "--lock")
    prod = {path: text for path, text in snapshot(repository).items() if "prod" in str(path)}
    outcome = command(
        "promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted", "--only", farthest
    )
    assert outcome.code == 0
    assert ("hello: left alone, its change is of category " in outcome.err) is left
    now = {path: text for path, text in snapshot(repository).items() if "prod" in str(path)}
    assert (now == prod) is left


def test_backfills_belong_to_their_environment_and_are_not_promoted(
    repository: Path, command: Callable[..., Outcome]
) -> None:
    folder = repository / "environments/dev/backfills"
    folder.mkdir()
    text = "pipeline: hello\nfrom: '2026-01-01'\nto: '2026-01-31'\ntickParameter: name\nreason: wrong\n"
    (folder / "january.yaml").write_text(text)
    assert command("render", "--root", repository, "--all", "--lock").code == 0
    assert "january" in (repository / "manifests/dev/environment.yaml").read_text()
    promoted = command("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted")
    assert promoted.code == 0, promoted.err
    assert command("render", "--root", repository, "--all", "--lock").code == 0
    assert not (repository / "environments/prod/backfills").exists()
    assert "january" not in (repository / "manifests/prod/environment.yaml").read_text()
