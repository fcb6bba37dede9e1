"""Grafana's dashboards: sane by themselves; each query is of what is pushed, and a real Prometheus answers it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from dashboard_kit import FOLDER, Query, asked_by_variables, board, panels, prometheus, queries
from kfp_gitops.base import metrics
from predictive_scaling.base.clock import iso
from predictive_scaling.base.web import Server
from predictive_scaling.tell import gauges, pushing
from prometheus_client import CollectorRegistry
from servers.prometheus import PrometheusServer, PushgatewayServer

BOARDS = sorted(path.stem for path in FOLDER.glob("*.json"))
OURS = {"job", "instance"}
"""Labels that each series has by how it comes to Prometheus."""
ALERTS = {"alertname", "alertstate", "severity", "environment", "pipeline", "team"}
"""Of the series that Prometheus itself makes of alerts."""


def _reports() -> list[tuple[metrics.Report, int]]:
    """All that commands tell, everything of it worth telling."""
    promised = metrics.Promised(93600, 2700, time.time() - 100_000, 3000, frozenset({"fresh", "duration"}))
    status = metrics.Report(
        "prod",
        "status",
        drift=2,
        faults=1,
        missed={("p", "p-daily"): 3},
        failed={"p": True},
        promises={"p": promised},
        teams={"p": "team-a"},
    )
    plan = metrics.Report("prod", "plan", drift=2)
    apply = metrics.Report("prod", "apply", objects={("create", "version"): 2}, moved=[1])
    return [(status, 1), (plan, 1), (apply, 4), (metrics.Report("prod", "disable"), 0)]


def _told() -> dict[str, set[str]]:
    """Metric → its labels, by what is really registered for a push."""
    found: dict[str, set[str]] = {}
    for report, code in _reports():
        registry = CollectorRegistry()
        metrics._register(registry, report, code)
        for family in registry.collect():
            for sample in family.samples:
                found.setdefault(sample.name, {"environment", "command", *OURS}).update(sample.labels)
    return found


def _recommended(document: Mapping[str, Any]) -> dict[str, set[str]]:
    """The same of a recommendation, and of what its runs push."""
    place = {"environment", "namespace", *OURS}
    found = {f"{gauges.PREFIX}{name}": {*place, "pipeline", "task"} for name in gauges.HELP if "run_" in name}
    found |= {f"{gauges.PREFIX}quality_score": {*place, "task", "service"}}
    for of_service in gauges.gauges(document, with_floors=True).values():
        for one in of_service:
            found.setdefault(f"{gauges.PREFIX}{one.name}", {*place, "service"}).update(dict(one.labels))
    return found


def _recorded(*rules: str) -> dict[str, set[str]]:
    """What rules record of it: of services, and what their own `by` keeps."""
    names = (path for name in rules for path in [FOLDER.parent / "prometheus" / name])
    groups = [group for path in names for group in yaml.safe_load(path.read_text("utf-8"))["groups"]]
    records = {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}
    return {name: {"environment", "namespace", "service"} for name in records}


def _document() -> dict[str, Any]:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    metric = {"unit": "cores", "source": "profile_level", "accuracy": 0.87, "skill": 0.06, "over95": 0.05}
    floors = [{"start": iso(now + timedelta(hours=hour)), "replicas": 3, "wanted": 5} for hour in range(24)]
    cpu = {**metric, "request": 1.5, "max_replicas": 3, "floors": floors}
    memory = {"unit": "bytes", "source": "fallback", "reason": "short", "request": 1e9}
    return {
        "schema": "predictive-scaling/v1",
        "run_id": "r",
        "generated_at": iso(now),
        "valid_until": iso(now + timedelta(hours=30)),
        "granularity": "1h",
        "horizon_hours": 24,
        "services": [{"service": "checkout", "cpu": cpu, "memory": memory}],
    }


KNOWN = {
    "kfp-gitops": {**_told(), "ALERTS": ALERTS},
    "predictive-scaling": {**_recommended(_document()), **_recorded("floor-rules.yaml")},
}
ASKED = [(name, query) for name in BOARDS for query in queries(board(name))]


def test_the_boards_are_those_that_are_known_here() -> None:
    assert sorted(KNOWN) == BOARDS


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_can_be_imported_as_it_is(name: str) -> None:
    """Whatever a Grafana calls its Prometheus, and beside the boards that it has: its uid is its own."""
    found = board(name)
    assert (found["uid"], found["id"], found["schemaVersion"]) == (name, None, 38)
    assert found["title"] and found["description"]
    assert "__inputs" not in found  # it asks for nothing at the import
    ids = [panel["id"] for panel in found["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in panels(found):
        assert panel["title"] and panel["description"], panel["id"]
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
        assert panel["type"] in {"stat", "table", "timeseries", "bargauge", "state-timeline"}  # Grafana's own


@pytest.mark.parametrize("name", BOARDS)
def test_panels_fill_the_width_and_none_lies_upon_another(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board(name)["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_is_used_and_every_one_that_is_used_is_there(name: str) -> None:
    found = board(name)
    declared = {variable["name"] for variable in found["templating"]["list"]}
    text = str(found["panels"])
    assert [one for one in declared if f"${one}" not in text and f"${{{one}}}" not in text] == []
    used = {word for query in queries(found) for word in _variables(query.expression)}
    assert used <= declared


def _variables(text: str) -> set[str]:
    return {part.partition('"')[0] for part in text.split("$")[1:]}


@pytest.mark.parametrize(("name", "query"), ASKED, ids=lambda found: getattr(found, "panel", found))
def test_a_query_is_of_what_is_pushed_by_labels_that_it_has(name: str, query: Query) -> None:
    known = KNOWN[name]
    assert query.metrics
    assert query.metrics.keys() <= known.keys()
    for metric, labels in query.metrics.items():
        assert labels <= known[metric], metric
    assert query.grouped_by <= set[str]().union(*(known[metric] for metric in query.metrics))
    assert query.named <= query.grouped_by


@pytest.mark.parametrize("name", BOARDS)
def test_what_variables_list_is_a_label_of_what_is_pushed(name: str) -> None:
    for variable, query, label in asked_by_variables(board(name)):
        assert variable == label
        for metric, labels in query.metrics.items():
            assert {*labels, label} <= KNOWN[name][metric]


@pytest.mark.parametrize("metric", sorted(KNOWN["kfp-gitops"]))
def test_everything_that_commands_push_is_on_the_board(metric: str) -> None:
    assert any(metric in query.metrics for query in queries(board("kfp-gitops")))


# as a real Prometheus answers


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    folder = tmp_path_factory.mktemp("dashboards")
    gateway = PushgatewayServer(folder / "gateway")
    found = prometheus(folder / "prometheus", gateway, "kfp-gitops-rules.yaml", "floor-rules.yaml")
    gateway.start()
    for report, code in _reports():
        assert metrics.push(gateway.url, report, code) is None
    with pytest.MonkeyPatch.context() as patch:
        _recommend(gateway, patch)
    found.start()
    yield found
    found.kill()
    gateway.kill()


def _recommend(gateway: PushgatewayServer, patch: pytest.MonkeyPatch) -> None:
    for name, value in {"ENVIRONMENT": "prod", "NAMESPACE": "shop"}.items():
        patch.setenv(f"PREDICTIVE_SCALING_{name}", value)
    at = Server("PUSHGATEWAY", gateway.url)
    pushing.push_recommendation(at, _document(), with_floors=True)
    pushing.push_run(
        at,
        {"task": "validate-data"},
        [gauges.Gauge("run_rows", (), 100.0), gauges.Gauge("quality_score", (("service", "checkout"),), 0.9)],
    )
    of_run = [gauges.Gauge(name, (), 1.0) for name in ("run_success", "run_duration_seconds")]
    ended = gauges.Gauge("run_last_success_seconds", (), time.time() - 60)
    pushing.push_run(at, {"pipeline": "predictive-scaling"}, [*of_run, ended])


def _answered(server: PrometheusServer, expression: str) -> list[dict[str, Any]]:
    """Until what was pushed is scraped, and what is recorded of it recorded."""
    end = time.monotonic() + 30
    while not (found := server.query(expression)) and time.monotonic() < end:
        time.sleep(0.1)
    return found


@pytest.mark.parametrize(("name", "query"), ASKED, ids=lambda found: getattr(found, "panel", found))
def test_a_real_prometheus_answers_each_query_with_the_labels_that_its_legend_names(
    server: PrometheusServer, name: str, query: Query
) -> None:
    found = _answered(server, query.of_all)
    assert found, f"{name}: {query.of_all}"
    for series in found:
        assert query.named <= series["metric"].keys()
        assert query.kind == "table" or query.named, "series without a name"
        assert series["value"][1] != "NaN"


@pytest.mark.parametrize("name", BOARDS)
def test_a_real_prometheus_lists_the_values_of_each_variable(server: PrometheusServer, name: str) -> None:
    for variable, query, label in asked_by_variables(board(name)):
        assert any(series["metric"].get(label) for series in _answered(server, query.of_all)), variable
