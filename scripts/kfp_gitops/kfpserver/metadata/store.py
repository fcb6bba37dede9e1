"""Asks ML Metadata for one run: its context, the executions in it, their events, the artifacts of those.

Bounded: so many executions and artifacts, requests of the usual size and time (kfpapi.transport), all within the
command's own time. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from kfp_gitops.base import weburls
from kfp_gitops.base.errors import (
    DeniedError,
    GarbledError,
    NotFoundError,
    RemoteError,
    TemporaryError,
    TooLargeError,
    UsageError,
)
from kfp_gitops.kfpserver.kfpapi.access import Access
from kfp_gitops.kfpserver.kfpapi.budget import Budget
from kfp_gitops.kfpserver.kfpapi.requests import Requests
from kfp_gitops.kfpserver.kfpapi.retry import Backoff
from kfp_gitops.kfpserver.kfpapi.transport import Transport
from kfp_gitops.kfpserver.metadata import grpcweb, messages, results, tree
from kfp_gitops.kfpserver.metadata.results import Artifact, Execution, RunResults

MOST_EXECUTIONS = 5_000
"""Tasks, groups and iterations of a run that are read."""
_MOST_ARTIFACTS = 20_000
_PAGE = 100
"""The most that ML Metadata gives at once (ListOperationOptions), and how many ids are asked for at once."""
_LOGS = "executor-logs"
"""An output that KFP adds to every task that ran (driver.go `provisionOutputs`), and no component declares."""
_RUN = "system.PipelineRun"
"""The type of a run's context; its name is the run's id (frontend/src/mlmd/MlmdUtils.ts)."""
_SERVICE = "/ml_metadata.MetadataStoreService/"
_NOT_FOUND, _UNIMPLEMENTED = 5, 12
_TEMPORARY, _DENIED = frozenset({4, 8, 10, 14}), {7: 403, 16: 401}
"""gRPC's DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, UNAVAILABLE; its PERMISSION_DENIED and UNAUTHENTICATED."""
_USUAL = "http://metadata-envoy-service.kubeflow:9090"
NOWHERE = (
    "where KFP keeps what its runs gave is not known, for its API does not tell outputs and metrics; write "
    f"`kfp: {{metadata: URL}}` into the environment's values.yaml (in a cluster mostly {_USUAL}, from outside the "
    "address of KFP's web page without /pipeline), or give --metadata URL"
)


def address(kfp: Mapping[str, Any], host: str = "") -> str:
    """Where an environment's KFP keeps its metadata: `kfp.metadata`, on this machine the API's own address, else "".

    `host`: the API's address where it is another than the environment's, as behind a port-forward; what the environment
    says is of another place then.
    """
    own = str(kfp.get("host") or "").rstrip("/")
    here = host.rstrip("/") or own
    if here == own and (found := kfp.get("metadata")):
        return str(found).rstrip("/")
    return here if weburls.is_loopback(urlsplit(here).hostname) else ""


