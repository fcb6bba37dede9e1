"""An environment of previews: another one's values with its own over them, and nothing that is delivered."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.rendering.render import render
from kfp_gitops.sources import environment

PREVIEW = "environments/preview/values.yaml"
GOOD = "previewOf: dev\npipelines:\n  hello:\n    values:\n      name: little\n"


@pytest.fixture
def root(repository: Path) -> Path:
    (repository / "environments/preview").mkdir()
    (repository / PREVIEW).write_text(GOOD)
    return repository


def _edit(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text("utf-8")
    assert old in text
    (root / path).write_text(text.replace(old, new, 1), "utf-8")


def test_it_is_none_of_those_that_are_delivered(root: Path) -> None:
    assert environment.names(root) == ["dev", "prod"]
    assert environment.of_previews(root) == ["preview"]


def test_it_has_what_the_other_has_and_its_own_values(root: Path) -> None:
    with (root / "environments/dev/values.yaml").open("a") as file:
        file.write("  bye:\n    template: hello\n    values: {name: bye, threshold: 3, items: [a]}\n")
    found = environment.load(root, "preview")
    assert found.pipelines == ["hello", "bye"]
    assert found.follows_sources
    values = {name: entry["values"] for name, entry in found.values.value["pipelines"].items()}
    assert values["hello"] == {
        **environment.load(root, "dev").values.value["pipelines"]["hello"]["values"],
        "name": "little",
    }
    assert values["bye"]["name"] == "bye"
    assert found.images == environment.load(root, "dev").images


def test_tombstones_pauses_and_what_is_taken_over_are_not_its(root: Path) -> None:
    with (root / "environments/dev/values.yaml").open("a") as file:
        file.write("  gone: {state: absent, delete: pipeline}\n")
    _edit(
        root, "environments/dev/values.yaml", "  hello:\n",
        "  hello:\n    state: paused\n    until: '2099-01-01T00:00:00Z'\n    adopts: {pipeline: by hand}\n",
    )  # fmt: skip
    found = environment.load(root, "preview")
    assert (found.absent, found.paused, dict(found.adopts("hello"))) == ({}, {}, {})


def test_pipelines_of_teams_are_its_too(root: Path) -> None:
    (root / "environments/teams.yaml").write_text(
        "apiVersion: kfp-gitops/v1alpha1\nkind: Teams\nteams:\n  churn: {}\n"
    )
    (root / "environments/dev/teams").mkdir()
    (root / "environments/dev/teams/churn.yaml").write_text(
        "pipelines:\n  risk:\n    template: hello\n    values: {name: risk, threshold: 3, items: [a]}\n"
    )
    (root / PREVIEW).write_text(GOOD + "  risk:\n    values: {name: little-risk}\n")
    found = environment.load(root, "preview")
    assert found.values.value["pipelines"]["risk"]["values"]["name"] == "little-risk"
    assert found.team_of("risk") == "churn"


def test_a_fault_is_told_at_its_line_in_whichever_file(root: Path) -> None:
    (root / PREVIEW).write_text(GOOD.replace("name: little", "name: 3"))
    with pytest.raises(InputError) as raised:
        render(root, "preview")
    assert str(raised.value).startswith(f"{PREVIEW}:5:13: ")
    (root / PREVIEW).write_text(GOOD)
    _edit(root, "environments/dev/values.yaml", "pipelines:", "timezone: UTC\npipelines:")
    with pytest.raises(InputError) as raised:
        render(root, "preview")
    assert str(raised.value).startswith("environments/dev/values.yaml:2:1: ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("previewOf: preview\n", f"{PREVIEW}:1:12: preview cannot be a preview of itself; it may be one of: dev, prod"),
        ("previewOf: div\n", "there is no environment 'div' to be previewed; did you mean 'dev'? it may be one of"),
        ("previewOf: prod\n", "prod follows pinned copies, so a change of the sources does not show in a preview"),
        (f"follows: sources\n{GOOD}", f"{PREVIEW}:1:1: preview is a preview of dev, and is never delivered"),
        (f"delivery: {{namespace: x}}\n{GOOD}", f"{PREVIEW}:1:1: preview is a preview of dev"),
        (f"state: disabled\n{GOOD}", f"{PREVIEW}:1:1: preview is a preview of dev"),
    ],
)  # fmt: skip
def test_what_it_may_not_say_is_told_at_its_line(root: Path, text: str, told: str) -> None:
    (root / PREVIEW).write_text(text)
    with pytest.raises(InputError) as raised:
        environment.load(root, "preview")
    assert told in str(raised.value)


def test_it_has_no_pipeline_of_its_own(root: Path) -> None:
    with (root / PREVIEW).open("a") as file:
        file.write("  helo:\n    values: {name: x}\n")
    with pytest.raises(InputError) as raised:
        environment.load(root, "preview")
    told = (
        "dev has no pipeline 'helo', so there is nothing to preview; did you mean 'hello'? else take it out"
    )
    assert f"{PREVIEW}:6:3: {told}" in str(raised.value)


def test_files_that_nobody_reads_are_told(root: Path) -> None:
    (root / "environments/preview/teams").mkdir()
    (root / "environments/preview/teams/churn.yaml").write_text("pipelines: {}\n")
    (root / "environments/preview/README.md").write_text("for people\n")
    with pytest.raises(InputError) as raised:
        environment.load(root, "preview")
    (problem,) = raised.value.problems
    assert problem.path == "environments/preview/teams/churn.yaml"


def test_one_with_a_release_is_delivered_and_may_not_be_a_preview(root: Path) -> None:
    """Else a file that was copied along would take an environment out of all that is delivered."""
    shutil.copy(root / "environments/dev/release.yaml", root / "environments/preview")
    assert environment.names(root) == ["dev", "preview", "prod"]
    with pytest.raises(InputError, match=r"environments/preview/release\.yaml: preview is a preview of dev"):
        environment.load(root, "preview")


def test_it_cannot_be_said_of_all(root: Path) -> None:
    _edit(root, "environments/base.yaml", "follows:", "previewOf: dev\nfollows:")
    with pytest.raises(InputError, match="so this cannot be said of all"):
        environment.load(root, "dev")


def test_no_environment_is_called_as_a_preview_is(root: Path) -> None:
    """`preview.py down` takes all down that is of an environment of that name."""
    shutil.copytree(root / "environments/dev", root / "environments/pr-42")
    with pytest.raises(InputError, match="what is registered for a pull request is of an environment pr-42"):
        environment.load(root, "pr-42")
