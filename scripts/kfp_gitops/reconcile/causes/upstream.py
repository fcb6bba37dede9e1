"""The causes of a trigger among what was seen. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kfp_gitops.language.manifest import AfterRun, OnData
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.causes.cause import Cause
from kfp_gitops.reconcile.causes.seams import DataState
from kfp_gitops.reconcile.causes.seen import Seen, SeenRun

_ENDED = frozenset({"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED"})
"""States that a run ends in (KFP v2beta1 RuntimeState)."""


def of_runs(on: AfterRun, name: str, seen: Seen) -> Iterator[Cause]:
    """The runs of the upstream pipeline that ended as they must, in no order; whose versions they are is not asked.

    `name`: the pipeline's in KFP.
    """
    runs = list(seen.ended_of.get(seen.ids.get(name, ""), ()))
    if on.versions == "any":
        runs += seen.inline_of.get(name, ())
    for run in runs:
        if run.ended and _is_as_wanted(run, on):
            yield _cause(run)


def _is_as_wanted(run: SeenRun, on: AfterRun) -> bool:
    match on.state:
        case "ENDED":
            return run.state in _ENDED
        case "FAILED":
            return run.state == "FAILED" and not run.terminated
        case _:
            return run.state == on.state


def _cause(run: SeenRun) -> Cause:
    assert run.ended is not None
    facts = {
        "id": run.id,
        "name": run.name,
        "scheduledTime": timing.rfc3339(run.scheduled or run.created or run.ended),
        "finishedTime": timing.rfc3339(run.ended),
    }
    return Cause(f"run {run.id}", run.ended, facts, run.id, run.pipeline_id, run.version_id)


def data_id(on: OnData, state: DataState | None) -> str:
    """The id of the cause that a state of data is; also of nothing being there, which is none."""
    return f"data {on.uri} {state.identity}" if state else f"data {on.uri} -"


def data_facts(on: OnData, state: DataState) -> Mapping[str, str]:
    """What parameters may refer to."""
    modified = timing.rfc3339(state.modified) if state.modified else ""
    return {"uri": _uri(on, state), "key": state.key, "etag": state.etag, "modified": modified}


def _uri(on: OnData, state: DataState) -> str:
    """Of the object itself, where a prefix is watched."""
    bucket = on.uri.removeprefix("s3://").partition("/")[0]
    return f"s3://{bucket}/{state.key}" if state.key else on.uri
