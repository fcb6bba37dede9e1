"""Usage from a real Prometheus that holds real series: what comes out is what went in, gaps included."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import trustme
from predictive_scaling import steps
from predictive_scaling.__main__ import main
from predictive_scaling.base.errors import InputError, RemoteError
from predictive_scaling.store.opening import open_registry
from predictive_scaling.usage.fetch import UsageQuery
from predictive_scaling.usage.prometheus import _series
from predictive_scaling.usage.sources import load_usage
from predictive_scaling.usage.validation import ValidationRules
from servers.process import free_port, listens
from servers.prometheus import PrometheusServer, backfill

SERVICES, DAYS = ["smd-1-6", "smd-2-1", "smd-3-3"], 4
NOW = "2024-01-05T00:00:30Z"
CPU, MEMORY = "shop:cpu_cores", "shop:memory_bytes"
QUERY = UsageQuery(CPU, MEMORY, days=DAYS)


def real_rows():
    """Real series of three servers, with one missing sample and a hole of two hours."""
    rows = load_usage("sample:smd_servers_5min")
    rows = rows[rows["service"].isin(SERVICES) & (rows["timestamp"] < "2024-01-05")]
    one = (rows["service"] == "smd-1-6") & (rows["timestamp"] == "2024-01-02T03:00:00Z")
    hole = (rows["service"] == "smd-2-1") & rows["timestamp"].between(
        "2024-01-03T22:00:00Z", "2024-01-03T23:59:59Z"
    )
    return rows[~(one | hole)][["timestamp", "service", "cpu", "memory"]].reset_index(drop=True)


def openmetrics(rows):
    at = pd.to_datetime(rows["timestamp"]).astype("datetime64[s, UTC]").astype("int64")
    lines = []
    for name, column in ((QUERY.cpu, "cpu"), (QUERY.memory, "memory")):
        lines.append(f"# TYPE {name} gauge")
        lines += [
            f'{name}{{service="{service}"}} {value!r} {instant}'
            for service, value, instant in zip(rows["service"], rows[column].tolist(), at, strict=True)
        ]
    return "\n".join([*lines, "# EOF\n"])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    backfill(openmetrics(real_rows()), folder)
    server = PrometheusServer(folder, options=["--query.max-samples=2000"])
    server.start()
    yield server
    server.kill()


def fetched(server, path, query=QUERY, registry="", run_id="", now=NOW):
    loaded = steps.fetch_usage(str(path), server.url, query, registry, run_id, now)
    return loaded, load_usage(str(path)) if loaded.rows else None


def test_values_equal_the_source_and_gaps_stay_gaps(prometheus, tmp_path):
    loaded, rows = fetched(prometheus, tmp_path / "usage")
    expected = real_rows().sort_values(["service", "timestamp"], ignore_index=True)
    assert loaded == (len(expected), SERVICES)
    pd.testing.assert_frame_equal(rows, expected)


def test_what_is_fetched_passes_validation_but_for_its_length(prometheus, tmp_path):
    fetched(prometheus, tmp_path / "usage")
    paths = [str(tmp_path / name) for name in ("usage", "clean", "validation", "report")]
    rules = ValidationRules(min_records=1000, min_days=3)
    assert steps.validate_data(*paths, rules, NOW).services == SERVICES


@pytest.mark.parametrize("hours", [1, 5, 96])
def test_size_of_chunks_changes_nothing(prometheus, tmp_path, hours):
    """With 96 h a chunk is more than this server's limit of samples, so it is asked for in halves."""
    _, rows = fetched(prometheus, tmp_path / "usage", replace(QUERY, chunk_hours=hours))
    pd.testing.assert_frame_equal(rows, real_rows().sort_values(["service", "timestamp"], ignore_index=True))


def test_hourly_step_takes_every_twelfth_sample(prometheus, tmp_path):
    _, rows = fetched(prometheus, tmp_path / "usage", replace(QUERY, step="1h"))
    expected = real_rows()
    expected = expected[expected["timestamp"].str.endswith(":00:00Z")]
    merged = rows.merge(expected, on=["timestamp", "service"], suffixes=("", "_source"))
    assert len(merged) == len(expected)
    np.testing.assert_array_equal(merged["cpu"], merged["cpu_source"])


