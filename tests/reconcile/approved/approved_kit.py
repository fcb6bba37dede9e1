"""A KFP with two releases of the small repository, a third that is planned, and how the world moves in between."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kfp_gitops.commands import reconcile, render
from kfp_gitops.devserver import DevServer, Faults, Features, ManualClock
from kfp_gitops.kfpserver.kfpapi.actual import ActualPipeline, ActualSchedule
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from project import HERE, PROJECT, Outcome

HANGS = (sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)")
"""Runs stay in flight until the server ends."""
OWNER = Owner("example-repository", "dev")
OTHER = Owner("another-repository", "dev")
START = datetime(2026, 11, 25, 12, 1, tzinfo=UTC)
"""A Wednesday; the schedule fires on Mondays."""
_TRIGGER = "triggers:\n- name: smoke\n  runOn: change\n"


def edit(root: Path, path: str, *pairs: tuple[str, str]) -> None:
    """Replace in a file; what is to be replaced must be there."""
    text = (root / path).read_text("utf-8")
    for old, new in pairs:
        assert old in text, f"{path}: {old!r} is not there"
        text = text.replace(old, new)
    (root / path).write_text(text, "utf-8")


def rendered(root: Path) -> None:
    assert render.main(["--root", str(root), "--env", "dev", "--lock"]) == 0


def prepare(folder: Path) -> None:
    """`repository` as it is planned, `server` as two applies before have left it."""
    root = folder / "repository"
    shutil.copytree(HERE / "data/repository", root)
    shutil.copytree(PROJECT / "templates/delivery", root / "templates/delivery")
    edit(
        root, "environments/base.yaml", ("enabled: false", "enabled: true"), ("threshold: 3", "threshold: 1")
    )
    template = "templates/pipelines/hello/pipeline.yaml.j2"
    edit(root, template, ("  catchup: false\n", "  catchup: false\n  onReplace: wait\n"))
    with DevServer(folder / "server", executor=HANGS, grace=0.1, clock=ManualClock(START)) as server:
        for old, new in (("threshold: 1", "threshold: 2"), ("threshold: 2", "threshold: 3")):
            rendered(root)
            assert reconcile.main(["apply", "--root", str(root), "--env", "dev", "--host", server.url]) == 0
            edit(root, "environments/base.yaml", (old, new))
    text = (root / template).read_text("utf-8")
    (root / template).write_text(text + _TRIGGER, "utf-8")
    base = root / "environments/base.yaml"
    base.write_text(f"versions: {{keep: 0}}\n{base.read_text('utf-8')}", "utf-8")
    rendered(root)


@dataclass
class World:
    """One KFP and one repository, of one test alone."""

    root: Path
    data: Path
    command: Callable[..., Outcome]
    clock: ManualClock
    server: DevServer
    more: tuple[str, ...] = ()
    """Options that the apply has and the plan had not."""

    @property
    def api(self) -> KfpApi:
        return KfpApi(self.server.url, "")

    @property
    def pipeline(self) -> ActualPipeline:
        found = self.api.pipeline("hello")
        assert found is not None
        return found

    @property
    def schedule(self) -> ActualSchedule:
        (found,) = self.api.schedules_named({"hello-weekly"})
        return found

    def run(self, what: str, *more: object) -> Outcome:
        where = ("--root", self.root, "--env", "dev", "--host", self.server.url)
        return self.command("reconcile", what, *where, *more)

    def planned(self, *more: object) -> str:
        """The 12 digits."""
        outcome = self.run("plan", *more)
        assert outcome.code in (0, 1), outcome
        word, digits = outcome.out.splitlines()[-1].split()
        assert (word, len(digits)) == ("plan", 12)
        return digits

    def edit(self, path: str, *pairs: tuple[str, str]) -> None:
        edit(self.root, path, *pairs)
        rendered(self.root)

    def writes(self) -> int:
        return len([request for request in self.server.requests if request.method != "GET"])

    def post(self, path: str, body: dict[str, Any]) -> None:
        """As a person does whom no client of ours stops."""
        url, head = f"{self.server.url}/apis/v2beta1/{path}", {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode(), head, method="POST")
        urllib.request.urlopen(request).close()

    def recreate_schedule(self, **changed: Any) -> None:
        """Deleted and made anew under its name and description, as KFP knows no other change."""
        old = self.schedule
        made = self._as_posted(old) | changed
        self.api.delete_schedule(old.id)
        self.post("recurringruns", made)

    def add_schedule(self, name: str, description: str, **changed: Any) -> None:
        self.post(
            "recurringruns",
            self._as_posted(self.schedule) | {"display_name": name, "description": description} | changed,
        )

    def _as_posted(self, found: ActualSchedule) -> dict[str, Any]:
        raw = json.load(urllib.request.urlopen(f"{self.server.url}/apis/v2beta1/recurringruns/{found.id}"))
        names = (
            "display_name",
            "description",
            "pipeline_version_reference",
            "runtime_config",
            "trigger",
            "experiment_id",
        )
        return {name: raw[name] for name in names if name in raw} | {
            "mode": "ENABLE", "max_concurrency": "1", "no_catchup": True,
        }  # fmt: skip

    def start_run(self, name: str, version: str, **more: Any) -> None:
        """One that stays in flight."""
        self.post(
            "runs",
            {
                "display_name": name,
                "experiment_id": self.api.experiment_id("hello-dev"),
                "pipeline_version_reference": {
                    "pipeline_id": self.pipeline.id,
                    "pipeline_version_id": version,
                },
                "runtime_config": {"parameters": {}},
                **more,
            },
        )

    def restart(self, executor: Sequence[str] = HANGS, **features: Any) -> None:
        self.server.close()
        port = int(self.server.url.rsplit(":", 1)[1])
        self.server = served(self.data, self.clock, port, executor, **features)
        self.server.start()


def served(
    data: Path, clock: ManualClock, port: int = 0, executor: Sequence[str] = HANGS, **features: Any
) -> DevServer:
    return DevServer(
        data,
        executor=executor,
        grace=0.1,
        faults=Faults(),
        clock=clock,
        port=port,
        features=Features(**features),
    )
