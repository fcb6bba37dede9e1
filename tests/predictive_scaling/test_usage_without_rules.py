"""`fetch` from a real Prometheus that holds cAdvisor's and kube-state-metrics' series, and recorded ones of a day."""

import subprocess
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import pytest
import yaml
from cluster_recordings import openmetrics, series, truth
from predictive_scaling import steps
from predictive_scaling.__main__ import main
from predictive_scaling.base.documents import read_document
from predictive_scaling.base.errors import InputError
from predictive_scaling.shapes.document import read_shapes
from predictive_scaling.usage import expressions
from predictive_scaling.usage.expressions import Selection
from predictive_scaling.usage.fetch import UsageQuery
from predictive_scaling.usage.sources import load_usage
from predictive_scaling.usage.validation import ValidationRules
from servers.process import program
from servers.prometheus import PrometheusServer, backfill

HOUR, DAY = 3600, 86_400
START = 1_704_067_200  # 2024-01-01T00:00:00Z
DAYS = 3
END = START + DAYS * DAY
NOW = "2024-01-04T00:00:30Z"
MIB = 2**20
QUERY = UsageQuery(days=10, step="1h", namespace="shop")


def cores(at, share):
    """Two levels within an hour: a fifth of it at ten times the rest."""
    return share * (1.0 if at % HOUR < HOUR // 5 else 0.1)


def counter(labels, share, first=START, last=END):
    """A cpu counter, a sample a minute."""
    total, samples = 0.0, []
    for at in range(first, last + 1, 60):
        samples.append((at - START, round(total, 6)))
        total += 60 * cores(at, share)
    return {"__name__": "container_cpu_usage_seconds_total", "namespace": "shop", **labels}, samples


def gauge(name, labels: Mapping[str, str], value, first=START, last=END):
    """A gauge, a sample a minute; the value may depend on the second."""
    found = [(at - START, value(at) if callable(value) else value) for at in range(first, last + 1, 60)]
    return {"__name__": name, "namespace": "shop", **labels}, found


def pod(name, owner, kind, containers, share, memory, first=START, last=END):
    """Series of a pod whose containers share its cpu and have so much memory."""
    placed = {"pod": name}
    yield gauge(
        "kube_pod_owner",
        {**placed, "owner_kind": kind, "owner_name": owner, "owner_is_controller": "true"},
        1,
        first,
        last,
    )
    yield gauge("kube_pod_status_phase", {**placed, "phase": "Running"}, 1, first, last)
    for container, bytes_ in containers.items():
        own = {**placed, "container": container, "id": f"/{name}/{container}"}
        yield counter(own, share, first, last)
        yield gauge("kube_pod_container_info", {**placed, "container": container}, 1, first, last)
        yield gauge(
            "container_memory_working_set_bytes",
            own,
            bytes_ if callable(bytes_) else memory * bytes_,
            first,
            last,
        )
        for what, resource, amount in (
            ("requests", "cpu", 0.25),
            ("limits", "cpu", 1),
            ("requests", "memory", 64 * MIB),
            ("limits", "memory", 128 * MIB),
        ):
            labels = {**placed, "container": container, "resource": resource}
            yield gauge(
                f"kube_pod_container_resource_{what}",
                labels,
                amount if container == "app" else amount / 8,
                first,
                last,
            )


def peak(at):
    """50 MiB, and 90 for ten minutes of each hour, between the fives."""
    return (90 if 1260 < at % HOUR < 1560 else 50) * MIB


def cluster():
    yield gauge(
        "kube_replicaset_owner",
        {
            "replicaset": "web-1",
            "owner_kind": "Deployment",
            "owner_name": "web",
            "owner_is_controller": "true",
        },
        1,
    )
    for name in ("web-1-a", "web-1-b"):
        yield from pod(name, "web-1", "ReplicaSet", {"app": peak, "proxy": MIB}, 0.5, 10)
    yield from pod("db-0", "db", "StatefulSet", {"db": MIB}, 0.2, 10, first=END - DAY)
    yield from pod("two-0", "two", "StatefulSet", {"app": MIB}, 0.1, 5)
    yield from pod("two-x", "two", "DaemonSet", {"app": MIB}, 0.1, 5)
    for cluster_name in ("east", "west"):
        for labels, samples in pod("db-0", "db", "StatefulSet", {"db": MIB}, 0.2, 10, first=END - DAY):
            yield {**labels, "namespace": "far", "cluster": cluster_name}, samples
    far = {"namespace": "far", "kind": "Deployment", "service": "web"}
    yield gauge("predictive_scaling:cpu_cores:rate5m", far, 4.0, END - DAY)
    yield gauge("predictive_scaling:pod_memory_bytes:max", {**far, "container": "app"}, MIB, END - DAY)
    labels = {"kind": "Deployment", "service": "web"}
    yield gauge("predictive_scaling:cpu_cores:rate5m", labels, 4.0, END - DAY)
    yield gauge("predictive_scaling:replicas:count", labels, 2, END - DAY)
    yield gauge(
        "predictive_scaling:pod_memory_bytes:max",
        {**labels, "container": "app"},
        lambda at: 70 * MIB if at % HOUR else 80 * MIB,
        END - DAY,
    )
    yield gauge(
        "predictive_scaling:container_requests:max",
        {**labels, "container": "app", "resource": "memory"},
        64 * MIB,
        END - DAY,
    )


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    backfill(openmetrics(cluster(), START + 30), folder)
    server = PrometheusServer(folder)
    server.start()
    yield server
    server.kill()


def fetched(server, tmp_path, query=QUERY, now=NOW):
    steps.fetch_usage(str(tmp_path / "usage"), server.url, query, "", "", now)
    rows = load_usage(str(tmp_path / "usage"))
    return {
        str(name): each.set_index("timestamp").drop(columns="service")
        for name, each in rows.groupby("service")
    }


def test_hours_are_means_and_maxima_of_what_was_within_them(prometheus, tmp_path, capsys):
    web = fetched(prometheus, tmp_path)["web"]
    hour = web.loc["2024-01-02T05:00:00Z"]
    # two pods of two containers each, 0.5 cores for a fifth of the hour and 0.05 for the rest
    assert hour["cpu"] == pytest.approx(4 * (0.5 / 5 + 0.05 * 4 / 5), rel=0.02)
    assert hour["cpu_max"] == pytest.approx(4 * 0.5, rel=0.02)
    assert hour["memory_max"] == 90 * MIB
    assert 50 * MIB < hour["memory"] < 57 * MIB
    assert hour["replicas"] == 2
    assert (hour["cpu_request"], hour["cpu_limit"]) == (0.25, 1)
    assert (hour["memory_request"], hour["memory_limit"]) == (64 * MIB, 128 * MIB)
    printed = capsys.readouterr().out
    assert "from the raw series: they hold 3.0 days, the recorded ones hold 1.0 days" in printed
    assert "10 days were asked for, 3.0 are there, since 2024-01-01T00:00Z; of db 1.0" in printed
    assert (
        "enough for nothing yet; a recommendation from 7 days on, forecasts that can be accepted from 11"
        in printed
    )
    assert "two: DaemonSet and StatefulSet of one name; left out" in printed


def test_row_is_named_by_the_beginning_of_what_it_is_of(prometheus, tmp_path):
    """db began a day before the end: its first whole hour is the first of that day."""
    db = fetched(prometheus, tmp_path)["db"]
    assert db.index[0] == "2024-01-03T00:00:00Z"
    assert db.index[-1] == "2024-01-03T23:00:00Z"
    assert db.iloc[0]["cpu"] == pytest.approx(0.2 / 5 + 0.02 * 4 / 5, rel=0.05)


def test_kind_and_container_are_chosen_by_name(prometheus, tmp_path):
    services = {"two": {"kind": "DaemonSet"}, "web": {"container": "proxy", "cores": 1}}
    found = fetched(prometheus, tmp_path, replace(QUERY, days=1, source="raw", services=services))
    assert found["two"].iloc[0]["replicas"] == 1
    assert found["web"].iloc[0]["memory"] == 10 * MIB
    assert found["web"].iloc[0]["memory_request"] == 8 * MIB


def test_steps_of_five_minutes_have_the_same_columns_but_one(prometheus, tmp_path):
    web = fetched(prometheus, tmp_path, replace(QUERY, days=1, step="5min", source="raw"))["web"]
    assert list(web.columns) == [
        "cpu",
        "memory",
        "memory_max",
        "replicas",
        "cpu_limit",
        "memory_limit",
        "cpu_request",
        "memory_request",
    ]
    assert web.loc["2024-01-03T05:05:00Z", "cpu"] == pytest.approx(2.0, rel=0.02)
    assert web.loc["2024-01-03T05:30:00Z", "cpu"] == pytest.approx(0.2, rel=0.02)
    assert web["memory_max"].max() == 90 * MIB


def test_cpu_of_a_service_is_not_held_against_the_limit_of_one_container(prometheus, tmp_path):
    web = fetched(prometheus, tmp_path, replace(QUERY, step="5min", source="raw"))["web"]
    assert web["cpu"].max() > 1.5 * web["cpu_limit"].max()
    paths = [str(tmp_path / name) for name in ("usage", "clean", "validation", "report")]
    steps.validate_data(*paths, ValidationRules(min_records=100, min_days=2), NOW)
    findings = [found for each in read_document(paths[2])["services"] for found in each["findings"]]
    assert [found["text"] for found in findings if found["check"] == "limit"] == []


def test_recorded_series_are_read_where_they_reach_as_far(prometheus, tmp_path, capsys):
    web = fetched(prometheus, tmp_path, replace(QUERY, days=1))["web"]
    assert (web["cpu"] == 4.0).all()
    assert (web["memory_max"] == 80 * MIB).all()
    assert (web["memory"] < 71 * MIB).all()
    assert (web["memory_request"] == 64 * MIB).all()
    assert "from the recorded series: they hold 1.0 days" in capsys.readouterr().out


@pytest.mark.parametrize(("source", "days"), [("rules", 1), ("raw", 3)])
def test_source_can_be_named(prometheus, tmp_path, source, days):
    assert len(fetched(prometheus, tmp_path, replace(QUERY, source=source))["web"]) == days * 24


def test_real_series_without_honor_labels_and_scraped_twice_are_read_as_they_are(tmp_path):
    backfill(openmetrics(series("example-two-jobs-60s"), START), tmp_path / "data-of")
    server = PrometheusServer(tmp_path / "data-of")
    server.start()
    try:
        query = UsageQuery(days=1, namespace="shop", source="raw")
        found = fetched(server, tmp_path, query, "2024-01-01T00:15:30Z")
    finally:
        server.kill()
    assert {"api", "roll", "mesh", "db", "web-blue", "legacy-1"} <= set(found)
    assert "dup" not in found
    row, true = found["api"].loc["2024-01-01T00:10:00Z"], truth()[15, "shop", "Deployment", "api"]
    assert row["cpu"] == pytest.approx(true.cpu, rel=0.05)
    assert row["memory"] == pytest.approx(true.largest, rel=0.05)
    assert row["replicas"] == 2


@pytest.mark.parametrize(
    ("query", "now", "text"),
    [
        (replace(QUERY, namespace="shpo"), NOW, "no pod of namespace 'shpo' is known; did you mean shop?"),
        (QUERY, "2025-01-01T00:00:00Z", "no series kube_pod_owner"),
    ],
)
def test_without_usage_the_run_fails_and_says_what_to_look_at(
    prometheus, tmp_path, monkeypatch, query, now, text
):
    pushed = []
    monkeypatch.setattr("predictive_scaling.steps.fetching.push_data", lambda *given: pushed.append(given))
    with pytest.raises(InputError, match=text.replace("?", r"\?")):
        fetched(prometheus, tmp_path, query, now)
    assert pushed == [({}, 0)]
    arguments = ["fetch", "--url", prometheus.url, "--output", str(tmp_path / "usage"), "--now", now]
    assert main([*arguments, "--namespace", query.namespace]) == 1


def test_what_the_services_are_is_written_with_the_container_that_memory_is_of(prometheus, tmp_path):
    arguments = [
        "--url",
        prometheus.url,
        "--output",
        str(tmp_path / "usage"),
        "--now",
        NOW,
        "--namespace",
        "shop",
    ]
    assert (
        main(["fetch", *arguments, "--service", "web=/proxy", "--shapes", str(tmp_path / "shapes.json")]) == 0
    )
    found = read_shapes(read_document(tmp_path / "shapes.json"), "shapes")
    web = next(each for each in found if each.service == "web")
    assert (web.kind, web.namespace, web.main) == ("Deployment", "shop", "proxy")
    assert web.main_container.requests.memory == 8 * MIB


def test_series_of_several_clusters_are_told_apart_by_a_selector(prometheus, tmp_path):
    query = replace(QUERY, namespace="far", source="raw", days=1)
    with pytest.raises(InputError, match="series of 2 clusters: east, west; name one with --selector"):
        fetched(prometheus, tmp_path, query)
    assert (
        fetched(prometheus, tmp_path, replace(query, selector='cluster="west"'))["db"].iloc[5]["replicas"]
        == 1
    )


def test_recorded_series_of_several_namespaces_are_refused(prometheus, tmp_path):
    with pytest.raises(InputError, match="series of 2 namespaces: far, shop; name one with --namespace"):
        fetched(prometheus, tmp_path, replace(QUERY, namespace="", days=1))


def test_expression_without_rules_can_be_backfilled(prometheus, tmp_path):
    """promtool evaluates each rule by itself, so one that builds on another gives it nothing."""
    rule = {"record": "shop:cpu", "expr": expressions.cores(Selection("shop"))}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "shop", "rules": [rule]}]}))
    span = [
        "--start",
        str(END - DAY),
        "--end",
        str(END),
        "--eval-interval",
        "5m",
        "--output-dir",
        str(tmp_path / "data"),
    ]
    command = [program("promtool"), "tsdb", "create-blocks-from", "rules", "--url", prometheus.url, *span]
    done = subprocess.run(
        [*command, str(tmp_path / "rules.yaml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    listed = subprocess.run(
        [program("promtool"), "tsdb", "list", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        check=True,
    )
    samples = sum(int(line.split()[4]) for line in listed.stdout.splitlines()[1:])
    assert samples > 288 * 2


def test_raw_series_are_of_one_namespace(prometheus, tmp_path):
    with pytest.raises(InputError, match="raw series are read of one namespace"):
        fetched(prometheus, tmp_path, replace(QUERY, namespace="", source="raw"))


@pytest.mark.parametrize("text", ['cluster="east"}', "cluster=east", 'a="b" c="d"', "cluster"])
def test_selector_that_is_no_list_of_matchers_is_refused(text):
    with pytest.raises(InputError, match="write label matchers"):
        replace(QUERY, selector=text)
    assert replace(QUERY, selector='cluster="east", zone!~"a,b|c\\"d"').selector


def test_of_a_chunk_that_was_kept_nothing_is_asked_again_at_a_later_time(prometheus, tmp_path, monkeypatch):
    from predictive_scaling.usage import asking

    asked, original = [], asking.query_range

    def counting(server, expression, span, told):
        asked.append(span.start)
        return original(server, expression, span, told)

    monkeypatch.setattr(asking, "query_range", counting)
    kept = str(tmp_path / "kept")
    for now in ("2024-01-03T22:30:00Z", "2024-01-03T23:30:00Z"):
        asked.clear()
        steps.fetch_usage(
            str(tmp_path / "usage"), prometheus.url, replace(QUERY, days=2, source="raw"), kept, "run", now
        )
    assert set(asked) == {
        END - 2 * DAY,
        END - DAY + HOUR,
    }  # the first and the last day, not that between


@pytest.mark.parametrize(
    ("source", "step"), [("raw", "5min"), ("rules", "5min"), ("auto", "1h"), ("auto", "15min")]
)
def test_what_was_kept_and_what_is_new_is_what_there_is(prometheus, tmp_path, capsys, source, step):
    query, registry = replace(QUERY, source=source, step=step), str(tmp_path / "registry")
    for at, now in enumerate(("2024-01-03T10:05:10Z", "2024-01-03T13:07:20Z", NOW)):
        path = str(tmp_path / f"extended-{at}")
        steps.fetch_usage(path, prometheus.url, query, registry, f"run-{at}", now, keep_usage="extend")
        said = capsys.readouterr().out
        assert ("had been kept" in said) is (at > 0), said
        steps.fetch_usage(str(tmp_path / "whole"), prometheus.url, query, "", "", now)
        pd.testing.assert_frame_equal(load_usage(path), load_usage(str(tmp_path / "whole")))
