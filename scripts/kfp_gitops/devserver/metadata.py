"""ML Metadata's service as KFP's page asks it: gRPC-web, the few methods that tell what a run gave.

A run without a context is answered with nothing, not with an error; other methods are not served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from kfp_gitops.devserver import executions, wire
from kfp_gitops.devserver.app import HIDDEN, App
from kfp_gitops.devserver.executions import Artifact, Execution
from kfp_gitops.devserver.http import Reply, Request
from kfp_gitops.devserver.records import Run

SERVICE = "/ml_metadata.MetadataStoreService/"
_TYPE = "application/grpc-web+proto"
_INVALID, _NOT_FOUND, _UNIMPLEMENTED = 3, 5, 12
_RUN = "system.PipelineRun"
_MOST, _USUAL = 100, 20
"""Of one page (metadata_store.proto, ListOperationOptions)."""
_OUTPUT = 4
_LIVE = 2


class _RefusedError(Exception):
    """A gRPC status other than OK."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


def serve(app: App, request: Request) -> Reply:
    """Always 200: what is wrong stands in the trailers."""
    try:
        handler = _METHODS.get(request.names["method"])
        if handler is None:
            raise _RefusedError(_UNIMPLEMENTED, "the development server does not serve this method")
        found = handler(app, wire.read(wire.unframed(request.body)))
        body = wire.frame(found) + wire.frame(b"grpc-status:0\r\n", wire.TRAILERS)
    except ValueError as error:
        body = _failure(_INVALID, str(error))
    except _RefusedError as error:
        body = _failure(error.status, str(error))
    return Reply(200, body, _TYPE)


def _failure(status: int, said: str) -> bytes:
    return wire.frame(f"grpc-status:{status}\r\ngrpc-message:{said}\r\n".encode(), wire.TRAILERS)


Fields = Mapping[int, list[int | bytes]]


def _context(app: App, fields: Fields) -> bytes:
    kind, name = (_text(fields, field) for field in (1, 2))
    if kind != _RUN or not app.store.runs.count("state <> 'PENDING'"):
        raise _RefusedError(_NOT_FOUND, f"No type found for query, name: `{kind}`")
    run = app.store.runs.get(name)
    if run is None or run.namespace == HIDDEN or not _executions(app, run):
        return b""
    namespace = _property("namespace", run.namespace)
    return wire.message(1, wire.number(1, _number(app, run)), wire.text(3, run.id), namespace)


def _by_context(app: App, fields: Fields) -> bytes:
    run = _run(app, wire.numbers(fields.get(1, []))[0] if 1 in fields else 0)
    options = wire.read(_bytes(fields, 2))
    most = min(_MOST, wire.numbers(options.get(1, []))[0] if 1 in options else _USUAL)
    if most <= 0:
        raise _RefusedError(_INVALID, "max_result_size field value is required to be greater than 0")
    start = int(_text(options, 3) or 0)
    found = _executions(app, run) if run else []
    page = b"".join(wire.message(1, _execution(one)) for one in found[start : start + most])
    return page + (wire.text(2, str(start + most)) if start + most < len(found) else b"")


def _events(app: App, fields: Fields) -> bytes:
    wanted = set(wire.numbers(fields.get(1, [])))
    if not wanted:
        raise _RefusedError(_INVALID, "execution_ids is empty")
    return b"".join(
        wire.message(1, _event(one, artifact))
        for one in _among(app, wanted)
        if one.id in wanted
        for artifact in one.artifacts
    )


def _artifacts(app: App, fields: Fields) -> bytes:
    wanted = set(wire.numbers(fields.get(1, [])))
    found = [one for execution in _among(app, wanted) for one in execution.artifacts if one.id in wanted]
    kinds = {kind: number for number, kind in enumerate(sorted({one.type for one in found}), start=1)}
    told = b"".join(wire.message(1, _artifact(one, kinds[one.type])) for one in found)
    if any(wire.numbers(fields.get(3, []))):
        told += b"".join(
            wire.message(2, wire.number(1, number), wire.text(2, kind)) for kind, number in kinds.items()
        )
    return told


_METHODS: Mapping[str, Callable[[App, Fields], bytes]] = {
    "GetContextByTypeAndName": _context,
    "GetExecutionsByContext": _by_context,
    "GetEventsByExecutionIDs": _events,
    "GetArtifactsByID": _artifacts,
}


def _execution(one: Execution) -> bytes:
    properties = (_property(name, value) for name, value in one.properties.items())
    return b"".join([wire.number(1, one.id), wire.number(3, one.state), *properties])


def _event(execution: Execution, artifact: Artifact) -> bytes:
    path = wire.message(3, wire.message(1, wire.text(2, artifact.name)))
    return b"".join(
        [wire.number(1, artifact.id), wire.number(2, execution.id), path, wire.number(4, _OUTPUT)]
    )


def _artifact(one: Artifact, kind: int) -> bytes:
    properties = (_property(name, value) for name, value in one.properties.items())
    known = [wire.number(1, one.id), wire.number(2, kind), wire.text(3, one.uri), wire.number(6, _LIVE)]
    return b"".join([*known, *properties])


def _property(name: str, value: Any) -> bytes:
    """One of `custom_properties`, field 5 of them all: int_value 1, double_value 2, string_value 3, struct_value 4."""
    match value:
        case int():
            told = wire.number(1, value)
        case float():
            told = wire.double(2, value)
        case str():
            told = wire.text(3, value)
        case _:
            told = wire.message(4, wire.json_struct(value))
    return wire.entry(5, name, told)


def _among(app: App, ids: Iterable[int]) -> Iterator[Execution]:
    """The executions of all runs that ids are of."""
    for number in sorted({executions.run_of(one) for one in ids}):
        if (run := _run(app, number)) is not None:
            yield from _executions(app, run)


def _run(app: App, number: int) -> Run | None:
    return next(iter(app.store.runs.where("rowid = ?", number)), None)


def _number(app: App, run: Run) -> int:
    return int(app.store.execute("SELECT rowid FROM runs WHERE id = ?", run.id)[0][0])


def _executions(app: App, run: Run) -> list[Execution]:
    return executions.of(run, _number(app, run), app.runs_dir / run.id)


def _bytes(fields: Fields, number: int) -> bytes:
    found = fields.get(number, [b""])[-1]
    if not isinstance(found, bytes):
        raise ValueError(f"field {number} is of another kind")
    return found


def _text(fields: Fields, number: int) -> str:
    return _bytes(fields, number).decode("utf-8")
