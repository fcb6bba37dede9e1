"""What an import tells to do next can be done so, and what is mistyped is told in the words of what was typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from compiled_kit import compiled
from kfp_gitops.commands.importing import trial
from project import Outcome, snapshot
from team_server import plain

Run = Callable[..., Outcome]
_RUN = "python scripts/run.py --env dev --pipeline p --local"
_STEPS = "registry.example.com/steps@sha256:" + "1" * 64


def test_what_only_an_image_has_needs_docker() -> None:
    told = trial.command("dev", "p", plain("p"))
    assert told == f"{_RUN}  # needs Docker, as what they run is in their images: say"


def test_what_is_elsewhere_is_given_or_needs_kfp() -> None:
    told = trial.command("dev", "p", compiled("importer"))
    assert f"{_RUN} --param uri=FILE  # needs " in told
    assert "KFP, as importer imports what is elsewhere" in told
    assert "as importer-2 imports" not in told


def test_a_parameter_without_a_default_is_asked_for() -> None:
    assert "--param needed=VALUE" in trial.command("dev", "p", compiled("parameters"))


def test_digests_come_first_and_the_policy_judges_all(repository: Path, command: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(compiled("if_only"))
    (tmp_path / "b.yaml").write_text(compiled("if_else").replace(_STEPS, "python:3.11"))
    first = command("import", tmp_path / "a.yaml", "--root", repository).err.partition("next:\n")[2]
    second = command("import", tmp_path / "b.yaml", "--root", repository).err.partition("next:\n")[2]
    assert "render.py" not in first
    assert (
        "write the digests into environments/dev/release.yaml, then: python scripts/render.py --env dev"
        in second
    )
    assert all("python scripts/policy.py" in steps for steps in (first, second))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            [],
            "give a FILE, as in `import.py trainer.yaml` or `import.py train.py:churn`, or a running KFP with --host",
        ),
        (["a.yaml:train"], "`:NAME` chooses a pipeline of a Python file"),
        (["a.yaml", "--all", "--network"], "--all, --network goes with FILE.py"),
        (["a.yaml", "--name", "A_b"], "'A_b' cannot name a pipeline"),
        (
            ["a.yaml", "--team", "nobody"],
            "no team 'nobody'; there are: none; python scripts/new.py team NAME",
        ),
    ],
)
def test_a_mistyped_import_is_told_as_one(
    repository: Path,
    command: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    (tmp_path / "a.yaml").write_text(compiled("if_only"))
    monkeypatch.chdir(tmp_path)
    before = snapshot(repository)
    refused = command("import", "--root", repository, *words)
    assert (refused.code, said in refused.err) == (2, True), refused.err
    assert "new.py:" not in refused.err
    assert snapshot(repository) == before


def test_of_a_folder_without_files_of_other_tools_the_pipelines_are_named(
    repository: Path, command: Run, tmp_path: Path
) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team/a.yaml").write_text(compiled("if_only"))
    (tmp_path / "team/train.py").write_text("from kfp import dsl\n\n\n@dsl.pipeline\ndef train(): ...\n")
    (tmp_path / "team/settings.py").write_text("IMAGE = 'a'\n")
    refused = command("import", tmp_path / "team", "--root", repository)
    named = f"name the one that is meant: {tmp_path}/team/a.yaml, {tmp_path}/team/train.py; see --help"
    assert (refused.code, named in refused.err) == (2, True), refused.err