class Metadata:
    """The metadata store of one KFP, one namespace; threads may share it."""

    def __init__(
        self,
        url: str,
        namespace: str = "",
        access: Access | None = None,
        backoff: Backoff | None = None,
        budget: Budget | None = None,
    ) -> None:
        """`url`: "" is where nobody knows it, which `results` says. `namespace`: "" is any, as on a single-user KFP."""
        self.url, self._namespace = url.rstrip("/"), namespace
        self._backoff, self._access, self._budget = (
            backoff or Backoff(),
            access or Access(),
            budget or Budget(),
        )
        self._transport: Transport | None = None

    @classmethod
    def beside(cls, api: Requests, url: str) -> Metadata:
        """That of an API's own KFP, within its time; its credentials go to the API's own address alone."""
        same = _origin(url) == _origin(api.host)
        access = api.access if same else Access(ca_file=api.access.ca_file)
        return cls(url, api.namespace or "", access, replace(api.backoff), api.budget)

    def results(self, run_id: str) -> RunResults:
        """What the tasks of a run gave so far.

        Raises:
            UsageError: nobody said where the metadata is.
            NotFoundError: it knows no such run.
            RemoteError: it does not answer, or not as ML Metadata does, or the run is too large.
        """
        if not self.url:
            raise UsageError(NOWHERE)
        context = self._context(run_id)
        found = list(self._executions(run_id, context.id))
        given = self._artifacts(run_id, [one.id for one in found])
        return tree.of([_record(one, given.get(one.id, {})) for one in found])

    def probe(self) -> None:
        """Ask for a run that nobody has, to see whether it answers; raises as `results`."""
        with suppress(NotFoundError):
            self._context("kfp-gitops-probe")

    def _context(self, run_id: str) -> Any:
        unknown = (
            f"{self.url}: knows no run {run_id}: one whose first task has not begun is not there yet, nor is one that "
            "another KFP ran, or whose metadata was deleted"
        )
        try:
            found = self._ask("GetContextByTypeAndName", type_name=_RUN, context_name=run_id)
        except NotFoundError as error:  # no run at all was ever kept there, so the type is not known
            raise NotFoundError(unknown) from error
        # It answers nothing for what it does not have (client.go: «Bug in MLMD GetContextsByTypeAndName?»).
        if not found.HasField("context"):
            raise NotFoundError(unknown)
        namespace = messages.properties(found.context).get("namespace")
        if self._namespace and namespace and namespace != self._namespace:
            raise NotFoundError(f"{self.url}: run {run_id} is of another namespace than {self._namespace}")
        return found.context

    def _executions(self, run_id: str, context: int) -> Iterator[Any]:
        token, seen = "", 0
        for _ in range(MOST_EXECUTIONS // _PAGE + 1):
            options = messages.message("ListOperationOptions")(max_result_size=_PAGE, next_page_token=token)
            page = self._ask("GetExecutionsByContext", context_id=context, options=options)
            yield from page.executions
            seen += len(page.executions)
            token = page.next_page_token
            if not token:
                return
            if seen >= MOST_EXECUTIONS:
                break
        raise TooLargeError(
            f"{self.url}: run {run_id} has more than {MOST_EXECUTIONS:,} tasks and iterations; see its page in KFP"
        )

    def _artifacts(
        self, run_id: str, executions: Sequence[int]
    ) -> dict[int, dict[str, tuple[Artifact, ...]]]:
        """Execution → name of an output → its artifacts, in the order of their ids."""
        events = [
            (event.execution_id, event.path.steps[0].key if event.path.steps else "", event.artifact_id)
            for some in _batches(executions)
            for event in self._ask("GetEventsByExecutionIDs", execution_ids=some).events
            if event.type == messages.OUTPUT
        ]
        ids = sorted({artifact for _, _, artifact in events})
        if len(ids) > _MOST_ARTIFACTS:
            raise TooLargeError(
                f"{self.url}: run {run_id} has more than {_MOST_ARTIFACTS:,} artifacts; see its page in KFP"
            )
        known = self._by_id(ids)
        found: dict[int, dict[str, tuple[Artifact, ...]]] = {}
        for execution, name, artifact in sorted(events, key=lambda event: event[2]):
            if name not in ("", _LOGS) and artifact in known:
                given = found.setdefault(execution, {})
                given[name] = (*given.get(name, ()), known[artifact])
        return found

    def _by_id(self, ids: Sequence[int]) -> dict[int, Artifact]:
        found = {}
        for some in _batches(ids):
            reply = self._ask("GetArtifactsByID", artifact_ids=some, populate_artifact_types=True)
            kinds = {kind.id: kind.name for kind in reply.artifact_types}
            for one in reply.artifacts:
                logged = results.metadata(messages.properties(one))
                found[one.id] = Artifact(one.uri, kinds.get(one.type_id, ""), logged)
        return found

    def _ask(self, method: str, **fields: Any) -> Any:
        request = messages.message(f"{method}Request")(**fields).SerializeToString()
        return self._backoff.call(lambda: self._once(method, request))

    def _once(self, method: str, request: bytes) -> Any:
        where, body = f"{self.url}{_SERVICE}{method}", grpcweb.framed(request)
        try:
            reply = self._sent().request("POST", where, headers=dict(grpcweb.HEADERS), body=body)
        except NotFoundError as error:  # of whatever is there: the store's own answers have the status 200
            raise GarbledError(f"{error}; {_ANOTHER}") from error
        headers = {name: reply.getheader(name) or "" for name in ("grpc-status", "grpc-message")}
        try:
            message, trailers = grpcweb.unframed(reply.data)
            self._check({**headers, **trailers})
            found = messages.message(f"{method}Response")()
            found.ParseFromString(message)
        except (grpcweb.NoFramesError, _broken()) as error:
            raise GarbledError(f"{self.url}: {error}; {_ANOTHER}") from error
        return found

    def _sent(self) -> Transport:
        if self._transport is None:
            self._transport = Transport(self.url, self._access, self._budget)
        return self._transport

    def _check(self, trailers: Mapping[str, str]) -> None:
        status, said = grpcweb.status(trailers)
        if status == 0:
            return
        text = f"{self.url}: gRPC status {status}: {said or 'no reason given'}"
        if status is None or status == _UNIMPLEMENTED:
            raise GarbledError(
                f"{self.url}: answered no gRPC-web; {_ANOTHER}" if status is None else f"{text}; {_ANOTHER}"
            )
        if status == _NOT_FOUND:
            raise NotFoundError(text)
        if status in _TEMPORARY:
            raise TemporaryError(text, reason=f"gRPC status {status}")
        if status in _DENIED:
            raise DeniedError(f"{text} (with {self._access.described})", _DENIED[status])
        raise RemoteError(text)


_ANOTHER = "is this the address of KFP's ML Metadata (metadata-envoy-service, port 9090, or KFP's web page)?"


def _broken() -> type[Exception]:
    from google.protobuf.message import DecodeError

    found: type[Exception] = DecodeError
    return found


def _record(one: Any, artifacts: Mapping[str, tuple[Artifact, ...]]) -> Execution:
    state = messages.STATES.get(one.last_known_state, "")
    return Execution(one.id, state, messages.properties(one), artifacts)


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[at : at + _PAGE] for at in range(0, len(ids), _PAGE))


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port
