"""A night on call: prod on a KFP whose clock goes on when it is told, its alerts, and a terminal in a clone.

What somebody types is run by a shell in the clone, and every command is a process that speaks HTTP to the server.
What Kubernetes does meanwhile is done by `checks` and `delivered`: the CronJobs and Argo CD's Job, with the same
commands and in the same repository, as its main branch has it.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import gitrepo
import pages
import requests
from alerts_kit import Alerts
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.devserver.auth import Rights
from kfp_gitops.kfpserver.kfpapi.access import Access
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import RunState
from project import HERE, PROJECT, Outcome
from servers.process import free_port
from terminal_kit import Terminal

FAKE_RUN = (sys.executable, "-I", "-S", str(HERE / "operations/tonights_run.py"))
MOST = 5
"""So many commands somebody types at most, from the alert to its end."""


class NightClock:
    """The machine's clock, so many hours off: an evening first, and by the time that somebody is called, now."""

    def __init__(self) -> None:
        self.off = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off


@dataclass
class Night:
    """What was typed so far, and everything around it."""

    desk: Terminal
    alerts: Alerts
    folder: Path
    clock: NightClock = field(default_factory=NightClock)
    faults: Faults = field(default_factory=Faults)
    rights: Rights = field(default_factory=Rights)
    typed: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    databases: int = 0
    happens: dict[str, Callable[[], object]] = field(default_factory=dict)
    heard: int = 0

    # KFP

    def start(self, *, anew: bool = False) -> None:
        """KFP, with what it had, or with nothing."""
        self.databases += anew
        self.server = DevServer(
            self.folder / f"kfp-{self.databases}",
            executor=(*FAKE_RUN, str(self.folder / "tonight")),
            grace=1.0,
            clock=self.clock,
            faults=self.faults,
            rights=self.rights,
            port=self.port,
        ).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def api(self, token: str = "") -> KfpApi:
        """What the test itself looks at, and what somebody clicks."""
        return KfpApi(self.url, "", Access(token=token) if token else None)

    def schedules(self) -> list[ActualSchedule]:
        return list(self.api().schedules())

    def runs(self) -> list[RunState]:
        """Of prod's one pipeline, newest first."""
        api = self.api()
        found = api.experiment("hello-prod")
        return api.runs(found.id, 100) if found else []

    def passes(self, hours: float, *, fires: bool = True, ends: bool = True) -> None:
        """Time, in which schedules fire or nobody serves them; what fires has run, unless it does not end."""
        for _ in range(round(hours * 6)):
            self.clock.off += timedelta(minutes=10)
            if fires:
                self.server.tick()
            if fires and ends:
                self.server.wait_idle()

    def passes_until_now(self, *, ends: bool = True) -> None:
        """The rest of the night."""
        self.passes(-self.clock.off / timedelta(hours=1), ends=ends)

    def runs_end(self, how: str) -> None:
        """From now on: `succeed`, `fail`, `hang` or `slow`; empty: as their version says."""
        tonight = self.folder / "tonight"
        tonight.write_text(how) if how else tonight.unlink(missing_ok=True)

    def hangs(self) -> str:
        """The run of the next firing hangs; its id. What follows ends as its version says."""
        found = self.goes_on("hang")
        self.runs_end("")
        return found

    def goes_on(self, how: str) -> str:
        """Until the next firing's run has begun, which goes on: `hang` or `slow`; its id."""
        self.runs_end(how)
        before = {run.id for run in self.runs()}
        while not (found := [run.id for run in self.runs() if run.id not in before]):
            self.passes(1 / 6, ends=False)
        while not (self.folder / "tonight.read").exists():
            time.sleep(0.05)
        return found[0]

    def pods_have(self, token: str) -> None:
        """The token of the CronJobs; empty: none is asked."""
        (self.folder / "pods-token").write_text(token)

    def cloned(self, schedule_id: str, parameters: Mapping[str, object]) -> None:
        """What somebody does in the UI who wants other parameters."""
        place = f"{self.url}/apis/v2beta1/recurringruns"
        found = requests.get(f"{place}/{schedule_id}", timeout=60).json()
        self.api().delete_schedule(schedule_id)
        kept = ("display_name", "experiment_id", "pipeline_version_reference", "trigger", "max_concurrency")
        made = {name: found[name] for name in kept} | {"runtime_config": {"parameters": dict(parameters)}}
        requests.post(place, json={**made, "mode": "ENABLE"}, timeout=60).raise_for_status()

    # what Kubernetes does

    def checks(self, *options: str) -> list[int]:
        """The CronJobs: `plan` and `status`, as the delivery has them, tell the Pushgateway."""
        lines = [
            f"python scripts/reconcile.py {what} --env prod --push-gateway {self.alerts.gateway.url} --patience 0"
            for what in ("plan", "status --exit-zero")
        ]
        return [self.desk.run(" ".join([line, *options]), **self._pods()).code for line in lines]

    def delivered(self) -> Outcome:
        """Argo CD's Job: apply, which tells the Pushgateway, too."""
        line = f"python scripts/reconcile.py apply --env prod --push-gateway {self.alerts.gateway.url}"
        return self.desk.run(f"{line} --patience 0 --wait 20", **self._pods())

    def released(self, old: str, new: str) -> str:
        """A change of the template goes through dev to prod, is merged and delivered; the commit of its promotion."""
        template = self.desk.root / "templates/pipelines/hello/pipeline.yaml.j2"
        text = template.read_text()
        assert old in text
        template.write_text(text.replace(old, new))
        for line in (
            "python scripts/render.py --all --lock && git add --all && git commit --quiet --message 'dev: a change'",
            "python scripts/promote.py --to prod --from dev && git add --all && git commit --quiet --message 'to prod'",
            "git push --quiet origin main",
        ):
            done = self.desk.run(line)
            assert done.code == 0, done
        assert self.delivered().code == 0
        return gitrepo.git(self.desk.root, "rev-parse", "HEAD")

    def _pods(self) -> dict[str, str]:
        """Their token, and what their Lease remembers, are not those of whoever sits at the terminal."""
        token = self.folder / "pods-token"
        memory = {"XDG_CACHE_HOME": str(self.folder / "lease")}
        return memory | ({"KFP_TOKEN": token.read_text()} if token.exists() else {})

    def when(self, asked: str, happens: Callable[[], object]) -> None:
        """What Kubernetes does once it was asked: the beginning of a line without its options before the verb."""
        self.happens[asked] = happens

    # what a person does

    def called_by(self, alert: str, *, checked: bool = True) -> dict[str, str]:
        """The alert that fires, with its labels; its page is there."""
        if checked:
            self.checks()
        found = self.alerts.wait(lambda firing: alert in firing)
        assert alert in found, f"{alert} does not fire: {sorted(found)}"
        address = found[alert]["runbook_url"]
        assert address.endswith(f"/docs/runbook/{alert}.md")
        return found[alert]

    def mended(self, *but: str) -> None:
        """After the next checks no alert is left (but for those), in at most five commands."""
        self.checks()
        left = set(self.alerts.wait(lambda firing: set(firing) <= set(but)))
        assert left <= set(but), self.alerts.firing()
        assert len(self.typed) <= MOST, self.typed

    def follow(
        self, page: str, section: str, codes: Mapping[str, int] | None = None, **words: str
    ) -> list[Outcome]:
        """Type the commands of a section, with `words` in the place of what a person fills in.

        `codes`: what a command begins with → how it ends, where not with 0.
        """
        return [self._type(command, codes or {}, words) for command in self.commands(page, section)]

    def commands(self, page: str, section: str) -> tuple[str, ...]:
        """Those of a section, where not all of them are typed: either does it."""
        return pages.read(page).sections[section]

    def types(self, command: str, **words: str) -> Outcome:
        """One of them."""
        return self._type(command, {}, words)

    def _type(self, command: str, codes: Mapping[str, int], words: Mapping[str, str]) -> Outcome:
        line = command
        for word, value in words.items():
            line = re.sub(rf"(?<![A-Z_]){word}(?![A-Z_])", lambda _, value=value: value, line)
        variables = {"PUSHGATEWAY": self.alerts.gateway.url, "KFP": self.url, **self.variables}
        outcome = self.desk.run(line, **variables)
        self.typed.append(command)
        self._happens()
        wanted = next((code for start, code in codes.items() if command.startswith(start)), 0)
        assert outcome.code == wanted, (line, outcome)
        return outcome

    def _happens(self) -> None:
        asked = self.desk.asked()
        for words in asked[self.heard :]:
            line = " ".join(words)
            for part, happens in self.happens.items():
                if part in line:
                    happens()
        self.heard = len(asked)


