"""The parameters of a run that a cause starts: constants, facts of the cause, and what its run left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfp_gitops.base.errors import RemoteError, UsageError
from kfp_gitops.language.manifest import FactOfData, FactOfRun, OutputOf, Trigger
from kfp_gitops.operate import runs
from kfp_gitops.reconcile.causes.cause import Cause
from kfp_gitops.reconcile.causes.seams import Results


class UnresolvedError(UsageError):
    """What a parameter refers to is not there."""


def of(trigger: Trigger, cause: Cause, results: Results | None, host: str = "") -> dict[str, Any]:
    """Of a run of this trigger for this cause, which `host` can take.

    Raises:
        UnresolvedError: the run of the cause left no such output, or what KFP would break over.
        GitOpsError: its results cannot be told.
    """
    outputs: Mapping[tuple[str, str], Any] = {}
    if any(isinstance(value, OutputOf) for value in trigger.parameters.values()):
        if results is None:
            raise RemoteError("nothing here can look up the outputs of runs (kfp.metadata in the values)")
        outputs = results.results(cause.run).outputs
    values = {name: _value(name, value, cause, outputs) for name, value in trigger.parameters.items()}
    try:
        runs.refuse_unsound(None, {}, values, host)
    except UsageError as error:
        raise UnresolvedError(str(error)) from error
    return values


def _value(name: str, value: Any, cause: Cause, outputs: Mapping[tuple[str, str], Any]) -> Any:
    match value:
        case FactOfRun(fact) | FactOfData(fact):
            return cause.facts[fact]
        case OutputOf(task, output):
            if (task or "", output) not in outputs:
                called = f"{task}.{output}" if task else output
                raise UnresolvedError(f"parameter {name}: run {cause.run} left no output {called}")
            return outputs[task or "", output]
    return value
