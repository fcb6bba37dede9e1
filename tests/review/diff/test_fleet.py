"""Many pipelines: what a change of one component or one template says of all of them, and what is delivered packed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from diff_kit import GREET, NOW, TEMPLATE, Command, Edit, Golden, edit, masked
from fleet_kit import VALUES, fleet, replace
from gitrepo import commit, init
from kfp_gitops.base.archives import Archive
from kfp_gitops.rendering import packing
from project import Outcome

_CODE = Edit(GREET, 'f\\"hello {name}\\"', 'f\\"good day {name}\\"')


def _diff(command: Command, root: Path, *arguments: str) -> Outcome:
    rendered = command("render", "--root", root, "--env", "dev", "--lock")
    assert rendered.code == 0, rendered.err
    return command("diff", "--root", root, "--env", "dev", "--from", NOW, *arguments)


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small repository with five customers, rendered, locked and committed."""
    return _made(tmp_path_factory.mktemp("customers") / "repository", 5)


def _made(root: Path, count: int) -> Path:
    from kfp_gitops.commands import render
    from project import PROJECT

    shutil.copytree(PROJECT / "tests/data/repository", root)
    shutil.copytree(PROJECT / "templates/delivery", root / "templates/delivery")
    fleet(root, count)
    assert render.main(["--root", str(root), "--env", "dev", "--lock"]) == 0
    init(root)
    return root


@pytest.fixture
def root(customers: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(customers, tmp_path / "repository"))


@pytest.mark.parametrize("form", ["text", "markdown"])
@pytest.mark.parametrize(
    ("name", "edits"),
    [
        pytest.param("fleet-component", [_CODE], id="a shared component"),
        pytest.param(
            "fleet-template",
            [
                Edit(TEMPLATE, "owner: tests", "owner: {{ pipeline }}-team"),
                Edit(
                    TEMPLATE,
                    "default: {{ values.threshold }}",
                    "default: {{ values.threshold + values.name | length }}",
                ),
                Edit(TEMPLATE, "maxConcurrency: 1", "maxConcurrency: 2"),
            ],
            id="their template",
        ),
        pytest.param(
            "fleet-both",
            [_CODE, Edit(VALUES, "      name: birch\n", "      name: birch and sons\n")],
            id="a shared component, and a value of one",
        ),
    ],
)
def test_a_change_of_several_pipelines_is_told_once(
    name: str, edits: list[Edit], form: str, root: Path, command: Command, golden: Golden
) -> None:
    edit(root, *edits)
    outcome = _diff(command, root, "--format", form)
    assert outcome.code == 1, outcome.err
    golden(f"diff/{name}.{'md' if form == 'markdown' else 'txt'}", masked(outcome.out))


def test_new_customers_are_told_together(root: Path, command: Command) -> None:
    replace(root, VALUES, "  customer-0001:\n", "  zinnia:\n")
    replace(root, VALUES, "      name: customer-0001\n", "      name: zinnia\n")
    said = _diff(command, root).out
    assert "+ zinnia: new pipeline" in said
    assert "- customer-0001: leaves the manifests" in said


@pytest.mark.timeout(600)
def test_a_change_of_a_component_of_500_pipelines_is_a_few_lines(tmp_path: Path, command: Command) -> None:
    root = _made(tmp_path / "repository", 499)
    edit(root, _CODE)
    outcome = _diff(command, root)
    assert outcome.code == 1, outcome.err
    lines = outcome.out.splitlines()
    assert len(lines) < 16
    assert any(
        line.startswith("~ 500 pipelines of template hello change alike: a new version of each")
        for line in lines
    )
    assert outcome.out.count("good day") == 1
    comment = command("diff", "--root", root, "--env", "dev", "--from", NOW, "--format", "markdown").out
    assert len(comment) < 25_000
    assert all(name in comment for name in ("acme", "customer-0000", "customer-0495")), (
        "all of them are named"
    )
    data = json.loads(command("diff", "--root", root, "--env", "dev", "--from", NOW, "--format", "json").out)
    (found,) = data["environments"]
    assert [len(each["pipelines"]) for each in found["alike"]] == [500]
    assert len(found["pipelines"]) == 500
    assert all(len(each["changes"]) == 1 for each in found["pipelines"])


# What is delivered packed ---------------------------------------------------------------------------------------------


@pytest.fixture
def packed(root: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, as if five customers were many."""
    monkeypatch.setattr(packing, "FEWEST", 3)
    assert command("render", "--root", root, "--env", "dev", "--lock").code == 0
    commit(root, "packed")
    return root


def test_archives_that_hold_what_the_texts_say_are_nothing(packed: Path, command: Command) -> None:
    edit(packed, _CODE)
    said = _diff(command, packed).out
    assert "~ 6 pipelines of template hello change alike" in said
    assert "of its files, follows from other files" in said
    assert "archive sha256" not in said
    assert "not what the files beside it hold" not in said


def test_who_compressed_an_archive_is_nothing(packed: Path, command: Command) -> None:
    import gzip
    import zlib

    path = packed / "manifests/dev/packed/pipelines-00.tar.gz"
    tar = gzip.decompress(path.read_bytes())
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    path.write_bytes(packer.compress(tar) + packer.flush())
    outcome = command("diff", "--root", packed, "--env", "dev", "--from", NOW)
    assert outcome.code == 0, outcome.out + outcome.err


@pytest.mark.parametrize("forged", ["archive", "bytes", "head"])
def test_an_archive_that_holds_something_else_is_told_and_refused_by_policy(
    forged: str, packed: Path, command: Command
) -> None:
    folder = packed / "manifests/dev/packed"
    path = folder / "pipelines-00.tar.gz"
    match forged:
        case "archive":
            path.write_bytes(Archive({"pipelines/acme/pipeline.yaml": "kind: Forged\n"}).content())
        case "bytes":
            path.write_bytes(b"no archive")
        case _:
            path = folder / "environment.yaml"
            path.write_text(path.read_text().replace("keepVersions: 10", "keepVersions: 0"))
    where = f"manifests/dev/packed/{path.name}"
    said = command("diff", "--root", packed, "--env", "dev", "--from", NOW).out
    assert f"! {where}: is not what the files beside it hold, and it is what is delivered; run" in said
    shutil.copy(Path(__file__).parents[3] / "environments/policy.yaml", packed / "environments/policy.yaml")
    outcome = command("policy", "--root", packed)
    assert outcome.code == 2
    assert where in outcome.err


def test_texts_that_changed_without_their_archives_are_told(packed: Path, command: Command) -> None:
    path = packed / "manifests/dev/pipelines/acme/pipeline.yaml"
    path.write_text(path.read_text().replace("owner: tests", "owner: others"))
    said = command("diff", "--root", packed, "--env", "dev", "--from", NOW).out
    assert "metadata.owner: tests → others" in said
    assert "packed/pipelines-" in said
    assert "is not what the files beside it hold" in said
