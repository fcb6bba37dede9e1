"""Gates of a promotion, where runs are those of a development server whose tasks really log metrics."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import scored
import yaml
from gitrepo import commit, git, init
from kfp_gitops.devserver import DevServer
from kfp_gitops.devserver.executor import LOCALRUN
from project import PROJECT, Outcome, snapshot
from servers.prepared import Prepared

Command = Callable[..., Outcome]
PROD = "environments/prod/values.yaml"
SCHEMA = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/promotion.schema.json").read_text())


class Team:
    """A repository whose dev runs on a server; its pipeline logs `wape`, which is 1 / level."""

    def __init__(self, root: Path, command: Command, url: str) -> None:
        self.root, self.command, self.url = scored.make(root, command), command, url
        assert command("render", "--root", root, "--env", "prod", "--lock").code == 0
        init(root)

    def gate(self, text: str) -> None:
        path = self.root / PROD
        lines = path.read_text().split("  hello:\n")
        gate = f"    promote: {{require: [{text}]}}\n"
        path.write_text(f"promotesFrom: dev\n{lines[0]}  hello:\n{gate}{lines[1]}")

    def release(self) -> None:
        """Another release, of which nothing ran yet."""
        step = self.root / "components/score/component.py"
        step.write_text(step.read_text().replace('"steady", 3', '"steady", 4'))
        assert self.command("components", "--root", self.root).code == 0
        assert self.command("render", "--root", self.root, "--env", "dev", "--lock").code == 0
        commit(self.root, "dev: other code")
        assert self("reconcile", "apply", "--env", "dev", "--host", self.url).code == 0

    def __call__(self, *words: str) -> Outcome:
        return self.command(words[0], *words[1:2], "--root", self.root, *words[2:])

    def run(self, *levels: int) -> None:
        for level in levels:
            words = ("--pipeline", "hello", "--host", self.url, "--param", f"level={level}", "--wait")
            assert self.command("run", "--root", self.root, "--env", "dev", *words).code == 0

    def promote(self, *more: str) -> Outcome:
        words = ("--from", "dev", "--to", "prod", "--host", self.url, "--patience", "0", *more)
        return self.command("promote", "--root", self.root, *words)


@pytest.fixture
def team(repository: Path, command: Command, tmp_path: Path, localrun: Prepared) -> Iterator[Team]:
    with DevServer(tmp_path / "server", executor=localrun.python(*LOCALRUN[1:]), grace=1.0) as server:
        yield Team(repository, command, server.url)


def test_a_release_goes_on_when_so_many_of_its_runs_measured_enough(team: Team) -> None:
    team.gate("{metric: wape, max: 0.26, runs: 2}")
    team.release()
    refused = team.promote("--verify")
    assert (refused.code, "no succeeded run of release" in refused.err) == (5, True)
    team.run(4)
    before = snapshot(team.root)
    refused = team.promote("--verify")
    assert refused.code == 5
    assert (
        "requires wape ≤ 0.26 in the newest 2 runs: 0.25 (1 of 2 runs, 1 of this release succeeded)"
        in refused.err
    )
    root = f" --root {team.root}"
    assert f"run.py --env dev --host {team.url}{root} --pipeline hello --wait`" in refused.err
    assert snapshot(team.root) == before
    team.run(3)
    refused = team.promote("--verify")
    assert refused.code == 5
    assert (
        "wape ≤ 0.26 in the newest 2 runs: 0.333333, 0.25 (missed); promote another one, or have other bounds "
        "reviewed at environments/prod/values.yaml:"
    ) in refused.err
    team.run(5, 4)
    done = team.promote("--verify")
    assert done.code == 0, done.err
    assert "hello: wape ≤ 0.26 in the newest 2 runs: 0.25, 0.2" in done.err.splitlines()
    (said,) = yaml.safe_load((team.root / "environments/prod/release.yaml").read_text())["pipelines"][
        "hello"
    ]["measured"]
    assert (said["metric"], sorted(said["runs"].values())) == ("wape", [[0.2], [0.25]])
    machine = json.loads(team("promote", "--status", "--json").out)
    jsonschema.validate(machine, SCHEMA)
    assert machine["pipelines"][0]["environments"]["prod"]["measured"] == [{"task": None, **said}]
    assert team("render", "--all", "--check").code == 0


def test_what_runs_of_the_release_before_measured_is_nothing(team: Team) -> None:
    team.gate("{metric: wape, max: 0.26}")
    assert team("reconcile", "apply", "--env", "dev", "--host", team.url).code == 0
    team.run(4)
    team.release()
    assert "no succeeded run of release" in team.promote("--verify").err
    team.run(3)
    assert "0.333333 (missed)" in team.promote("--verify").err


def test_status_tells_it_and_refuses_nothing(team: Team) -> None:
    team.gate("{metric: wape, max: 0.26}, {metric: nothing_such, min: 1}")
    team.release()
    team.run(3)
    plain = team.promote("--status")
    assert (plain.code, "  requires wape ≤ 0.26 in the newest run" in plain.out.splitlines()) == (1, True)
    found = team.promote("--status", "--verify")
    assert found.code == 1
    told = " ".join(found.out.split())
    assert "a run of it succeeded in dev" in told
    assert "requires wape ≤ 0.26 in the newest run: 0.333333, missed" in told
    assert "requires nothing_such ≥ 1 in the newest run: nothing, no run has it; there are: " in told
    whole = team("promote", "--status")
    assert "hello must have measured enough: --status --to prod says what" in whole.out
    machine = json.loads(team("promote", "--status", "--json").out)
    jsonschema.validate(machine, SCHEMA)
    cells: dict[str, Any] = machine["pipelines"][0]["environments"]
    assert [gate["metric"] for gate in cells["prod"]["requires"]] == ["wape", "nothing_such"]
    assert cells["dev"]["requires"] == []


def test_without_verify_nobody_looked_which_is_said(team: Team) -> None:
    team.gate("{metric: wape, max: 0.26}")
    team.release()
    done = team.promote()
    assert done.code == 0, done.err
    assert "prod requires measurements of hello, and nobody looked at them" in done.err


def test_what_was_promoted_without_them_gets_its_measurements_as_the_diff_advises(team: Team) -> None:
    team.gate("{metric: wape, max: 0.26}")
    team.release()
    advice = "`python scripts/promote.py --to prod --pipeline hello --verify` has them"
    assert advice in team.promote().out
    before = snapshot(team.root)
    none = team.promote("--pipeline", "hello", "--verify")
    assert (none.code, "; prod has this release already" in none.err) == (0, True), none.err
    team.run(3)
    missed = team.promote("--pipeline", "hello", "--verify")
    assert (missed.code, "0.333333 (missed); promote another one, or" in missed.err) == (0, True)
    assert "; prod has this release already" in missed.err
    assert snapshot(team.root) == before
    team.run(4)
    done = team.promote("--pipeline", "hello", "--verify")
    assert done.code == 0, done.err
    assert "  change environments/prod/release.yaml" in done.out.splitlines()
    told = team.command("diff", "--root", team.root, "--env", "prod").out
    assert "  required wape ≤ 0.26 in the newest run, measured 0.25" in told.splitlines()
    assert "requires wape" not in told
    again = snapshot(team.root)
    assert "nothing changed" in team.promote("--verify").err
    assert snapshot(team.root) == again


def test_the_pull_request_shows_what_was_measured(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q", "--bare", "remote.git")
    git(team.root, "remote", "add", "origin", str(tmp_path / "remote.git"))
    for name, value in (("name", "tests"), ("email", "tests@example.com")):
        git(team.root, "config", f"user.{name}", value)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "gh").write_text('#!/bin/sh\nprintf \'%s\\n\' "$@" > "$GH_CALLED"\n')
    (tools / "gh").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("GH_CALLED", str(tmp_path / "called"))
    team.gate("{metric: wape, max: 0.26, runs: 2}")
    team.release()
    team.run(5, 4)
    done = team.promote("--verify", "--open-pr")
    assert done.code == 0, done.err
    body = (tmp_path / "called").read_text()
    assert "### What ran in dev" in body
    (row,) = [line for line in body.splitlines() if line.startswith("| `hello`")]
    assert row.startswith(
        f"| `hello` | `wape ≤ 0.26 in the newest 2 runs` | [0.25]({team.url}/#/runs/details/"
    )
    assert "without effect" in body, "the diff comes after it"


def test_metadata_that_are_nowhere_or_do_not_answer_let_nothing_through(team: Team) -> None:
    team.gate("{metric: wape, max: 0.26}")
    team.release()
    team.run(4)
    silent = team.promote("--verify", "--metadata", "http://127.0.0.1:9")
    assert (silent.code, "http://127.0.0.1:9: cannot be reached" in silent.err) == (4, True), silent.err
    other = team.promote("--verify", "--metadata", f"{team.url}/pipeline")
    assert (other.code, "is this the address of KFP's" in other.err) == (4, True), other.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "{metric: a, min: 0.9, max: 0.1}",
            ":42: no a is both at least 0.9 and at most 0.1; let min be no larger",
        ),
        ("{metric: a}", "write `min`, `max` or both"),
        ("{min: 1}", "metric"),
        ("{metric: a, min: 1, runs: 0}", "runs"),
        ("{metric: a, min: '1'}", "min"),
        ("{metric: a, min: 1, least: 2}", "least"),
        (
            "{metric: a, min: 1}, {metric: a, max: 2}",
            "a is required twice; write `min` and `max` into one entry",
        ),
    ],
)
def test_what_cannot_be_meant_is_told_at_its_line(
    repository: Path, command: Command, text: str, said: str
) -> None:
    path = repository / PROD
    path.write_text(
        path.read_text().replace("  hello:\n", f"  hello:\n    promote: {{require: [{text}]}}\n", 1)
    )
    line = next(n for n, one in enumerate(path.read_text().splitlines(), 1) if "promote:" in one)
    done = command("render", "--root", repository, "--env", "prod")
    assert done.code == 2
    (told,) = [one for one in done.err.splitlines() if f"{PROD}:{line}:" in one]
    assert said in told, told


def test_a_gate_of_an_environment_that_nothing_is_promoted_to_is_told(
    repository: Path, command: Command
) -> None:
    path = repository / "environments/dev/values.yaml"
    gate = "    promote: {require: [{metric: a, min: 1}]}\n"
    path.write_text(path.read_text().replace("  hello:\n", f"  hello:\n{gate}", 1))
    done = command("render", "--root", repository, "--env", "dev")
    assert (done.code, "dev follows the sources: nothing is promoted to it" in done.err) == (2, True)
    path.write_text(path.read_text().replace(gate, ""))
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text().replace("  hello:\n", f"  hello:\n{gate}", 1))
    assert command("render", "--root", repository, "--env", "dev").code == 0
