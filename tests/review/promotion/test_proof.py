"""--verify: only a release that has run well in the source environment is promoted; and runs in flight are counted."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from gitrepo import init
from kfp_gitops.devserver import DevServer
from project import PROJECT, Outcome, snapshot

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/operate/runs/fake_run.py"))
Command = Callable[..., Outcome]
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", port=0, executor=FAKE) as found:
        yield found


class Team:
    """A repository whose dev runs on the development server."""

    def __init__(self, root: Path, command: Command, url: str) -> None:
        self.root, self.command, self.url = root, command, url
        self.where = f"--env dev --host {url} --root {root}"

    def change(self, owner: str) -> None:
        template = self.root / TEMPLATE
        template.write_text(template.read_text().replace("owner: tests", f"owner: {owner}"))
        self.release()

    def rewrite(self) -> None:
        """Other code: the pipeline compiles to something else."""
        self.unapplied()
        self.release()

    def release(self) -> None:
        assert self.command("render", "--root", self.root, "--all", "--lock").code == 0
        arguments = ["apply", "--root", self.root, "--env", "dev", "--host", self.url]
        assert self.command("reconcile", *arguments).code == 0

    def unapplied(self) -> None:
        """Another release, rendered and no more."""
        step = self.root / "components/greet/component.py"
        step.write_text(step.read_text().replace("hello {name}", "good day {name}"))
        assert self.command("components", "--root", self.root).code == 0
        assert self.command("render", "--root", self.root, "--env", "dev", "--lock").code == 0

    def run(self, name: str) -> Outcome:
        arguments = ["--env", "dev", "--pipeline", "hello", "--host", self.url, "--param", f"name={name}"]
        return self.command("run", "--root", self.root, *arguments, *([] if name == "hang" else ["--wait"]))

    def promote(self) -> Outcome:
        arguments = ["--from", "dev", "--to", "prod", "--uncommitted", "--verify", "--host", self.url]
        return self.command("promote", "--root", self.root, *arguments)


@pytest.fixture
def team(repository: Path, command: Command, server: DevServer) -> Team:
    return Team(repository, command, server.url)


def test_a_release_that_never_ran_is_refused_and_nothing_is_written(team: Team) -> None:
    team.change("others")
    before = snapshot(team.root)
    outcome = team.promote()
    assert outcome.code == 5
    assert "hello: no succeeded run of release sha256:" in outcome.err
    assert "the last one that succeeded" not in outcome.err
    assert f"scripts/run.py {team.where} --pipeline hello --wait" in outcome.err
    assert snapshot(team.root) == before


def test_where_no_run_is_of_the_release_it_is_said_which_one_ran_and_what_is_to_do(team: Team) -> None:
    """A release that is rendered and not applied, and one that is not even rendered."""
    team.release()
    assert team.run("succeed").code == 0
    ran = yaml.safe_load((team.root / "manifests/dev/environment.yaml").read_text())["pipelines"][0][
        "release"
    ]
    team.unapplied()
    refused = team.promote()
    (line,) = [one for one in refused.err.splitlines() if "no succeeded run" in one]
    last = f"the last one that succeeded ran release {ran[:19]}…"
    assert (
        f"in dev; {last}; no version of it is registered there: "
        f"apply (`python scripts/reconcile.py apply {team.where}`); "
        f"run it there: `python scripts/run.py {team.where} --pipeline hello --wait`"
    ) in line
    rendered = yaml.safe_load((team.root / "manifests/dev/environment.yaml").read_text())["pipelines"][0][
        "release"
    ]
    template = team.root / TEMPLATE
    template.write_text(template.read_text().replace("owner: tests", "owner: others"))
    refused = team.promote()
    assert (
        f"in dev; {last}; manifests/dev has release {rendered[:19]}…, and not this one: render "
        "(`python scripts/render.py --env dev --lock`), commit and apply; run it there: "
    ) in refused.err
    assert refused.code == 5


def test_a_failed_run_proves_nothing(team: Team) -> None:
    team.change("others")
    assert team.run("fail").code == 4
    assert team.promote().code == 5


def test_a_succeeded_run_of_the_release_is_named_and_lets_it_through(team: Team) -> None:
    team.change("others")
    assert team.run("succeed").code == 0
    outcome = team.promote()
    assert outcome.code == 0, outcome.err
    assert f"succeeded in dev: {team.url}/#/runs/details/" in outcome.err
    assert "hello: sha256:" in outcome.out


def test_a_run_of_the_release_before_proves_nothing_of_this_one(team: Team) -> None:
    team.release()
    assert team.run("succeed").code == 0
    team.rewrite()
    assert team.promote().code == 5


def test_a_release_that_compiles_to_the_same_is_proved_by_what_ran_before(team: Team) -> None:
    """Its version is registered already, and says of which release it was made first: no run could ever prove it."""
    team.release()
    assert team.run("succeed").code == 0
    team.change("others")
    outcome = team.promote()
    assert (outcome.code, "hello: sha256:" in outcome.out) == (0, True), outcome.err


def test_another_value_in_dev_is_the_same_release(team: Team) -> None:
    team.change("others")
    assert team.run("succeed").code == 0
    base = team.root / "environments/base.yaml"
    base.write_text(base.read_text().replace("threshold: 3", "threshold: 4"))
    team.release()
    assert team.promote().code == 0


def test_the_diff_counts_the_runs_in_flight(team: Team) -> None:
    team.release()
    init(team.root)
    for name in ("hang", "succeed"):
        assert team.run(name).code == 0
    team.change("others")
    outcome = team.command("diff", "--root", team.root, "--env", "dev", "--host", team.url)
    assert outcome.code == 1
    assert "1 run in flight" in outcome.out.splitlines()[-1]
