"""Run a compiled pipeline on this machine, with the meaning that it has on Kubeflow Pipelines.

`kfp.local` runs single tasks well, but its own walk of the DAG skips conditions and loops silently or ends in
errors (public issue kubeflow/pipelines#13313). So each task runs by kfp's own task machinery (`tasks`), and the DAG
is walked here (`walk`). What cannot be run faithfully is refused before anything runs (`refuse`).

    documents ─► spec ─► refuse ─► walk ─► leaf ─► tasks, importer ─► process
                                    └─► scope ─► values, placeholders, selector, cel
"""

from kfp_gitops.local.localrun.context import Outcome, Refused, RunContext
from kfp_gitops.local.localrun.events import Event, RunEvent, TaskEvent, WarningEvent
from kfp_gitops.local.localrun.run import execute

__all__ = ["Event", "Outcome", "Refused", "RunContext", "RunEvent", "TaskEvent", "WarningEvent", "execute"]
