"""What KFP made in Kubernetes and could not store: it fires and runs, and no list shows it (`Trouble.HIDDEN`)."""

from __future__ import annotations

import json

from kfp_gitops.devserver.app import HIDDEN, App
from kfp_gitops.devserver.errors import InternalError
from kfp_gitops.devserver.http import Reply, failure


def hide(app: App, reply: Reply) -> Reply:
    """Take out of all lists what a successful create has made, and answer as the server does then."""
    if reply.status != 200:
        return reply
    made = json.loads(reply.body)
    with app.store.transaction():
        for table, key in ((app.store.recurring_runs, "recurring_run_id"), (app.store.runs, "run_id")):
            if made.get(key):
                table.update(made[key], namespace=HIDDEN, experiment_id=HIDDEN)
    what = f"InternalServerError: Failed to store {made.get('display_name')} to table: driver: bad connection"
    return failure(InternalError(what))
