"""Whatever is wrong in one file, what is wrong in the others is told in the same run."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
import yaml
from project import Outcome
from team_kit import two_teams

Command = Callable[..., Outcome]
Break = Callable[[Path], None]


def _edited(path: str, change: Callable[[str], str]) -> Break:
    def edit(root: Path) -> None:
        before = (root / path).read_text("utf-8")
        after = change(before)
        assert after != before, path
        (root / path).write_text(after, "utf-8")

    return edit


def _changed(path: str, change: Callable[[dict], None]) -> Break:  # type: ignore[type-arg]  # any YAML
    def edit(text: str) -> str:
        value = yaml.safe_load(text)
        change(value)
        return str(yaml.safe_dump(value, sort_keys=False))

    return _edited(path, edit)


CHURN, FRAUD = (f"environments/dev/teams/{name}.yaml" for name in ("churn", "fraud"))
# What is broken → (how, the file that is named, a part of what is told).
BREAKS: dict[str, tuple[Break, str, str]] = {
    "release": (
        _changed("environments/dev/release.yaml", lambda it: it["images"].update(base="no-digest")),
        "environments/dev/release.yaml", "images.base",
    ),
    "release-syntax": (
        _edited("environments/dev/release.yaml", lambda text: f"{text}images: [\n"),
        "environments/dev/release.yaml", "",
    ),
    "values": (
        _changed("environments/dev/values.yaml", lambda it: it.update(timeZone=7)),
        "environments/dev/values.yaml", "timeZone",
    ),
    "team": (_changed(CHURN, lambda it: it.update(nonsense=1)), CHURN, "nonsense"),
    "team-syntax": (_edited(CHURN, lambda text: f"{text}a: [\n"), CHURN, ""),
    "other-team": (
        _changed(FRAUD, lambda it: it["pipelines"]["fraud-daily"]["values"].update(threshold="much")),
        FRAUD, "threshold",
    ),
    "template": (
        _edited("templates/pipelines/hello/pipeline.yaml.j2", lambda text: f"{text}{{% if %}}\n"),
        "templates/pipelines/hello/pipeline.yaml.j2", "Expected an expression",
    ),
    "component": (
        _edited("components/greet/component.yaml", lambda text: f"{text}more: [\n"),
        "components/greet/component.yaml", "not YAML",
    ),
    "other-component": (
        _changed("components/count_words/component.yaml", lambda it: it.update(rubbish=1)),
        "components/count_words/component.yaml", "rubbish",
    ),
    "missing-component": (
        _edited(
            "templates/pipelines/hello/pipeline.yaml.j2",
            lambda text: text.replace("component: greet", "component: great", 1),
        ),
        "templates/pipelines/hello/pipeline.yaml.j2", "unknown component 'great'",
    ),
    "other-environment": (
        _changed("environments/prod/values.yaml", lambda it: it.update(state="asleep")),
        "environments/prod/values.yaml", "state",
    ),
}  # fmt: skip


def _told(done: Outcome, name: str) -> bool:
    _, path, part = BREAKS[name]
    return any(line.startswith(f"{path}:") and part in line for line in done.err.splitlines())


@pytest.fixture
def teams(repository: Path) -> Path:
    return two_teams(repository)


@pytest.mark.parametrize("name", BREAKS)
def test_each_fault_is_told_by_itself(teams: Path, command: Command, name: str) -> None:
    BREAKS[name][0](teams)
    done = command("render", "--root", teams, "--all")
    assert (done.code, _told(done, name)) == (2, True), done.err


# One file cannot be broken twice and tell both: what cannot be read says that alone.
NOT_TOGETHER = {"release": {"release-syntax"}, "team": {"team-syntax"}}


def _together(one: str, other: str) -> bool:
    return other not in NOT_TOGETHER.get(one, ()) and one not in NOT_TOGETHER.get(other, ())


@pytest.mark.parametrize(
    ("first", "second"), [pair for pair in permutations(BREAKS, 2) if pair[0] < pair[1] and _together(*pair)]
)
def test_no_fault_hides_another(teams: Path, command: Command, first: str, second: str) -> None:
    for name in (first, second):
        BREAKS[name][0](teams)
    done = command("render", "--root", teams, "--all")
    assert done.code == 2
    assert [name for name in (first, second) if not _told(done, name)] == [], done.err


def test_all_of_them_are_told_in_one_run_and_nothing_that_is_not_wrong(teams: Path, command: Command) -> None:
    wrong = [name for name in BREAKS if name not in ("release-syntax", "team-syntax")]
    for name in wrong:
        BREAKS[name][0](teams)
    done = command("render", "--root", teams, "--all")
    assert [name for name in wrong if not _told(done, name)] == [], done.err
    paths = {BREAKS[name][1] for name in wrong}
    assert [line for line in done.err.splitlines() if not line.startswith(tuple(paths))] == []


def test_a_reconciler_without_an_image_is_told_beside_a_template(teams: Path, command: Command) -> None:
    _changed("environments/dev/release.yaml", lambda it: it["images"].pop("reconciler"))(teams)
    BREAKS["template"][0](teams)
    done = command("render", "--root", teams, "--env", "dev")
    assert _told(done, "template")
    assert "no image of the reconciler" in done.err


def test_what_one_environment_does_not_compile_to_is_told_beside_what_another_does_not_render_to(
    teams: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kfp_gitops.base.errors import InputError
    from kfp_gitops.compiling import lock

    def fail(rendered: object, *_: object) -> str:
        del rendered
        raise InputError.of(
            "manifests/dev/pipelines/hello/pipeline.yaml", "does not compile", "mend it", 1, 1
        )

    monkeypatch.setattr(lock, "compiled", fail)
    BREAKS["other-environment"][0](teams)
    done = command("render", "--root", teams, "--all", "--lock")
    assert "does not compile" in done.err
    assert _told(done, "other-environment")


def test_a_bad_policy_hides_no_environment_and_these_not_each_other(teams: Path, command: Command) -> None:
    assert command("render", "--root", teams, "--all", "--lock").code == 0
    (teams / "environments/policy.yaml").write_text("nonsense: 1\n", "utf-8")
    for name in ("dev", "prod"):
        (teams / f"manifests/{name}/environment.yaml").write_text("a: [\n", "utf-8")
    BREAKS["release"][0](teams)
    done = command("policy", "--root", teams)
    assert done.code == 2
    assert _told(done, "release")
    for path in (
        "environments/policy.yaml:",
        "manifests/dev/environment.yaml:",
        "manifests/prod/environment.yaml:",
    ):
        assert path in done.err, done.err


def test_rendered_files_that_are_broken_are_told_together_with_a_broken_lock(
    teams: Path, command: Command
) -> None:
    assert command("render", "--root", teams, "--all", "--lock").code == 0
    folder = teams / "manifests/dev"
    for name in ("churn-daily", "fraud-daily"):
        (folder / f"pipelines/{name}/pipeline.yaml").unlink()
    (folder / "versions.lock.yaml").write_text("nonsense: 1\n", "utf-8")
    done = command("reconcile", "plan", "--root", teams, "--env", "dev", "--host", "http://127.0.0.1:9")
    assert done.code == 2
    for part in ("pipelines/churn-daily/", "pipelines/fraud-daily/", "versions.lock.yaml"):
        assert part in done.err, done.err
