"""ML Metadata as somebody else may answer in its place: every failure is ours, bounded, and says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
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
from kfp_gitops.kfpserver.kfpapi.requests import Requests
from kfp_gitops.kfpserver.kfpapi.retry import Backoff
from kfp_gitops.kfpserver.metadata import Metadata, address, grpcweb, messages, tree
from kfp_gitops.kfpserver.metadata.results import Execution
from metadata_kit import OK, Answering


def reply(name: str, **fields: Any) -> bytes:
    return grpcweb.framed(messages.message(name)(**fields).SerializeToString()) + OK


def ask(server: Answering, namespace: str = "") -> Any:
    return Metadata(server.url, namespace, Access(), Backoff(tries=1)).results("r")


PAGE = b"<!doctype html><title>Sign in</title>"


@pytest.mark.parametrize(
    ("status", "headers", "body", "error", "says"),
    [
        (200, {"grpc-status": "14", "grpc-message": "no%20way"}, b"", TemporaryError, "gRPC status 14: no way"),
        (200, {}, grpcweb.framed(b"grpc-status:7\r\ngrpc-message:RBAC", 0x80), DeniedError, "RBAC (with no"),
        (200, {}, grpcweb.framed(b"grpc-status: 13\r\n", 0x80), RemoteError, "status 13: no reason given"),
        (200, {}, grpcweb.framed(b"grpc-status:12\r\n", 0x80), GarbledError, "metadata-envoy-service, port 9090"),
        (200, {}, b"", GarbledError, "answered no gRPC-web; is this the address"),
        (200, {}, b'{"runs": []}', GarbledError, "no frames of gRPC-web; is this the address"),
        (200, {}, grpcweb.framed(b"x" * 9)[:-3], GarbledError, "no frames of gRPC-web"),
        (200, {}, grpcweb.framed(b"", 1) + OK, GarbledError, "a packed frame"),
        (200, {}, grpcweb.framed(b"") * 2 + OK, GarbledError, "2 messages in the place of one"),
        (200, {}, grpcweb.framed(b"\x0a\xff\xff") + OK, GarbledError, "is this the address"),
        (200, {"Content-Type": "text/html"}, PAGE, DeniedError, "login page"),
        (302, {"Location": "/login"}, b"", DeniedError, "sent on to a web page"),
        (404, {"Content-Type": "text/plain"}, b"404 page not found", GarbledError, "is this the address"),
        (503, {}, b"", TemporaryError, "HTTP 503"),
        (401, {}, b"", DeniedError, "HTTP 401"),
    ],
)  # fmt: skip
def test_what_is_no_answer_of_it_is_told(
    server: Answering, status: int, headers: dict[str, str], body: bytes, error: type[RemoteError], says: str
) -> None:
    server.answer = lambda _method, _body: (status, headers, body)
    with pytest.raises(RemoteError) as found:
        ask(server)
    assert type(found.value) is error
    assert says in str(found.value)
    assert str(found.value).startswith(server.url)


def test_a_run_that_it_does_not_know_is_told_however_it_says_so(server: Answering) -> None:
    unknown = grpcweb.framed(b"grpc-status:5\r\ngrpc-message:No type found", 0x80)
    for body in (reply("GetContextByTypeAndNameResponse"), unknown):
        server.answer = lambda _method, _body, body=body: (200, {}, body)  # type: ignore[misc]  # a double
        with pytest.raises(NotFoundError, match="knows no run r: one whose first task has not begun"):
            ask(server)


def _context(**properties: str) -> bytes:
    value = messages.message("Value")
    listed = [{"key": key, "value": value(string_value=text)} for key, text in properties.items()]
    return reply("GetContextByTypeAndNameResponse", context={"id": 7, "custom_properties": listed})


def test_a_run_of_another_namespace_is_not_read(server: Answering) -> None:
    server.answer = lambda _method, _body: (200, {}, _context(namespace="team-b"))
    with pytest.raises(NotFoundError, match="run r is of another namespace than team-a"):
        ask(server, "team-a")
    assert server.asked == ["GetContextByTypeAndName"]


def test_pages_that_have_no_end_end(server: Answering) -> None:
    page = reply(
        "GetExecutionsByContextResponse",
        executions=[{"id": number} for number in range(100)],
        next_page_token="more",
    )
    server.answer = lambda method, _body: (200, {}, _context() if "Context" in method[:12] else page)
    with pytest.raises(TooLargeError, match="more than 5,000 tasks and iterations"):
        ask(server)
    assert len(server.asked) == 51


def test_empty_pages_that_have_no_end_end(server: Answering) -> None:
    page = reply("GetExecutionsByContextResponse", next_page_token="more")
    server.answer = lambda method, _body: (200, {}, _context() if "Context" in method[:12] else page)
    with pytest.raises(TooLargeError):
        ask(server)
    assert len(server.asked) < 100


def test_ids_are_asked_for_in_batches(server: Answering) -> None:
    """250 executions of one artifact each: three pages, three batches of events, three of artifacts."""
    seen: list[int] = []

    def answer(method: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        sent, _ = grpcweb.unframed(body)
        asked = messages.message(f"{method}Request")()
        asked.ParseFromString(sent)
        if method == "GetContextByTypeAndName":
            return 200, {}, _context()
        if method == "GetExecutionsByContext":
            at = int(asked.options.next_page_token or 0)
            found = [{"id": number} for number in range(at + 1, min(at + 100, 250) + 1)]
            more = {"next_page_token": str(at + 100)} if at + 100 < 250 else {}
            return 200, {}, reply("GetExecutionsByContextResponse", executions=found, **more)
        if method == "GetEventsByExecutionIDs":
            seen.append(len(asked.execution_ids))
            events = [
                {
                    "artifact_id": 1_000 + number,
                    "execution_id": number,
                    "type": 4,
                    "path": {"steps": [{"key": "m"}]},
                }
                for number in asked.execution_ids
            ]
            return 200, {}, reply("GetEventsByExecutionIDsResponse", events=events)
        found = [{"id": number, "uri": f"s3://b/{number}", "type_id": 3} for number in asked.artifact_ids]
        kinds = [{"id": 3, "name": "system.Metrics"}]
        return 200, {}, reply("GetArtifactsByIDResponse", artifacts=found, artifact_types=kinds)

    server.answer = answer
    found = ask(server)
    assert seen == [100, 100, 50]
    assert server.asked.count("GetArtifactsByID") == 3
    assert len(server.asked) == 10
    assert found.tasks == ()  # none has a place in the run


def test_credentials_go_to_the_address_of_the_api_alone(server: Answering) -> None:
    server.answer = lambda _method, _body: (200, {}, reply("GetContextByTypeAndNameResponse"))
    for host, sent in ((server.url, "Bearer secret"), ("http://127.0.0.1:9", None)):
        api = Requests(host, "", Access(token="secret"), Backoff(tries=1))
        with pytest.raises(NotFoundError):
            Metadata.beside(api, server.url).results("r")
        assert server.headers[-1].get("authorization") == sent


def test_where_it_is_nobody_said_is_told() -> None:
    with pytest.raises(
        UsageError, match=r"write `kfp: \{metadata: URL\}` into the environment's values\.yaml"
    ):
        Metadata("").results("r")


@pytest.mark.parametrize(
    ("kfp", "host", "found"),
    [
        ({"host": "http://ml-pipeline.kubeflow:8888"}, "", ""),
        ({"host": "http://ml-pipeline.kubeflow:8888", "metadata": "http://m:9090/"}, "", "http://m:9090"),
        # Behind a port-forward what the environment says is out of reach.
        ({"host": "http://ml-pipeline.kubeflow:8888", "metadata": "http://m:9090"}, "http://127.0.0.1:8080",
         "http://127.0.0.1:8080"),
        ({"host": "http://ml-pipeline.kubeflow:8888"}, "https://kfp.example.com", ""),
        ({"host": "http://localhost:8888"}, "", "http://localhost:8888"),
        ({"host": "http://[::1]:8888/"}, "http://[::1]:8888", "http://[::1]:8888"),
    ],
)  # fmt: skip
def test_where_it_is(kfp: dict[str, str], host: str, found: str) -> None:
    assert address(kfp, host) == found


@given(st.binary(max_size=64))
def test_any_bytes_are_frames_or_none(body: bytes) -> None:
    try:
        message, trailers = grpcweb.unframed(body)
    except grpcweb.NoFramesError:
        return
    assert len(message) <= len(body)
    grpcweb.status(trailers)


_PROPERTIES = st.dictionaries(
    st.sampled_from(
        ["task_name", "display_name", "parent_dag_id", "iteration_count", "iteration_index", "total_dag_tasks",
         "outputs", "parameter_producer_task", "artifact_producer_task"]
    ),
    st.one_of(
        st.integers(0, 8), st.text(max_size=3), st.just({"x": '{"valueFromParameter": {"producerSubtask": "a"}}'}),
        st.just('{"x": {"artifact_selectors": [{"producer_subtask": "a", "output_artifact_key": "x"}]}}'),
        st.just("[" * 9), st.dictionaries(st.sampled_from("ab"), st.integers()),
    ),
)  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 8), _PROPERTIES), max_size=9))
def test_any_records_make_results(found: list[tuple[int, dict[str, Any]]]) -> None:
    """Executions that hold themselves, properties of another kind: others may write to the store, too."""
    made = tree.of([Execution(number, "COMPLETE", properties) for number, properties in found])
    assert len(made.outputs) <= 9 * 9
    assert made.metrics == {}
    made.of_pipeline({})


def test_a_run_that_is_deeper_than_pipelines_are_is_cut_off() -> None:
    deep = [
        Execution(
            number, "COMPLETE",
            {"task_name": "g", "total_dag_tasks": 1, "parameter_producer_task": {
                "x": '{"valueFromParameter": {"producerSubtask": "g", "outputParameterKey": "x"}}'},
             **({"parent_dag_id": number - 1} if number else {})},
        )
        for number in range(5_000)
    ]  # fmt: skip
    assert len(tree.of(deep).tasks) == 63


def test_groups_in_groups_that_each_give_two_outputs_are_read_once_each() -> None:
    """Asked for each output of the group around it anew, forty of them would be asked a million million times."""
    gives = {
        name: f'{{"valueFromParameter": {{"producerSubtask": "g", "outputParameterKey": "{name}"}}}}'
        for name in ("x", "y")
    }
    around = {"task_name": "g", "total_dag_tasks": 1, "parameter_producer_task": gives}
    groups = [
        Execution(n, "COMPLETE", {**around, **({"parent_dag_id": n - 1} if n else {})}) for n in range(40)
    ]
    task = Execution(40, "COMPLETE", {"task_name": "g", "parent_dag_id": 39, "outputs": {"x": 1, "y": 2}})
    found = tree.of([*groups, task])
    assert [one.parameters for one in found.tasks] == [{"x": 1, "y": 2}] * 40


def test_a_loop_of_thousands_is_numbered_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    number, sorts = 4_000, list[int]()
    monkeypatch.setattr(
        tree, "sorted", lambda found, **more: sorts.append(1) or sorted(found, **more), raising=False
    )
    root = Execution(1, "COMPLETE", {"total_dag_tasks": number, "iteration_count": number})
    each = [
        Execution(2 + at, "COMPLETE", {"iteration_index": at, "parent_dag_id": 1}) for at in range(number)
    ]
    assert [one.number for one in tree.of([root, *each]).tasks] == [*range(number)]
    assert len(sorts) < 10


def test_a_status_that_is_no_number_of_grpc_is_none() -> None:
    assert grpcweb.status({"grpc-status": "13", "grpc-message": "a%0Ab"}) == (13, "a b")
    assert grpcweb.status({"grpc-status": "9" * 5000}) == (None, "")


def test_the_newest_try_that_gave_something_counts() -> None:
    """KFP's retry of a run begins failed tasks anew, each as another execution."""

    def one(number: int, state: str, value: int | None = None) -> Execution:
        given = {} if value is None else {"outputs": {"x": value}}
        return Execution(number, state, {"task_name": "t", "parent_dag_id": 1, **given})

    root = Execution(1, "RUNNING", {"task_name": ""})
    for tries, value in (
        ([one(2, "FAILED"), one(3, "COMPLETE", 3)], 3),
        ([one(2, "COMPLETE", 2), one(3, "COMPLETE", 3)], 3),
        ([one(2, "COMPLETE", 2), one(3, "FAILED")], 2),
    ):
        assert tree.of([root, *tries]).outputs == {("t", "x"): value}
