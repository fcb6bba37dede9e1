"""Applies to a development server whose clock the test moves, and what came of them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from kfp_gitops.compiling import ir
from kfp_gitops.devserver import DevServer, ManualClock
from kfp_gitops.kfpserver.kfpapi.actual import Actual, ActualRun
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.retry import Backoff
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.identity import digest_of_stored
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.reconcile.apply import Outcome, Pace, apply
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Absent, Desired, DesiredPipeline, Options
from project import PROJECT

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/devserver/fake_executor.py"))
IR = """
components: {{comp-a: {{executorLabel: exec-a}}}}
deploymentSpec: {{executors: {{exec-a: {{container: {{image: 'x', command: [echo]}}}}}}}}
pipelineInfo: {{name: p, description: '{text}'}}
root:
  dag: {{tasks: {{a: {{componentRef: {{name: comp-a}}, taskInfo: {{name: a}}}}}}}}
  inputDefinitions: {{parameters: {{n: {{parameterType: NUMBER_INTEGER, defaultValue: 3}}}}}}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
"""
OWNER = Owner("example-repository", "dev")
EVERY_5_MINUTES = Schedule("main", "0 */5 * * * *", None, True, {"n": 3}, None, None, 10, False, ())
START = datetime(2026, 11, 23, 12, 1, tzinfo=UTC)
NO_OPTIONS = Options()


def pipeline_of(version: int = 1, name: str = "p", *schedules: Schedule, **more: Any) -> DesiredPipeline:
    text = IR.format(text=version)
    digest = digest_of_stored(ir.documents(text)[0])
    return DesiredPipeline(
        name, "d", f"sha256:{version:064d}", f"sha-{version}", digest, text,
        schedules or (EVERY_5_MINUTES,), **more,
    )  # fmt: skip


def desired_of(server: DevServer, *pipelines: DesiredPipeline, absent: tuple[Absent, ...] = ()) -> Desired:
    return Desired(OWNER, server.url, "", pipelines, absent)


def api_of(server: DevServer, tries: int = 1) -> KfpApi:
    return KfpApi(server.url, "", backoff=Backoff(tries=tries, sleep=lambda _: None))


def reconciled(
    server: DevServer, desired: Desired, api: KfpApi | None = None, options: Options = NO_OPTIONS
) -> Outcome:
    api = api or api_of(server)

    def sleep(seconds: float) -> None:
        if isinstance(server.clock, ManualClock):
            server.clock.advance(seconds=seconds)
            server.tick()

    actual = observe(api, desired, options)
    found = plan(desired, actual, options)
    return apply(api, desired, found, actual, options, pace=Pace(4, timedelta(minutes=10), sleep))


def pass_time(server: DevServer, clock: ManualClock, seconds: int) -> None:
    for _ in range(0, seconds, 10):
        clock.advance(seconds=10)
        server.tick()


def firings_of(server: DevServer) -> list[datetime]:
    api = api_of(server)
    runs = [run for item in all_runs(api) if (run := item.scheduled) and item.schedule_id]
    return sorted(runs)


def all_runs(api: KfpApi) -> list[ActualRun]:
    return api.runs_called_like("p")


def converged(server: DevServer, desired: Desired) -> bool:
    server.wait_idle()
    return not plan(desired, observe(api_of(server), desired)).differences


def options_for(server: DevServer) -> Options:
    return Options(server=api_of(server).features().version)


def seen_on(server: DevServer) -> Actual:
    return observe(api_of(server), desired_of(server, pipeline_of()), options_for(server))


def notes_on(server: DevServer) -> list[str]:
    found = plan(desired_of(server, pipeline_of()), seen_on(server), options_for(server)).notes
    return [note for note in found if "compile" in note]
