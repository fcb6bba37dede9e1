"""What a run by hand is given in place of a trigger's: `--param`s, as far as its cause tells. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from kfp_gitops.language.manifest import FactOfData, FactOfRun, OnData, OutputOf, Trigger
from kfp_gitops.operate.status.model import ByHand
from kfp_gitops.reconcile import timing


def of(trigger: Trigger, cause: str, moment: datetime | None = None) -> ByHand:
    """For a cause as a pass keeps it; `moment`: when its run ended, where that is known.

    The outputs of its run are not: they are in KFP's metadata store, which a status does not ask.
    """
    facts = _facts(trigger, cause, moment)
    given, to_give = list[str](), list[str]()
    for name, value in trigger.parameters.items():
        known = _value(value, facts)
        if known is not None and known.isprintable():
            given.append(f"{name}={known}")
        else:
            to_give.append(f"{name} ({_called(value, cause)})")
    return ByHand(tuple(given), tuple(to_give))


def options(found: ByHand) -> str:
    """What goes behind `run.py --pipeline P`, quoted for a shell."""
    return "".join(f" --param {shlex.quote(one)}" for one in found.given)


def also(found: ByHand) -> str:
    """What is to be added to them, for people."""
    return f"; to be given as well: {', '.join(found.to_give)}" if found.to_give else ""


def _facts(trigger: Trigger, cause: str, moment: datetime | None) -> Mapping[str, str]:
    """Of the cause, as `reconcile.causes.upstream` makes its id."""
    on = trigger.run_on
    if isinstance(on, OnData):
        return dict(_of_data(on.uri, cause.removeprefix(f"data {on.uri} ")))
    found = {"id": cause.removeprefix("run ")}
    return {**found, "finishedTime": timing.rfc3339(moment)} if moment else found


def _of_data(watched: str, state: str) -> Iterator[tuple[str, str]]:
    """Of `s3://BUCKET/KEY ETAG`; nothing of what is not so."""
    uri, _, etag = state.rpartition(" ")
    bucket = "/".join(watched.split("/")[:3]) + "/"
    if uri.startswith(bucket) and etag:
        yield from (("uri", uri), ("key", uri.removeprefix(bucket)), ("etag", etag))


def _value(value: Any, facts: Mapping[str, str]) -> str | None:
    """As `--param` takes it: a text as it is, anything else as JSON; None: it is not known."""
    match value:
        case OutputOf():
            return None
        case FactOfRun(fact) | FactOfData(fact):
            return facts.get(fact)
        case str():
            return value
    return json.dumps(value, ensure_ascii=False)


def _called(value: Any, cause: str) -> str:
    match value:
        case OutputOf(task, output):
            return f"output {task}.{output} of {cause}" if task else f"output {output} of {cause}"
        case FactOfRun(fact) | FactOfData(fact):
            return f"{fact} of {cause}"
    return "as its manifest says"
