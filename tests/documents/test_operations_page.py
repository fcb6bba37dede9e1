"""The commands of docs/operations.md about runs are run as they stand there, against the development server."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gitrepo import init
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/operate/runs/fake_run.py"))
SECTIONS = ("Off and on again", "What ran tonight", "A run", "Stop", "Once more", "Backfills in Git")
HERE = {
    "predictive-scaling": "hello",
    "per-service-training": "hello",
    "predictive-*": "hel*",
    "TASK": "greet",
    "cv_folds=5": "threshold=7",
    "now_override": "name",
}
"""The names that the page uses → those of the small repository."""


def _commands() -> Iterator[str]:
    text = (PROJECT / "docs/operations.md").read_text("utf-8")
    for title in SECTIONS:
        section = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        for block in re.findall(r"^```console\n(.*?)^```", section, re.MULTILINE | re.DOTALL):
            lines = block.replace("\\\n", " ").splitlines()
            yield from (line for line in lines if line.startswith("python scripts/"))


COMMANDS = list(_commands())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=1.0) as found:
        yield found


def test_every_section_has_commands() -> None:
    assert len(COMMANDS) >= 12
    assert {shlex.split(line)[1] for line in COMMANDS} == {
        "scripts/run.py",
        "scripts/reconcile.py",
        "scripts/new.py",
        "scripts/diff.py",
    }


def test_each_command_does_what_it_says(repository: Path, command: Command, server: DevServer) -> None:
    at = ("--root", repository, "--env", "dev")
    base = repository / "environments/base.yaml"
    base.write_text(re.sub(r"(?m)^(\s*)host: .*$", rf"\1host: {server.url}", base.read_text()))
    assert command("render", *at, "--lock").code == 0
    init(repository)
    assert command("reconcile", "apply", *at).code == 0
    assert command("run", *at, "--pipeline", "hello", "--param", "name=fail", "--wait").code == 4
    api = KfpApi(server.url, "")
    run_id = api.runs(api.experiments_like("hello-dev")[0].id, 1)[0].id
    for line in COMMANDS:
        script, *words = shlex.split(line)[1:]
        words = [HERE.get(word, run_id if word == "RUN_ID" else word) for word in words]
        outcome = command(Path(script).stem, *words[: script == "scripts/reconcile.py"], "--root", repository,
                          *words[script == "scripts/reconcile.py" :])  # fmt: skip
        differs = script == "scripts/diff.py"
        ends_badly = "--status" in words or ("--rerun" in words and "--wait" in words)  # the run failed
        assert outcome.code == (4 if ends_badly else 1 if differs else 0), (
            f"{line}\n{outcome.out}\n{outcome.err}"
        )
