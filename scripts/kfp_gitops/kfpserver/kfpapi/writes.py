"""The writes of KFP's API that we use, and what may be done when one was not clearly answered.

KFP makes the Workflow or the ScheduledWorkflow before it stores the row that its lists are made of
(resource_manager.go CreateRun, CreateJob at 2.17.0). So an error, a broken connection or a time-out of these two may
leave something behind that no list shows; sent again, they make it again. All others say the final state, or make
something whose name is unique on the server: sent again, they find what is done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from urllib.parse import urlsplit


class Unclear(Enum):
    """What is done with a write of which it is not known whether it took effect."""

    REPEAT = "sent again, as long as patience lasts"
    LOOK = "looked for; when KFP does not list it, never sent again, and said what may be left over"


@dataclass(frozen=True)
class Write:
    """One call; `why` is what makes the rule sound on KFP 2.17.0."""

    then: Unclear
    why: str
    kind: str = ""
    """What may be left over in Kubernetes."""
    harm: str = ""
    """What that does."""


_UNIQUE = "the name is unique: the second one is 409, and what is there is read"
_FINAL = "it says the final state"

WRITES: Mapping[str, Write] = MappingProxyType(
    {
        "pipeline_service_create_pipeline": Write(Unclear.REPEAT, _UNIQUE),
        "pipeline_service_update_pipeline": Write(Unclear.REPEAT, _FINAL),
        "pipeline_service_delete_pipeline": Write(Unclear.REPEAT, "gone is 404, which is what was wanted"),
        "upload_pipeline_version": Write(Unclear.REPEAT, _UNIQUE),
        "pipeline_service_delete_pipeline_version": Write(
            Unclear.REPEAT, "gone is 404, which is what was wanted"
        ),
        "experiment_service_create_experiment": Write(Unclear.REPEAT, _UNIQUE),
        "experiment_service_archive_experiment": Write(Unclear.REPEAT, _FINAL),
        "experiment_service_unarchive_experiment": Write(Unclear.REPEAT, _FINAL),
        "recurring_run_service_enable_recurring_run": Write(Unclear.REPEAT, _FINAL),
        "recurring_run_service_disable_recurring_run": Write(Unclear.REPEAT, _FINAL),
        "recurring_run_service_delete_recurring_run": Write(
            Unclear.REPEAT, "a ScheduledWorkflow that is gone is passed over, and a row that is gone is 404"
        ),
        "run_service_delete_run": Write(
            Unclear.REPEAT,
            "its workflow is deleted first, one that is gone is passed over, and a row that is gone is 404",
        ),
        "experiment_service_delete_experiment": Write(
            Unclear.REPEAT, "gone is 404, which is what was wanted"
        ),
        "run_service_terminate_run": Write(
            Unclear.REPEAT, "a run that ends or has ended is 400, and then it is read how it stands"
        ),
        "recurring_run_service_create_recurring_run": Write(
            Unclear.LOOK,
            "the ScheduledWorkflow is made before its row, under a name that is never the same",
            "scheduledworkflows",
            "it is disabled and never fires, so apply may be run again",
        ),
        "run_service_create_run": Write(
            Unclear.LOOK,
            "the Workflow is made before its row, under a name that is never the same",
            "workflows",
            "it runs, until KFP's persistence agent deletes it for want of a row",
        ),
    }
)
"""By the name of the client's method. A test holds it against the methods that are used."""

_GENERATED = 25
"""The most characters of a recurring run's name that its ScheduledWorkflow's begins with (template.go)."""


def left_over(write: Write, name: str, host: str, namespace: str) -> str:
    """What may be there although KFP does not list it, and the line that shows it."""
    made = write.kind.removesuffix("s")
    return f"a {made} may be there that KFP lists nowhere ({write.harm}); {shown_by(write, name, host, namespace)}"


def shown_by(write: Write, name: str, host: str, namespace: str) -> str:
    """The kubectl line."""
    where = place(namespace, host)
    if write.kind == "workflows":
        run = r"RUN:.metadata.annotations.pipelines\.kubeflow\.org/run_name"
        columns, found = f"NAME:.metadata.name,{run},MADE:.metadata.creationTimestamp", f"-w -- '{name}'"
        how = "what it shows and KFP does not is the one"
    else:
        columns = "ID:.metadata.uid,NAME:.metadata.name,ON:.spec.enabled,MADE:.metadata.creationTimestamp"
        found = f"-- ' {_generated(name)}'"
        how = "one whose ID is no recurring run's is the one"
    line = f"kubectl get {write.kind} -n {where} -o custom-columns='{columns}' | grep {found}"
    return f"look with `{line}`: {how}; delete it there"


def _generated(name: str) -> str:
    """As template.go toSWFCRDResourceGeneratedName."""
    return re.sub(r"[^a-z0-9-]+", "", name.lower())[:_GENERATED] or "job-"


def place(namespace: str, host: str) -> str:
    """The Kubernetes namespace in which runs are, for a kubectl line."""
    return namespace or _namespace_of(host) or "kubeflow"


def _namespace_of(host: str) -> str:
    """Where KFP itself is, as far as the name of its Service tells: `ml-pipeline.kubeflow.svc…`."""
    labels = (urlsplit(host).hostname or "").split(".")
    return labels[1] if len(labels) > 2 and labels[2] == "svc" else ""