def test_more_columns_and_expressions(prometheus, tmp_path):
    query = replace(
        QUERY,
        cpu=f"2 * {QUERY.cpu}",
        others={
            "cpu_limit": f"max by (service) (max_over_time({QUERY.cpu}[1h]))",
            "deployed": f"max by (service) (timestamp({QUERY.cpu})) > time() - 300 and on () hour() == 3",
        },
        days=1,
    )
    _, rows = fetched(prometheus, tmp_path / "usage", query)
    last = rows[rows["service"] == "smd-3-3"].iloc[-1]
    source = real_rows().query("service == 'smd-3-3'").iloc[-1]
    assert last["cpu"] == pytest.approx(2 * source["cpu"])
    assert last["cpu_limit"] >= source["cpu"]
    assert set(rows.loc[rows["deployed"] > 0, "timestamp"].str[11:13]) == {"03"}


def test_interrupted_fetch_goes_on_where_it_ended(prometheus, tmp_path, monkeypatch):
    from predictive_scaling.usage import asking

    asked, original = [], asking.query_range

    def breaking(server, expression, span, told):
        asked.append(span.start)
        if len(asked) == 5:
            raise RemoteError("connection lost")
        return original(server, expression, span, told)

    monkeypatch.setattr(asking, "query_range", breaking)
    with pytest.raises(RemoteError):
        fetched(prometheus, tmp_path / "usage", registry=str(tmp_path / "kept"), run_id="run-1")
    first = list(asked)
    _, rows = fetched(prometheus, tmp_path / "usage", registry=str(tmp_path / "kept"), run_id="run-1")
    again = asked[len(first) :]
    assert set(again) & set(first[:4]) == set()
    pd.testing.assert_frame_equal(rows, real_rows().sort_values(["service", "timestamp"], ignore_index=True))
    assert open_registry(str(tmp_path / "kept")).delete_under("tmp/run-1") == DAYS


def test_changed_query_does_not_find_the_old_answer(prometheus, tmp_path):
    kept = {"registry": str(tmp_path / "kept"), "run_id": "run-1"}
    fetched(prometheus, tmp_path / "usage", replace(QUERY, days=1), **kept)
    _, rows = fetched(prometheus, tmp_path / "usage", replace(QUERY, cpu=f"2 * {CPU}", days=1), **kept)
    assert rows["cpu"].iloc[-1] == pytest.approx(2 * real_rows()["cpu"].iloc[-1])


def test_server_killed_and_started_again_while_it_is_asked_loses_nothing(prometheus, tmp_path, monkeypatch):
    from predictive_scaling.usage import asking

    asked, original = [], asking.query_range

    def killing(server, expression, span, told):
        asked.append(expression)
        if len(asked) == 4:
            prometheus.kill()
            prometheus.process.start()
        return original(server, expression, span, told)

    monkeypatch.setattr(asking, "query_range", killing)
    _, rows = fetched(prometheus, tmp_path / "usage")
    pd.testing.assert_frame_equal(rows, real_rows().sort_values(["service", "timestamp"], ignore_index=True))


def test_run_without_data_fails_and_leaves_a_header_for_validation_to_refuse(prometheus, tmp_path):
    with pytest.raises(InputError, match="no usage of the last 4 days"):
        fetched(prometheus, tmp_path / "usage", now="2025-01-01T00:00:00Z")
    paths = [str(tmp_path / name) for name in ("usage", "clean", "validation", "report")]
    verdict = steps.validate_data(*paths, ValidationRules(), NOW)
    assert not verdict.passed


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"cpu": "sum("}, "parse error"),
        ({"cpu": f"sum({QUERY.cpu})"}, r"no label 'service'.*aggregate by \(service\)"),
        (
            {"cpu": f'label_replace({QUERY.cpu}, "service", "same", "service", ".*") or {QUERY.memory}'},
            "(two series for|duplicate|same labelset)",
        ),
    ],
)
def test_query_that_does_not_fit_is_refused_with_the_reason(prometheus, tmp_path, query, text):
    with pytest.raises(InputError, match=text):
        fetched(prometheus, tmp_path / "usage", replace(QUERY, **query, days=1))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"days": 0}, "days is 0"),
        ({"step": "soon"}, "step is 'soon'"),
        ({"step": "1500ms"}, "whole number of seconds"),
        ({"step": "1s", "chunk_hours": 24}, "more than 11000"),
        ({"chunk_hours": 0}, "chunks of 0 h"),
        ({"others": {"disk": "x"}}, "unknown columns disk"),
        ({"cpu": " "}, "a query is empty"),
    ],
)
def test_option_that_makes_no_sense_is_refused(options, text):
    with pytest.raises(InputError, match=text):
        UsageQuery(**options)


def test_instant_that_has_just_begun_is_not_asked_for():
    span = QUERY.span(datetime(2024, 1, 5, 0, 4, 59, tzinfo=UTC))
    assert span.end == datetime(2024, 1, 5, tzinfo=UTC).timestamp()
    assert span.points == DAYS * 288


