"""What is no reply of KFP: a login page, a broken proxy's, nonsense; and what is one, although strange."""

from __future__ import annotations

import json
import re

import pytest
from kfp_gitops.base.errors import (
    DeniedError,
    NotFoundError,
    RemoteError,
    TemporaryError,
)
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from kfpapi.stub import Answer, Stub
from transport_kit import LOGIN, NO_ONE, api_of


@pytest.mark.parametrize(
    "answer",
    [
        LOGIN,
        Answer(302, b"", headers={"Location": "https://dex.example.com/auth?client=kubeflow"}),
        Answer(303, b"Found", "text/plain", headers={"Location": "/login"}),
        Answer(401, LOGIN.body, LOGIN.content_type),
        Answer(403, b"<html>Forbidden</html>", "text/html"),
    ],
)
def test_a_login_page_is_recognised_and_never_followed(answer: Answer) -> None:
    with Stub(lambda _: answer) as stub, pytest.raises(DeniedError, match="login page") as caught:
        list(api_of(stub).schedules())
    assert "--token-file" in str(caught.value)
    assert "<html" not in str(caught.value).lower()
    assert len(stub.seen) == 1


def test_the_page_of_a_broken_proxy_is_no_login_and_is_tried_again() -> None:
    with (
        Stub(lambda _: Answer(502, b"<html>Bad Gateway</html>", "text/html")) as stub,
        pytest.raises(TemporaryError, match="HTTP 502: a web page"),
    ):
        list(api_of(stub).schedules())
    assert len(stub.seen) == 5


@pytest.mark.parametrize(
    "body", [b"OK", b"[1]", b'{"pipelines": 3', b'"text"', b'{"recurringRuns": 7}', b"\xff"]
)
def test_what_is_no_reply_of_kfp_is_a_remote_error(body: bytes) -> None:
    with Stub(lambda _: Answer(200, body)) as stub, pytest.raises(RemoteError, match=re.escape(stub.url)):
        list(api_of(stub).schedules())


@pytest.mark.parametrize(
    "body",
    [
        b'{"recurringRuns": ["1"]}',
        b'{"recurringRuns": [[]]}',
        b'{"recurringRuns": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"recurringRuns": [], "next_page_token": "again"}',
    ],
)
def test_an_object_that_makes_no_sense_is_a_remote_error(body: bytes) -> None:
    with Stub(lambda _: Answer(200, body)) as stub, pytest.raises(RemoteError):
        list(api_of(stub).schedules())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("trigger", {"periodic_schedule": {}}),
        ("trigger", {"cron_schedule": {"cron": "0 * * * * *", "start_time": "tomorrow"}}),
        ("trigger", 7),
        ("created_at", "99999999999999999999"),
        ("created_at", 7),
        ("max_concurrency", "many"),
        ("runtime_config", {"parameters": [1]}),
        ("description", {"kfp-gitops": 1}),
        ("display_name", 7),
        ("pipeline_version_reference", "v1"),
    ],
)
def test_a_field_that_cannot_be_read_is_told_and_stops_nothing(field: str, value: object) -> None:
    """Whoever may write to the namespace decides what stands in it."""
    row = {"recurring_run_id": "1", "created_at": "2026-01-01T00:00:00Z", field: value}
    body = json.dumps({"recurringRuns": [row, {**row, "recurring_run_id": "2"}]}).encode()
    with Stub(lambda _: Answer(200, body)) as stub:
        one, other = api_of(stub).schedules()
    assert (one.id, one.damaged) == ("1", (field,))
    assert other.id == "2"


@pytest.mark.parametrize(
    "row",
    [{"pipeline_id": "1"}, {"name": 7, "display_name": [], "description": {}, "tags": "x", "created_at": 1}],
)
def test_a_row_without_a_text_that_can_be_read_stops_no_look(row: dict[str, object]) -> None:
    body = json.dumps({"pipelines": [row], "experiments": [row], "recurringRuns": [row]}).encode()
    owner = Owner("example-repository", "dev")
    with Stub(lambda _: Answer(200, body)) as stub:
        api = api_of(stub)
        assert api.pipelines({"p": "sha-1"}, owner) == {}
        assert api.experiments({"p-dev"}, "kfp-gitops-") == {}
        assert api.experiments_like("kfp-gitops-") == []
        assert not api.has_anything_of(owner)


def test_an_object_that_kfp_itself_cannot_read_stops_nothing() -> None:
    """toApiRecurringRun gives one whose parameters it cannot parse an id and an error alone."""
    body = b'{"recurringRuns": [{"recurring_run_id": "1", "error": {"code": 13, "message": "not parsed"}}]}'
    with Stub(lambda _: Answer(200, body)) as stub:
        (found,) = api_of(stub).schedules()
    assert (found.id, found.name, found.owner) == ("1", "", None)


def test_states_that_a_newer_server_has_are_taken() -> None:
    body = json.dumps({"run_id": "1", "display_name": "r", "state": "DREAMING"}).encode()
    with Stub(lambda _: Answer(200, body)) as stub:
        assert api_of(stub).run("1").state == "DREAMING"


def test_a_missing_pipeline_is_none_and_other_missing_things_are_said() -> None:
    with Stub(lambda _: Answer(404, b'{"message": "not found"}')) as stub:
        assert api_of(stub).pipeline("x") is None
        with pytest.raises(NotFoundError, match="HTTP 404"):
            api_of(stub).run("1")
        api_of(stub).delete_schedule("gone already")


def test_a_missing_page_of_another_server_says_nothing_of_a_pipeline() -> None:
    page = Answer(404, b"<html>not found</html>", "text/html")
    with Stub(lambda _: page) as stub, pytest.raises(RemoteError, match="this the address of KFP") as caught:
        api_of(stub).pipeline_id("x")
    assert not isinstance(caught.value, NotFoundError)


def test_a_name_that_no_server_has_is_said_in_words() -> None:
    with pytest.raises(RemoteError) as caught:
        list(KfpApi("http://kfp.invalid", "", NO_ONE).schedules())
    assert not isinstance(caught.value, TemporaryError)  # so it ends at once
    assert str(caught.value).startswith("http://kfp.invalid: no address is known for this name; is it right")