def begun(desk: Terminal, alerts: Alerts, folder: Path, values: str = "") -> Night:
    """An evening, twelve hours ago: prod was delivered, and its schedule fires each hour, next in twenty minutes."""
    night = Night(desk, alerts, folder)
    desk.clean()
    alerts.wipe()
    night.clock.off = timedelta(hours=-12)
    night.start()
    _repository(desk.root, night, values)
    assert night.delivered().code == 0
    return night


def _repository(root: Path, night: Night, values: str) -> None:
    for path in (HERE / "data/repository").iterdir():
        shutil.copytree(path, root / path.name)
    shutil.copytree(PROJECT / "templates/delivery", root / "templates/delivery")
    minute = (night.clock.now().minute + 20) % 60
    base = root / "environments/base.yaml"
    text = base.read_text().replace("http://ml-pipeline.kubeflow.svc.cluster.local:8888", night.url)
    text = text.replace("'0 0 3 * * 1'", f"'0 {minute} * * * *'").replace("name: world", "name: succeed")
    network = f"  network: {{kfp: {{cidr: 127.0.0.0/8, port: {night.port}}}}}\n"
    base.write_text(text.replace("  namespace: kubeflow\n", f"  namespace: kubeflow\n{network}"))
    prod = root / "environments/prod/values.yaml"
    prod.write_text(prod.read_text() + values)
    (root / ".gitignore").write_text("/scripts/\n__pycache__/\n")
    done = night.desk.run("python scripts/render.py --all --lock")
    assert done.code == 0, done
    gitrepo.init(root)
    gitrepo.git(root, "init", "-q", "--bare", str(night.folder / "origin.git"))
    gitrepo.git(root, "remote", "add", "origin", str(night.folder / "origin.git"))
    gitrepo.git(root, "push", "-q", "origin", "main")