def test_by_hand_from_the_environment(prometheus, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PREDICTIVE_SCALING_PROMETHEUS_URL", prometheus.url)
    own = ["--cpu-query", CPU, "--memory-query", MEMORY]
    arguments = ["fetch", "--output", str(tmp_path / "usage.csv.gz"), "--days", "1", "--now", NOW, *own]
    assert main(arguments) == 0
    assert "864 rows of 3 services" in capsys.readouterr().out
    assert main([*arguments, "--now", "2025-01-01T00:00:00Z"]) == 1
    assert main([*arguments, "--column", "disk"]) == 2
    monkeypatch.delenv("PREDICTIVE_SCALING_PROMETHEUS_URL")
    assert main(arguments) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"[]",
        b'{"data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1e999, "1"]]}]}}',
        b"[" * 100_000,
    ],
)
def test_answer_that_is_no_range_is_a_remote_error(answer):
    with pytest.raises(RemoteError, match="not the result"):
        _series(answer)


def test_prometheus_that_is_down_is_exit_4(tmp_path, monkeypatch):
    monkeypatch.setenv("PREDICTIVE_SCALING_WEB_PATIENCE_SECONDS", "0")
    arguments = ["fetch", "--output", str(tmp_path / "usage"), "--url", f"http://127.0.0.1:{free_port()}"]
    assert main(arguments) == 4


# bcrypt of "test", from Prometheus' own guide to basic authentication.
HASH = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay"


@pytest.fixture
def guarded(tmp_path):
    """A Prometheus behind TLS and a password."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    files = "{cert_file: server.pem, key_file: server.pem}"
    (tmp_path / "web.yml").write_text(f"tls_server_config: {files}\nbasic_auth_users: {{reader: '{HASH}'}}\n")
    server = PrometheusServer(tmp_path, options=[f"--web.config.file={tmp_path / 'web.yml'}"])
    server.process.start()
    server.process.wait_until(listens(server.port))
    server.url = server.url.replace("http:", "https:")
    yield server
    server.kill()


def test_tls_and_password_are_the_environments(guarded, tmp_path, monkeypatch, capfd):
    def ask():
        fetched(guarded, tmp_path / "usage", replace(QUERY, days=1))

    with pytest.raises(RemoteError, match="certificate that is not trusted"):
        ask()
    monkeypatch.setenv("PREDICTIVE_SCALING_CA_FILE", str(tmp_path / "ca.pem"))
    with pytest.raises(RemoteError, match="Prometheus answered 401"):
        ask()
    (tmp_path / "password").write_text("test\n")
    monkeypatch.setenv("PREDICTIVE_SCALING_PROMETHEUS_USER", "reader")
    monkeypatch.setenv("PREDICTIVE_SCALING_PROMETHEUS_PASSWORD_FILE", str(tmp_path / "password"))
    with pytest.raises(InputError, match="no usage"):
        ask()


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"warnings": ["store 10.0.0.7 did not answer"]}, "store 10.0.0.7 did not answer"),
        ({"infos": ["PromQL info: metric might not be a counter"]}, "might not be a counter"),
        ({"isPartial": True}, "partial: a storage node did not answer"),
    ],
    ids=["thanos", "infos", "victoriametrics"],
)
def test_partial_answer_is_told(said, text):
    told = []
    assert (
        _series(json.dumps({"data": {"resultType": "matrix", "result": []}, **said}).encode(), told.append)
        == []
    )
    assert len(told) == 1
    assert text in told[0]


def test_what_was_kept_and_what_is_new_is_what_there_is(prometheus, tmp_path, capsys):
    """Run after run against a real server, with own expressions; each as if everything had been asked for."""
    query, registry = replace(QUERY, days=2), str(tmp_path / "registry")
    said = []
    for at, now in enumerate(("2024-01-04T01:05:10Z", "2024-01-04T04:05:20Z", "2024-01-04T22:40:00Z", NOW)):
        path = str(tmp_path / f"extended-{at}")
        steps.fetch_usage(path, prometheus.url, query, registry, f"run-{at}", now, keep_usage="extend")
        said.append(capsys.readouterr().out)
        _, expected = fetched(prometheus, tmp_path / "whole", query, now=now)
        pd.testing.assert_frame_equal(load_usage(path), expected)
    assert "everything was asked for: nothing was kept yet" in said[0]
    assert all("had been kept" in each for each in said[1:])


def test_keeping_needs_a_registry_and_a_known_word(prometheus, tmp_path):
    with pytest.raises(InputError, match="keep_usage is 'always'"):
        steps.fetch_usage(
            str(tmp_path / "u"), prometheus.url, QUERY, str(tmp_path), "run-1", NOW, keep_usage="always"
        )
