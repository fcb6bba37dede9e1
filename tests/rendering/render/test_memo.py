"""What is remembered saves time, and never changes what is written or said."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from kfp_gitops.base import memo
from kfp_gitops.rendering import render, rendered, single
from kfp_gitops.rendering.rendered import RenderedPipeline
from project import Outcome, snapshot
from shared_specs import edit_spec

TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"


@pytest.fixture(autouse=True)
def _small_repositories_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(memo, "FEWEST", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def rendered_anew(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the pipelines that were rendered, and not remembered."""
    seen: list[str] = []
    original = single.pipeline

    def spy(env: object, name: str, release: object) -> RenderedPipeline:
        seen.append(name)
        return original(env, name, release)  # type: ignore[arg-type]  # as render calls it

    monkeypatch.setattr(single, "pipeline", spy)
    return seen


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_what_has_not_changed_is_not_rendered_again(
    repository: Path, command: Callable[..., Outcome], rendered_anew: list[str]
) -> None:
    assert command("render", "--root", repository, "--env", "dev").code == 0
    first = snapshot(repository / "manifests")
    assert rendered_anew == ["hello"]
    again = command("render", "--root", repository, "--env", "dev")
    assert again.out == ""
    assert "nothing changed" in again.err
    assert rendered_anew == ["hello"]
    assert snapshot(repository / "manifests") == first


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (TEMPLATE, "Greets, counts", "Greets and counts"),
        ("templates/pipelines/hello/values.schema.json", '"type"', ' "type"'),
        ("components/greet/component.yaml", "comp-greet", "comp-greet "),
        ("environments/dev/values.yaml", "name: dev", "name: other"),
        ("environments/base.yaml", "threshold: 3", "threshold: 4"),
        ("environments/dev/release.yaml", "sha256:1111", "sha256:3333"),
        ("manifests/dev/pipelines/hello/pipeline.yaml", "kind", "kimd"),
        ("manifests/dev/components/greet-????????.yaml", "greet", "great"),
    ],
)
def test_any_change_of_an_input_or_of_the_outcome_is_rendered_as_if_nothing_were_known(
    path: str,
    old: str,
    new: str,
    repository: Path,
    command: Callable[..., Outcome],
    rendered_anew: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command("render", "--root", repository, "--env", "dev")
    (place,) = repository.glob(path)
    _replace(place, old, new)
    remembering = command("render", "--root", repository, "--env", "dev")
    assert rendered_anew == ["hello", "hello"]
    found = snapshot(repository / "manifests")
    monkeypatch.setattr(memo, "FEWEST", 1000)
    assert command("render", "--root", repository, "--env", "dev").code == remembering.code == 0
    assert snapshot(repository / "manifests") == found


def test_delivery_follows_its_templates_and_its_own_files(
    repository: Path, command: Callable[..., Outcome]
) -> None:
    command("render", "--root", repository, "--env", "dev")
    wanted = snapshot(repository / "manifests")
    job = repository / "manifests/dev/apply-job.yaml"
    _replace(job, "kind", "kimd")
    command("render", "--root", repository, "--env", "dev")
    assert snapshot(repository / "manifests") == wanted
    _replace(repository / f"templates/delivery/{job.name}.j2", "\nkind: ", "\nkind: Another")
    assert job.name in command("render", "--root", repository, "--env", "dev").out


def test_check_looks_for_itself(
    repository: Path, command: Callable[..., Outcome], rendered_anew: list[str]
) -> None:
    command("render", "--root", repository, "--env", "dev", "--lock")
    assert command("render", "--root", repository, "--env", "dev", "--check").code == 0
    assert rendered_anew == ["hello", "hello"]


def test_a_forged_or_broken_memo_is_ignored(repository: Path, command: Callable[..., Outcome]) -> None:
    command("render", "--root", repository, "--env", "dev")
    wanted = snapshot(repository / "manifests")
    path = memo.folder(repository) / "dev.json"
    good = json.loads(path.read_text("utf-8"))
    forged = {**good, "known": {key: f"sha256:0 {value}" for key, value in good["known"].items()}}
    for text in (
        json.dumps(forged),
        json.dumps({**good, "known": []}),
        "[]",
        "{",
        "",
        json.dumps({"known": {}}),
    ):
        path.write_text(text, "utf-8")
        assert command("render", "--root", repository, "--env", "dev").code == 0
        assert snapshot(repository / "manifests") == wanted
        assert json.loads(path.read_text("utf-8")) == good


def test_another_version_knows_nothing(
    repository: Path,
    command: Callable[..., Outcome],
    rendered_anew: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command("render", "--root", repository, "--env", "dev")
    monkeypatch.setattr(memo, "version", lambda: "another")
    command("render", "--root", repository, "--env", "dev")
    assert rendered_anew == ["hello", "hello"]


def test_warnings_are_said_again(
    repository: Path, command: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    _replace(repository / TEMPLATE, "apiVersion: kfp-gitops/v1\n", "apiVersion: kfp-gitops/v1alpha1\n")
    first, second = (command("render", "--root", repository, "--env", "dev") for _ in range(2))
    assert "warning" in first.err
    assert first.err.splitlines()[0] == second.err.splitlines()[0]


def test_an_unchanged_manifest_is_not_compiled_again(
    repository: Path, command: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kfp_gitops.compiling import compiler

    command("render", "--root", repository, "--env", "dev", "--lock")
    wanted = snapshot(repository / "manifests")
    command("render", "--root", repository, "--env", "dev")  # carries over what it does not ask for
    with monkeypatch.context() as patched:
        patched.setattr(compiler, "identify_all", lambda *_: pytest.fail("compiled"))
        assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    assert snapshot(repository / "manifests") == wanted
    _replace(repository / "environments/dev/values.yaml", "name: dev", "name: other")
    command("render", "--root", repository, "--env", "dev", "--lock")
    changed = (repository / "manifests/dev/versions.lock.yaml").read_bytes()
    assert changed != wanted["dev/versions.lock.yaml"]
    assert command("render", "--root", repository, "--env", "dev", "--check").code == 0


def test_a_small_repository_gets_no_file(
    repository: Path, command: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memo, "FEWEST", 50)
    command("render", "--root", repository, "--env", "dev")
    assert not (memo.folder(repository) / "dev.json").exists()


def test_a_repository_cannot_bring_one_along(repository: Path, command: Callable[..., Outcome]) -> None:
    """Somebody who may write to a branch adds a file that git ignores, and manifests that no input gives."""
    command("render", "--root", repository, "--env", "dev")
    wanted = snapshot(repository / "manifests")
    found = json.loads((memo.folder(repository) / "dev.json").read_text("utf-8"))
    release = next(value.partition(" ")[0] for key, value in found["known"].items() if " " in value)
    edit_spec(repository, "dev", "greet", "greet", "great")
    (entry,) = yaml.safe_load((repository / "manifests/dev/environment.yaml").read_text())["pipelines"]
    assert entry["release"] == release
    forged = render._outcome(rendered.read(repository, "manifests/dev", entry))
    known = {key: forged if " " in value else value for key, value in found["known"].items()}
    (memo.folder(repository) / "dev.json").unlink()
    (repository / ".cache/render").mkdir(parents=True, exist_ok=True)
    (repository / ".cache/render/dev.json").write_text(json.dumps({**found, "known": known}), "utf-8")
    assert command("render", "--root", repository, "--env", "dev").code == 0
    assert snapshot(repository / "manifests") == wanted
