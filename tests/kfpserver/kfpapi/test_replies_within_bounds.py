"""Whatever answers in KFP's place, and however slowly: it ends, as a failure of the other side, and says what to do."""

from __future__ import annotations

import itertools
import resource
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from kfp_gitops.base import replies
from kfp_gitops.base.errors import (
    ExitCode,
    GarbledError,
    RemoteError,
    TemporaryError,
    TooLargeError,
    UnclearError,
)
from kfp_gitops.kfpserver.kfpapi import transport
from kfp_gitops.kfpserver.kfpapi.budget import Budget
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.clock import ServerClock
from kfp_gitops.kfpserver.kfpapi.retry import Backoff
from servers import misbehaving
from servers.misbehaving import Misbehaving, reply
from transport_kit import NO_ONE


def _api(server: Misbehaving, seconds: float = 60.0) -> KfpApi:
    return KfpApi(server.url, "", NO_ONE, Backoff(tries=1), Budget(seconds))


_SLOW = [misbehaving.slow_body, misbehaving.slow_headers, misbehaving.slow_chunks, misbehaving.slow_interim]


@pytest.mark.parametrize("slow", _SLOW)
def test_a_reply_that_trickles_is_given_up_after_the_time_of_a_request(
    slow: Callable[[], Iterator[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_REQUEST", 0.7)
    with Misbehaving(lambda _: slow()) as server:
        began = time.monotonic()
        with pytest.raises(TemporaryError, match=r"not here whole after 0.7 s; look into the load") as caught:
            list(_api(server).schedules())
    assert time.monotonic() - began < 3
    assert caught.value.exit_code == ExitCode.REMOTE_FAILED
    assert caught.value.pending


@pytest.mark.parametrize("slow", _SLOW)
def test_nor_does_it_take_longer_than_the_whole_command_may(slow: Callable[[], Iterator[bytes]]) -> None:
    with Misbehaving(lambda _: slow()) as server:
        began = time.monotonic()
        with pytest.raises(RemoteError, match="--timeout S"):
            list(_api(server, seconds=0.7).schedules())
    assert time.monotonic() - began < 3


def test_a_connection_that_trickled_is_not_used_again_and_one_that_did_not_has_its_time_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next request on a kept connection may take its whole time, however little was left to the one before."""
    monkeypatch.setattr(transport, "_REQUEST", 1.0)
    pauses = itertools.chain([0.6, 0.6], itertools.repeat(0.0))

    def answer(_: str) -> Iterator[bytes]:
        time.sleep(next(pauses))
        yield from reply({})

    with Misbehaving(answer) as server:
        api = _api(server)
        assert [list(api.schedules()) for _ in range(3)] == [[], [], []]


def _endless(line: str) -> list[bytes]:
    token = line.partition("page_token=")[2].partition("&")[0].partition(" ")[0] or "0"
    return [*reply({"recurringRuns": [], "next_page_token": str(int(token) + 1)})]


def test_pages_without_an_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kfp_gitops.kfpserver.kfpapi.requests._MOST_PAGES", 30)
    with (
        Misbehaving(_endless) as server,
        pytest.raises(GarbledError, match="30 pages of recurring_runs and no last"),
    ):
        list(_api(server).schedules())
    assert len(server.asked) == 30


def test_and_end_with_the_time_of_the_command() -> None:
    with Misbehaving(_endless) as server, pytest.raises(RemoteError, match="--timeout S"):
        list(_api(server, seconds=0.5).schedules())


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_page_tokens_that_alternate_are_seen_at_once(turns: int) -> None:
    tokens = itertools.cycle([f"t{number}" for number in range(turns)])

    def answer(_: str) -> list[bytes]:
        return [*reply({"recurringRuns": [], "next_page_token": next(tokens)})]

    with (
        Misbehaving(answer) as server,
        pytest.raises(GarbledError, match="same page of recurring_runs twice"),
    ):
        list(_api(server).schedules())
    assert len(server.asked) == turns + 1


def test_a_packed_reply_that_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "MOST_BYTES", 8 << 20)
    monkeypatch.setattr(replies.whole, "__defaults__", (8 << 20,))
    packed = misbehaving.bomb(400)
    with Misbehaving(lambda _: packed) as server:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(TooLargeError, match="more than 8 MB"):
            list(_api(server).schedules())
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert len(server.asked) == 3, "fewer objects at a time are asked for"
    assert grown < 100


def test_objects_that_are_too_much_for_one_reply_are_asked_for_in_smaller_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replies.whole, "__defaults__", (1 << 20,))

    def answer(line: str) -> list[bytes]:
        size = int(line.partition("page_size=")[2].partition("&")[0].partition(" ")[0])
        runs = [{"recurring_run_id": str(n), "description": "d" * 20_000} for n in range(min(size, 100))]
        return [*reply({"recurringRuns": runs})]

    with Misbehaving(answer) as server:
        assert len(list(_api(server).schedules())) == 20
    assert len(server.asked) == 2


_OTHERS = [
    {"error": "upstream connect error", "code": 14},
    {"error": {"code": 401, "message": "upstream connect error"}},
    {"error": {"code": 5}, "recurring": []},
    {"kind": "Status", "status": "Failure", "message": "upstream connect error", "code": 403},
    {"message": "upstream connect error"},
    {"login": "https://dex.example.com"},
    {"error_message": "upstream connect error", "error_details": ""},
]


@pytest.mark.parametrize("body", _OTHERS)
def test_an_error_with_the_status_of_a_success_is_no_empty_list(body: dict[str, object]) -> None:
    with Misbehaving(lambda _: reply(body)) as server:
        for read in (lambda api: list(api.schedules()), lambda api: api.features(), lambda api: api.run("r")):
            with pytest.raises(
                GarbledError, match=r"what KFP's API does not: .*is this the address of KFP"
            ) as caught:
                read(_api(server))
            if "upstream" in str(body):
                assert "success: upstream connect error" in str(caught.value)


def test_what_such_an_error_holds_is_not_told_when_it_is_a_secret() -> None:
    body: dict[str, object] = {"error": "bad token: password=hunter2hunter2"}
    with Misbehaving(lambda _: reply(body)) as server, pytest.raises(GarbledError) as caught:
        list(_api(server).schedules())
    assert "hunter2" not in str(caught.value)


def test_a_run_that_such_a_reply_may_have_started_is_looked_for_and_not_started_again() -> None:
    def answer(line: str) -> list[bytes]:
        return [*reply({"error": "late", "code": 4} if line.startswith("POST") else {})]

    with Misbehaving(answer) as server, pytest.raises(UnclearError, match="not sent again"):
        _api(server).create_run(name="n", pipeline_id="p", version_id="v", experiment_id="e", parameters={})
    assert sum(line.startswith("POST") for line in server.asked) == 1


def test_what_cannot_be_unpacked_is_a_failure_of_the_other_side() -> None:
    broken = [misbehaving.head(4, "Content-Encoding: gzip") + b"nope"]
    with Misbehaving(lambda _: broken) as server, pytest.raises(GarbledError, match="cannot be unpacked"):
        list(_api(server).schedules())


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "x",
    ],
)
def test_a_date_that_no_clock_can_have_is_not_believed(date: str) -> None:
    with Misbehaving(lambda _: reply({}, f"Date: {date}")) as server:
        api = _api(server)
        assert list(api.schedules()) == []
        assert abs((api.now() - datetime.now(UTC)).total_seconds()) < 5
        assert api.features().date is None


def test_a_servers_clock_that_steps_back_ends_the_work() -> None:
    dates = iter(["Sun, 01 Mar 2026 12:00:00 GMT", "Sun, 01 Mar 2026 11:00:00 GMT"])
    with Misbehaving(lambda _: reply({}, f"Date: {next(dates)}")) as server:
        api = _api(server)
        list(api.schedules())
        assert f"{api.now():%H:%M}" == "12:00"
        list(api.schedules())
        with pytest.raises(RemoteError, match=r"went back by 3\d\d\d s.*let NTP") as caught:
            api.now()
    assert caught.value.exit_code == ExitCode.REMOTE_FAILED


def test_a_small_step_back_is_stood_still_for() -> None:
    clock = ServerClock()
    clock.hear("Sun, 01 Mar 2026 12:00:20 GMT", 1.0)
    first = clock.now()
    clock.hear("Sun, 01 Mar 2026 12:00:05 GMT", 2.0)
    assert clock.now() == first
