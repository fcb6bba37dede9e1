"""Writes that KFP did not clearly answer: which are sent again, and what is said of those that are not."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path

import kfp_gitops.kfpserver.kfpapi
import pytest
from kfp_gitops.base.errors import BrokenError, DeniedError, RemoteError, TemporaryError, UnclearError
from kfp_gitops.kfpserver.kfpapi.access import Access
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.retry import Backoff
from kfp_gitops.kfpserver.kfpapi.writes import WRITES, Unclear, shown_by
from kfp_gitops.language.manifest import Schedule
from kfpapi.stub import Answer, Seen, Stub

DAILY = Schedule("main", "0 0 3 * * *", None, True, {}, None, None, 1, False, ())
STORED = (
    b'{"code": 13, "message": "Failed to create a recurring run: InternalServerError: Failed to store job p to table: '
    b"Error 1406 (22001): Data too long for column 'Description' at row 1\\ngoroutine 1\"}"
)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self, patience: float = 60.0) -> None:
        self.now, self.lines = 0.0, list[str]()
        self.backoff = Backoff(
            patience=patience, sleep=self.sleep, clock=lambda: self.now, tell=self.lines.append
        )

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.01)


def _api(stub: Stub, time: Time | None = None) -> KfpApi:
    return KfpApi(stub.url, "", Access(), (time or Time()).backoff)


def _create_schedule(api: KfpApi) -> str:
    return api.create_schedule(
        name="Daily-report_of-the-whole-house", description="d", pipeline_id="p", version_id="v", experiment_id="e",
        schedule=DAILY,
    ).id  # fmt: skip


def _create_run(api: KfpApi) -> str:
    return api.create_run(
        name="p-changed-1", pipeline_id="p", version_id="v", experiment_id="e", parameters={}
    )


Create = Callable[[KfpApi], str]
CREATE = [pytest.param(_create_schedule, id="recurring run"), pytest.param(_create_run, id="run")]
UNCLEAR = [
    Answer(500, b'{"message": "InternalServerError: driver: bad connection"}'),
    Answer(500, STORED),
    Answer(500, b""),
    Answer(502, b"<html>Bad Gateway</html>", "text/html"),
    Answer(503, b'{"code": 14, "message": "Failed to create a workflow for (p) - try again later"}'),
    Answer(504, b"upstream request timeout", "text/plain"),
]


def test_each_write_that_is_used_stands_in_the_table_and_no_other() -> None:
    used = set()
    for file in Path(kfp_gitops.kfpserver.kfpapi.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and re.search(
                r"_service_(?!get|list)|^upload_pipeline", node.attr
            ):
                used.add(node.attr)
    assert used == set(WRITES)
    assert all(write.kind and write.harm for write in WRITES.values() if write.then is Unclear.LOOK)


@pytest.mark.parametrize("create", CREATE)
@pytest.mark.parametrize("answer", UNCLEAR, ids=lambda answer: f"{answer.status}-{len(answer.body)}")
def test_what_may_have_been_made_is_asked_for_once_and_looked_for(create: Create, answer: Answer) -> None:
    with (
        Stub(lambda request: answer if request.method == "POST" else Answer()) as stub,
        pytest.raises(UnclearError) as caught,
    ):
        create(_api(stub))
    assert [seen.method for seen in stub.seen].count("POST") == 1
    assert "GET" in [seen.method for seen in stub.seen]
    assert "`kubectl get " in str(caught.value)


@pytest.mark.parametrize("create", CREATE)
def test_what_is_there_all_the_same_is_taken(create: Create) -> None:
    def answer(request: Seen) -> Answer:
        if request.method == "POST":
            made.append(request.body)
            return UNCLEAR[0]
        found = json.loads(made[0]) | {"run_id": "made", "recurring_run_id": "made"}
        return Answer(body=json.dumps({"runs": [found], "recurringRuns": [found]}).encode())

    made: list[bytes] = []
    with Stub(answer) as stub:
        assert create(_api(stub)) == "made"


@pytest.mark.parametrize("create", CREATE)
def test_when_the_look_fails_too_it_is_said_all_the_same(create: Create) -> None:
    with Stub(lambda request: UNCLEAR[0]) as stub, pytest.raises(UnclearError, match="kubectl get"):
        create(_api(stub))
    assert [seen.method for seen in stub.seen].count("POST") == 1


def test_a_500_that_comes_before_anything_is_made_leaves_nothing_over() -> None:
    said = b'{"message": "InternalServerError: Failed to create a run due to error fetching manifest: gone"}'
    with (
        Stub(lambda request: Answer(500, said) if request.method == "POST" else Answer()) as stub,
        pytest.raises(RemoteError) as caught,
    ):
        _create_run(_api(stub))
    assert not isinstance(caught.value, UnclearError)
    assert len(stub.seen) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_write_that_says_the_final_state_is_sent_until_it_is_heard(status: int) -> None:
    left = [status] * 3

    def answer(_request: Seen) -> Answer:
        return Answer(left.pop(), b"{}") if left else Answer()

    with Stub(answer) as stub:
        api = _api(stub)
        api.disable_schedule("s")
        left[:] = [status]
        api.delete_schedule("s")
        left[:] = [status]
        api.enable_schedule("s")
    assert len(stub.seen) == 8


def test_the_line_shows_what_kfp_makes_of_the_name() -> None:
    row = WRITES["recurring_run_service_create_recurring_run"]
    line = shown_by(
        row, "Daily-Report_of-the-whole-house", "http://ml-pipeline.ml.svc.cluster.local:8888", ""
    )
    assert "kubectl get scheduledworkflows -n ml " in line
    assert "grep -- ' daily-reportof-the-whole-'" in line  # 25 characters, and no underscore
    run = shown_by(WRITES["run_service_create_run"], "p-changed-1", "http://127.0.0.1:8888", "team-a")
    assert "kubectl get workflows -n team-a " in run
    assert "run_name" in run


# patience


def test_a_restart_of_kfp_is_outlasted_and_told_of() -> None:
    time = Time(patience=600)

    def answer(_request: Seen) -> Answer:
        return Answer(503, b"{}") if time.now < 300 else Answer()

    with Stub(answer) as stub:
        assert list(_api(stub, time).schedules()) == []
    assert 300 <= time.now < 330
    assert re.fullmatch(r"KFP does not answer \(HTTP 503\); trying for (5\d\d|600) s more", time.lines[0])
    assert time.lines[-1] == "KFP answers again"
    assert 10 <= len(time.lines) <= 22


def test_a_short_hiccup_is_not_told_of() -> None:
    time, left = Time(), [503]

    def answer(_request: Seen) -> Answer:
        return Answer(left.pop(), b"{}") if left else Answer()

    with Stub(answer) as stub:
        list(_api(stub, time).schedules())
    assert time.lines == []


@pytest.mark.parametrize("patience", [0.0, 60.0, 600.0])
def test_patience_ends_for_all_requests_together(patience: float) -> None:
    time = Time(patience)
    with Stub(lambda _: Answer(503, b"{}")) as stub:
        api = _api(stub, time)
        for _ in range(5):
            with pytest.raises(TemporaryError):
                list(api.schedules())
    assert patience <= time.now <= patience + 1


def test_one_request_that_never_succeeds_ends_although_others_do() -> None:
    time = Time(patience=60)

    def answer(request: Seen) -> Answer:
        return Answer(503, b"{}") if "recurringruns" in request.path else Answer()

    with Stub(answer) as stub:
        api = _api(stub, time)
        sleep = time.backoff.sleep

        def between(seconds: float) -> None:
            api.experiment("x")
            sleep(seconds)

        object.__setattr__(time.backoff, "sleep", between)
        with pytest.raises(TemporaryError):
            list(api.schedules())
    assert 60 <= time.now < 62


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (Answer(400, b'{"error_message": "Failed to create a pipeline version"}'), DeniedError, "missing right"),
        (Answer(401, b'{"message": "no"}'), DeniedError, "no credentials"),
        (Answer(403, b'{"message": "no"}'), DeniedError, "no credentials"),
        (Answer(404, b"<html>Not Found</html>", "text/html"), RemoteError, "is this the address of KFP's API"),
        (Answer(500, STORED), BrokenError, "shorten it"),
        (Answer(500, b'{"message": "Error 1366 (22007): Incorrect string value"}'), BrokenError, "U+FFFF"),
        (
            Answer(500, b'{"message": "scheduledworkflows.kubeflow.org \\"px7f\\" not found"}'),
            BrokenError,
            "delete it in KFP",
        ),
    ],
    ids=lambda value: str(getattr(value, "status", "")),
)  # fmt: skip
def test_what_is_for_good_ends_at_once_and_says_what_to_do(
    answer: Answer, kind: type[RemoteError], says: str
) -> None:
    time = Time(patience=600)
    with Stub(lambda _: answer) as stub, pytest.raises(kind, match=re.escape(says)) as caught:
        _api(stub, time).upload_version("p", "sha-1", "ir", "d")
    assert time.now == 0
    assert len(stub.seen) == 1
    assert "goroutine" not in str(caught.value)
