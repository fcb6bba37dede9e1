"""Fires what is due: scheduledworkflow/controller.go, one tick at a time."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable

from kfp_gitops.devserver import runs, triggers, versions
from kfp_gitops.devserver.app import App, new_id
from kfp_gitops.devserver.errors import ApiError
from kfp_gitops.devserver.records import RecurringRun, Run
from kfp_gitops.devserver.templates import Spec

SPACING = 10
"""Seconds from one run of a schedule to its next at the least: controller.go looks at it again no sooner, so what a
schedule has to catch up comes one by one (seen on KFP 2.17.0)."""


def tick(app: App) -> None:
    """Start every run that is due now, as far as the concurrency of its schedule allows."""
    app.pool.settle()
    with app.store.transaction():
        for key in _waited_for(app):
            fire(app, app.store.recurring_runs.where("id = ?", key)[0])  # as it is now
    app.pool.fill()


def _waited_for(app: App) -> list[str]:
    """The schedules that have something to fire by now. With a thousand of them, to read each whole takes long."""
    columns = "SELECT id, trigger, created, last_fired FROM recurring_runs WHERE enabled = 1 ORDER BY rowid"
    firings = {row["id"]: triggers.earliest(*tuple(row)[1:]) for row in app.store.execute(columns)}
    now = app.now()
    return [key for key, firing in firings.items() if firing is not None and firing <= now]


def fire(app: App, schedule: RecurringRun) -> None:
    """One firing, if one is due: scheduled_workflow.go `GetNextScheduledEpoch`."""
    now = app.now()
    due = triggers.next_firing(schedule, now)
    if due is None or due > now or len(runs.active_of(app, schedule.id)) >= schedule.max_concurrency:
        return
    if now < _fired(app, schedule.id) + SPACING:
        return
    try:
        spec = _spec(app, schedule)
    except ApiError:
        return  # no version to run: nothing is submitted, and the next tick tries again
    _submit(app, schedule, spec, due)


def _fired(app: App, key: str) -> int:
    """When it last fired, and not for when."""
    found = app.store.execute("SELECT MAX(created) FROM runs WHERE recurring_run_id = ?", key)
    return int(found[0][0] or 0)


def _spec(app: App, schedule: RecurringRun) -> Spec:
    """Frozen at creation when pinned; the newest version of this moment when not."""
    return schedule.spec or versions.latest(app, schedule.pipeline_id).spec


def _submit(app: App, schedule: RecurringRun, spec: Spec, due: int) -> None:
    index, now = schedule.last_index + 1, app.now()
    new = Run(
        id=new_id(),
        display_name=resource_name(schedule.resource_name, index),
        description="",
        namespace=schedule.namespace,
        experiment_id=schedule.experiment_id,
        pipeline_id=schedule.pipeline_id,
        version_id=schedule.version_id or _latest_id(app, schedule),
        recurring_run_id=schedule.id,
        service_account="",  # KFP learns of the run by the workflow alone, and that does not tell
        created=now,
        scheduled=due,
        spec=spec,
        runtime_config=schedule.runtime_config,
    )
    runs.start(app, new)
    app.store.recurring_runs.update(schedule.id, last_fired=due, last_index=index)


def _latest_id(app: App, schedule: RecurringRun) -> str:
    return versions.latest(app, schedule.pipeline_id).id if schedule.pipeline_id else ""


def resource_name(name: str, index: int) -> str:
    """scheduled_workflow.go `NextResourceName`: name, index, and the FNV-1a hash of both."""
    text, digest = f"{name}-{index}", 0x811C9DC5
    for byte in text.encode():
        digest = (digest ^ byte) * 0x01000193 & 0xFFFFFFFF
    return f"{text}-{digest}"


class Ticker:
    """Calls something every so often, in a thread."""

    def __init__(self, action: Callable[[], None], seconds: float) -> None:
        self._action, self._seconds, self._stop = action, seconds, threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self._action()
            except Exception:  # a defect in one tick must not end the schedules silently
                traceback.print_exc()

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
