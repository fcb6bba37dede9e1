"""What KFP made in Kubernetes and could not store: it fires and runs, and no list shows it (`Trouble.HIDDEN`)."""

from __future__ import annotations

import json
from dataclasses import replace

from kfp_gitops.devserver.app import HIDDEN, App
from kfp_gitops.devserver.errors import InternalError
from kfp_gitops.devserver.http import Reply, failure
from kfp_gitops.devserver.records import RecurringRun, Run


class LeftBehindError(InternalError):
    """A row that cannot be stored, of something that was started before."""

    def __init__(self, record: Run | RecurringRun, cause: str) -> None:
        kind = "run" if isinstance(record, Run) else "job"
        super().__init__(f"Failed to store {kind} {record.display_name} to table", cause)
        self.record = record


def leave(app: App, error: Exception) -> None:
    """Let it go on without its row; the transaction of its request is undone by then."""
    if not isinstance(error, LeftBehindError):
        return
    record = replace(error.record, namespace=HIDDEN, experiment_id=HIDDEN)
    with app.store.transaction():
        if isinstance(record, Run):
            app.store.runs.insert(record, checked=False)
        else:
            app.store.recurring_runs.insert(record, checked=False)
    app.pool.fill()


def hide(app: App, reply: Reply) -> Reply:
    """Take out of all lists what a successful create has made, and answer as the server does then."""
    if reply.status != 200:
        return reply
    made = json.loads(reply.body)
    with app.store.transaction():
        for table, key in ((app.store.recurring_runs, "recurring_run_id"), (app.store.runs, "run_id")):
            if made.get(key):
                table.update(made[key], namespace=HIDDEN, experiment_id=HIDDEN)
    what = f"Failed to store {made.get('display_name')} to table"
    return failure(InternalError(what, "driver: bad connection"))
