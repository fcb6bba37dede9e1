"""What Argo makes of `retry` (workflow/controller/operator.go, processNodeRetries, v4): some of it voids the retries.

`maxBackoff` becomes Argo's `maxDuration`, which is no longest wait (kubeflow/pipelines#13386): it counts from the
beginning of the first attempt. Once so much time has passed, or would have after the next wait, the task has failed;
an attempt that still runs then is ended. KFP's default is one hour. The factor is read as a whole number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfp_gitops.base.errors import Problem
from kfp_gitops.checking.check.context import Context
from kfp_gitops.language.manifest import Retry, Task, walk

_SECONDS = {"s": 1, "m": 60, "h": 3600}
# The SDK writes them where nothing is given (kfp.dsl.structures.RetryPolicy.to_proto).
_LONGEST, _FACTOR = 3600, 2.0
_RAISE = "write a maxBackoff that holds all attempts and the waits between them"


def problems(context: Context) -> Iterator[Problem]:
    """Factors that end the first retry in an error."""
    for task, retry in _retried(context):
        if retry.count and retry.factor is not None and not float(retry.factor).is_integer():
            what = f"Argo takes no factor of {retry.factor:g}: the task ends in an error where it would be tried again"
            at = (*task.at, "retry", "factor")
            yield context.document.problem(at, what, "write a whole number", fault="retry-lost")


def warnings(context: Context) -> Iterator[Problem]:
    """Retries that never begin; and once in a manifest, what `maxBackoff` means where no timeout bounds an attempt."""
    unbounded: list[tuple[Task, Retry]] = []
    for task, retry in _retried(context):
        longest, timeout = _longest(retry), task.pod.timeout_seconds
        begun = _begun(retry, timeout or 0, longest)
        if begun < retry.count:
            yield _void(context, task, retry, begun)
        elif timeout is None and retry.max_backoff and retry.count:
            unbounded.append((task, retry))
    yield from _counted_from(context, unbounded)


def _void(context: Context, task: Task, retry: Retry, begun: int) -> Problem:
    limit = f"maxBackoff ({retry.max_backoff})" if retry.max_backoff else "KFP's default maxBackoff of 1h"
    why = "when attempts run into timeoutSeconds" if task.pod.timeout_seconds else "by the waits alone"
    said = "none" if not begun else f"only {begun}"
    what = f"{limit} counts from the beginning of the first attempt: {why}, {said} of {retry.count} retries begins"
    return context.document.problem(
        (*task.at, "retry"), f"{what}, and what is later is never retried", _RAISE
    )


def _counted_from(context: Context, found: Sequence[tuple[Task, Retry]]) -> Iterator[Problem]:
    for task, retry in found[:1]:
        more = f" (and {len(found) - 1} more like it)" if len(found) > 1 else ""
        what = f"maxBackoff counts from the beginning of the first attempt{more}: a step that ran {retry.max_backoff}"
        todo = "leave it out (1h), write more than all attempts may take, or set timeoutSeconds"
        yield context.document.problem((*task.at, "retry", "maxBackoff"), f"{what} is never retried", todo)


def _retried(context: Context) -> Iterator[tuple[Task, Retry]]:
    for node in walk(context.manifest.body):
        if isinstance(node, Task) and node.settings.retry:
            yield node, node.settings.retry


def _begun(retry: Retry, attempt: float, longest: float) -> int:
    """How many retries begin in time when each attempt takes so many seconds and fails."""
    passed, wait = 0.0, float(_seconds(retry.backoff or "0s"))
    for number in range(retry.count):
        passed += attempt + wait
        wait *= retry.factor or _FACTOR
        if passed > longest:
            return number
    return retry.count


def _longest(retry: Retry) -> int:
    return _seconds(retry.max_backoff) if retry.max_backoff else _LONGEST


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * _SECONDS[duration[-1]]
