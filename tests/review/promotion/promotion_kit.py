"""A repository with its history, whose dev goes on, and whose prod is promoted to."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import assembly
import yaml
from gitrepo import commit, init
from kfp_gitops.base.yamldump import dump
from kfp_gitops.sources import release as releases
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"
RELEASE = "environments/prod/release.yaml"
STAGING, PROD = ("environments/staging/release.yaml", "environments/prod/release.yaml")
NO_COMMIT = "abcdef0123" * 4
PROMOTE = ("promote", "--from", "dev", "--to", "prod")


class Team:
    """A repository with its history, whose dev goes on."""

    def __init__(self, root: Path, command: Command) -> None:
        self.root, self._command = root, command
        prod = root / "environments/prod/values.yaml"
        prod.write_text(
            f"kfp: {{host: 'http://ml-pipeline.prod.svc:8888'}}\n{prod.read_text('utf-8')}", "utf-8"
        )
        self.run("render", "--all", "--lock")
        init(root)

    def run(self, name: str, *arguments: object) -> Outcome:
        return self._command(name, "--root", self.root, *arguments)

    def check(self) -> Outcome:
        return self.run("render", "--all", "--check")

    def owner(self, name: str) -> None:
        """Another owner in dev's template: the smallest change of a release."""
        path = self.root / TEMPLATE
        path.write_text(re.sub("owner: .*", f"owner: {name}", path.read_text()))

    def merged(self, owner: str) -> str:
        self.owner(owner)
        self.run("render", "--env", "dev", "--lock")
        return commit(self.root, f"dev: {owner}")

    def promoted(self, owner: str) -> str:
        """A change that went through dev and prod; returns the commit that dev had it at."""
        found = self.merged(owner)
        done = self.run(*PROMOTE)
        assert done.code == 0, done.err
        commit(self.root, f"prod: {owner}")
        return found

    @property
    def entry(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load((self.root / RELEASE).read_text())["pipelines"]["hello"]
        return found

    def say(self, **said: str | dict[str, str] | None) -> None:
        """Write it into the entry, by hand."""
        path = self.root / RELEASE
        whole = yaml.safe_load(path.read_text())
        entry = {**whole["pipelines"]["hello"], **said}
        whole["pipelines"]["hello"] = {key: value for key, value in entry.items() if value is not None}
        path.write_text(dump(whole))  # a commit may look like a number
        self.run("render", "--env", "prod", "--lock")

    def forge(self, owner: str) -> None:
        """Another pinned copy, with a digest that fits it: all that is needed without Git."""
        path = self.root / "environments/prod/pinned/hello/pipeline.yaml.j2"
        path.write_text(re.sub("owner: .*", f"owner: {owner}", path.read_text()))
        forged = releases.from_pinned(self.root, "prod", "hello", self.entry["images"])
        self.say(digest=forged.digest)


class Chain(Team):
    """dev → staging → prod, all of it merged."""

    def __init__(self, root: Path, command: Command) -> None:
        """A copy of one that is made once: it takes seconds."""
        made = assembly.once("promotion-chain", lambda folder: self._make(root, command, folder))
        self.root, self._command = root, command
        shutil.rmtree(root)
        shutil.copytree(made, root, symlinks=True)

    def _make(self, root: Path, command: Command, folder: Path) -> None:
        super().__init__(root, command)
        self.declare("prod", "dev")
        shutil.copyfile(PROJECT / "environments/policy.yaml", root / "environments/policy.yaml")
        self.run("render", "--all", "--lock")
        commit(root, "prod is promoted from dev")
        self.promoted("first")  # straight from dev, as was the way then
        shutil.copytree(root / "environments/prod", root / "environments/staging")
        staging = root / "environments/staging/values.yaml"
        staging.write_text(
            staging.read_text("utf-8").replace("ml-pipeline.prod", "ml-pipeline.staging"), "utf-8"
        )
        self.declare("staging", "dev")
        self.declare("prod", "staging")
        self.run("render", "--all", "--lock")
        commit(root, "staging lies between")
        shutil.copytree(root, folder, symlinks=True)

    def declare(self, name: str, source: str) -> None:
        path = self.root / f"environments/{name}/values.yaml"
        lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("promotesFrom")]
        path.write_text("\n".join([f"promotesFrom: {source}", *lines, ""]), "utf-8")

    def step(self, target: str) -> str:
        """Promote to an environment along the way, and merge it; returns the commit that has it."""
        found = self.run("promote", "--to", target)
        assert found.code == 0, found.err
        return commit(self.root, f"to {target}")

    def said(self, path: str) -> dict[str, str]:
        found: dict[str, str] = yaml.safe_load((self.root / path).read_text("utf-8"))["pipelines"]["hello"]
        return found


def place_of(team: Team, key: str) -> str:
    """`path:line:column` of the value of a key of the entry."""
    for number, line in enumerate((team.root / RELEASE).read_text().splitlines(), 1):
        if line.startswith(f"    {key}: "):
            return f"{RELEASE}:{number}:{len(key) + 7}"
    raise AssertionError(key)
