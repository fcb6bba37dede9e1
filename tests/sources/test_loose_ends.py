"""What of an environment's inputs is of no use any more, or not meant: case → what is told, at its line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from kfp_gitops.sources import environment
from kfp_gitops.sources.loose_ends import loose_ends
from project import Outcome, snapshot

Command = Callable[..., Outcome]
DEV, PROD = "environments/dev/values.yaml", "environments/prod/values.yaml"
RELEASE, PINNED = "environments/prod/release.yaml", "environments/prod/pinned"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def _after(root: Path, path: str, text: str) -> None:
    (root / path).write_text((root / path).read_text("utf-8") + text, "utf-8")


def _instead(root: Path, path: str, text: str) -> None:
    """Other pipelines than the file has."""
    before, _, _ = (root / path).read_text("utf-8").partition("pipelines:")
    (root / path).write_text(before + text, "utf-8")


def _until(moment: datetime) -> str:
    return f"    state: paused\n    until: '{moment:%Y-%m-%dT%H:%M:%SZ}'\n"


def _copied(root: Path) -> None:
    shutil.copytree(root / PINNED / "hello", root / PINNED / "gone")


def _entry(root: Path) -> None:
    found = yaml.safe_load((root / RELEASE).read_text("utf-8"))
    found["pipelines"]["gone"] = found["pipelines"]["hello"]
    (root / RELEASE).write_text(yaml.safe_dump(found), "utf-8")


CASES: dict[str, tuple[str, Callable[[Path], object], list[str]]] = {
    "nothing": ("prod", lambda _: None, []),
    "every pipeline of base is taken away": (
        "dev", lambda root: _instead(root, DEV, "pipelines:\n  hello: null\n"),
        [
            f"{DEV}:2:1: warning: dev has no pipeline, so nothing runs by it; name a pipeline, or end the environment: "
            "`state: disabled`, later its folder (docs/environments.md)"
        ],
    ),
    "tombstones alone": (
        "dev", lambda root: _instead(root, DEV, "pipelines:\n  hello: {state: absent}\n"),
        [
            f"{DEV}:2:1: warning: dev has tombstones alone, so nothing runs by it; name a pipeline, or end the "
            "environment: `state: disabled`, later its folder (docs/environments.md)"
        ],
    ),
    "an environment that is turned off may be empty": (
        "dev", lambda root: _instead(root, DEV, "state: disabled\npipelines:\n  hello: null\n"), [],
    ),
    "null for what base has not": (
        "dev", lambda root: _after(root, DEV, "  helo: null\n  other: null\n"),
        [
            f"{DEV}:6:3: warning: environments/base.yaml has no pipeline 'helo', so null takes nothing away; did you "
            "mean 'hello'?",
            f"{DEV}:7:3: warning: environments/base.yaml has no pipeline 'other', so null takes nothing away; take the "
            "line out",
        ],
    ),
    "a tombstone of a name that never was": (
        "dev", lambda root: (
            shutil.copytree(root / "templates/pipelines/hello", root / "templates/pipelines/goodbye"),
            _after(root, DEV, "  godbye: {state: absent}\n"),
        ),
        [
            f"{DEV}:6:3: warning: there is no pipeline 'godbye' to be absent; did you mean 'goodbye'? if there was one "
            "of that name once, this is fine"
        ],
    ),
    "a tombstone whose template is gone": ("dev", lambda root: _after(root, DEV, "  old: {state: absent}\n"), []),
    "a pause that ended": (
        "dev", lambda root: _after(root, DEV, _until(NOW - timedelta(days=3))),
        [
            f"{DEV}:7:12: warning: the pause of hello ended 3 days ago, so its schedules and triggers are on again; "
            "take `state: paused` and `until` out"
        ],
    ),
    "a pause that ended within the hour": (
        "dev", lambda root: _after(root, DEV, _until(NOW)),
        [
            f"{DEV}:7:12: warning: the pause of hello ended 0 h ago, so its schedules and triggers are on again; take "
            "`state: paused` and `until` out"
        ],
    ),
    "a pause": ("dev", lambda root: _after(root, DEV, _until(NOW + timedelta(days=180))), []),
    "a pause for ever": (
        "dev", lambda root: _after(root, DEV, _until(NOW + timedelta(days=3653))),
        [
            f"{DEV}:7:12: warning: the pause of hello lasts 3653 days more; name an earlier end; what is not to run "
            "again is `state: absent`, or has no schedule"
        ],
    ),
    "a copy that nothing renders from": (
        "prod", _copied,
        [
            f"{PINNED}/gone: warning: gone is no pipeline of its values in prod, so nothing renders from what was "
            f"promoted; remove it: `git rm -r {PINNED}/gone`"
        ],
    ),
    "an entry of release.yaml that nothing renders from": (
        "prod", _entry,
        [
            f"{RELEASE}:6:3: warning: gone is no pipeline of its values in prod, so nothing renders from what was "
            "promoted; remove the entry with its pinned copy, or promote anything"
        ],
    ),
    "a tombstone with what was promoted": (
        "prod", lambda root: _instead(root, PROD, "pipelines:\n  hello: {state: absent}\n"),
        [
            f"{PINNED}/hello: warning: hello is a tombstone in prod, so nothing renders from what was promoted; remove "
            f"it: `git rm -r {PINNED}/hello`",
            f"{RELEASE}:8:3: warning: hello is a tombstone in prod, so nothing renders from what was promoted; remove "
            "the entry with its pinned copy, or promote anything",
            f"{PROD}:2:1: warning: prod has tombstones alone, so nothing runs by it; name a pipeline, or end the "
            "environment: `state: disabled`, later its folder (docs/environments.md)",
        ],
    ),
    "promoted to what follows the sources by now": (
        "prod", lambda root: (root / PROD).write_text(
            (root / PROD).read_text("utf-8").replace("follows: pinned", "follows: sources"), "utf-8"
        ),
        [
            f"{PINNED}/hello: warning: prod follows the sources, so nothing renders from what was promoted; remove it: "
            f"`git rm -r {PINNED}/hello`",
            f"{RELEASE}:8:3: warning: prod follows the sources, so nothing renders from what was promoted; remove the "
            "entry with its pinned copy",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_is_told_at_its_line_with_the_way_out(repository: Path, case: str) -> None:
    name, make, expected = CASES[case]
    make(repository)
    found = loose_ends(repository, environment.load(repository, name), NOW)
    assert [problem.as_warning() for problem in sorted(found)] == expected


@pytest.mark.parametrize("what", [("render",), ("render", "--check"), ("diff",)], ids=" ".join)
def test_every_command_that_reads_the_inputs_tells_it(
    repository: Path, command: Command, what: tuple[str, ...]
) -> None:
    _after(repository, DEV, _until(NOW - timedelta(days=3000)))
    if what[-1] == "diff":
        from gitrepo import init

        init(repository)
    found = command(*what[:1], "--root", repository, "--env", "dev", *what[1:])
    assert f"{DEV}:7:12: warning: the pause of hello ended " in found.err


def test_what_is_rendered_does_not_depend_on_the_clock(repository: Path, command: Command) -> None:
    """A pause stands in environment.yaml by its end, whether that is over or not."""
    texts = []
    for moment in (NOW - timedelta(days=3000), NOW + timedelta(days=3000)):
        _instead(repository, DEV, f"pipelines:\n  hello:\n    values: {{name: dev}}\n{_until(moment)}")
        assert command("render", "--root", repository, "--env", "dev").code == 0
        found = snapshot(repository / "manifests/dev")
        texts.append(
            {name: text.replace(f"{moment:%Y-%m-%d}".encode(), b"DAY") for name, text in found.items()}
        )
    assert texts[0]["environment.yaml"] == texts[1]["environment.yaml"]


def test_a_promotion_takes_away_what_is_left(repository: Path, command: Command) -> None:
    _copied(repository)
    _entry(repository)
    promote = ("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted")
    assert command(*promote).code == 0
    assert not [*loose_ends(repository, environment.load(repository, "prod"), NOW)]


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (
            lambda root: _instead(root, PROD, "pipelines:\n  hello: null\n"),
            f"{PROD}:2:1: prod has no pipeline to promote to; name some in {PROD}",
        ),
        (
            lambda root: _instead(root, DEV, "pipelines:\n  hello: null\n"),
            f"{PROD}:3:3: dev has no pipeline 'hello', so it has no release; add it to {DEV}, or name the others with "
            "--pipeline",
        ),
    ],
    ids=["to nothing", "from nothing"],
)
def test_a_promotion_without_pipelines_is_refused_where_they_would_stand(
    repository: Path, command: Command, edit: Callable[[Path], None], told: str
) -> None:
    edit(repository)
    before = snapshot(repository)
    found = command("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted")
    assert (found.code, found.err) == (2, f"{told}\n")
    assert snapshot(repository) == before


def test_many_that_were_never_promoted_are_told_once_a_file_with_a_command_for_all(
    repository: Path, command: Command
) -> None:
    """A command for one of them would be refused because of the others."""
    for name in "abcd":
        shutil.copytree(repository / "templates/pipelines/hello", repository / f"templates/pipelines/{name}")
        _after(repository, PROD, f"  {name}: {{values: {{name: x}}}}\n")
    _after(
        repository,
        environment.BASE,
        "  e: {template: a, values: {name: x}}\n  f: {template: a, values: {name: x}}\n",
    )
    run = "run `python scripts/promote.py --from ENV --to prod`"
    told = (
        f"environments/base.yaml:19:3: pipelines 'e' and 'f' were never promoted to prod; {run}, "
        f"or write `NAME: null` for each into {PROD} until they are\n"
    )
    found = command("render", "--root", repository, "--env", "prod")
    assert found.code == 2
    first, second = found.err.splitlines(keepends=True)
    assert first == told
    assert second.endswith(f"pipelines 'a', 'b', 'c' and 1 more were never promoted to prod; {run}\n")
    asked = ("promote", "--root", repository, "--from", "dev", "--to", "prod", "--pipeline", "e")
    found = command(*asked, "--uncommitted").err
    assert "pipeline 'f' was never promoted" in found, "e is, here"
    assert f"1 more were never promoted to prod; {run}\n" in found


def test_a_new_pipeline_of_base_is_told_with_both_ways_out(repository: Path, command: Command) -> None:
    """Promoted in the same change, or left out until it is."""
    shutil.copytree(repository / "templates/pipelines/hello", repository / "templates/pipelines/goodbye")
    _after(repository, environment.BASE, "  goodbye: {values: {name: x}}\n")
    found = command("render", "--root", repository, "--env", "prod")
    assert found.code == 2
    assert found.err == (
        "environments/base.yaml:19:3: pipeline 'goodbye' was never promoted to prod; run `python scripts/promote.py "
        f"--from ENV --to prod --pipeline goodbye`, or write `goodbye: null` into {PROD} until it is\n"
    )
    _after(repository, PROD, "  goodbye: null\n")
    assert command("render", "--root", repository, "--env", "prod").code == 0
