"""The official client on a thousand objects of each kind: pages of every size hold each once, by every order."""

from __future__ import annotations

import json

import kfp
import pytest
from devserver_irs import connect
from kfp_gitops.devserver.records import Experiment, Pipeline, RecurringRun, Run, Version

COUNT = 1000


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A thousand of each were put into the store; one in ten of a second, as a burst of registrations gives."""
    from kfp_gitops.devserver import DevServer, Faults

    with DevServer(tmp_path_factory.mktemp("thousand"), faults=Faults()) as server:
        store = server._store
        with store.transaction():
            store.experiments.insert(Experiment("e", "all", "", "", 1))
            store.pipelines.insert(Pipeline("p", "holder", "holder", "", "", 1, {}))
            for n in range(COUNT):
                at = 1_700_000_000 + n // 10
                store.pipelines.insert(
                    Pipeline(f"p{n}", f"p-{n:04}", f"p-{n:04}", "", "", at, {"kind": f"k{n % 4}"})
                )
                store.versions.insert(
                    Version(f"v{n}", "p", f"v-{n:04}", f"v-{n:04}", "", at, {}, {"even": str(n % 2 == 0)})
                )
                store.experiments.insert(Experiment(f"e{n}", f"e-{n:04}", "", "", at))
                store.recurring_runs.insert(_recurring(n, at))
                store.runs.insert(_run(n, at))
        yield connect(server)


def _recurring(n: int, at: int) -> RecurringRun:
    return RecurringRun(
        id=f"s{n}", display_name=f"s-{n:04}", description="", namespace="", experiment_id="e", pipeline_id="p",
        version_id=f"v{n}", service_account="", max_concurrency=1, enabled=False, no_catchup=True, created=at,
        updated=at, resource_name=f"s{n}", spec={}, runtime_config={}, trigger={"cron_schedule": {"cron": "@daily"}},
    )  # fmt: skip


def _run(n: int, at: int) -> Run:
    return Run(
        id=f"r{n}", display_name=f"r-{n:04}", description="", namespace="", experiment_id="e", pipeline_id="p",
        version_id=f"v{n}", recurring_run_id=f"s{n % 50}", service_account="", created=at, scheduled=at, spec={},
        runtime_config={}, state="FAILED" if n % 5 == 0 else "SUCCEEDED", finished=at + 1,
    )  # fmt: skip


def _all(client: kfp.Client, what: str, **more) -> list:
    """By the SDK's high-level list methods, as the documentation shows it."""
    calls = {
        "pipelines": client.list_pipelines,
        "pipeline_versions": lambda **page: client.list_pipeline_versions("p", **page),
        "experiments": lambda **page: client.list_experiments(namespace="", **page),
        "recurring_runs": client.list_recurring_runs,
        "runs": lambda **page: client.list_runs(experiment_id="e", **page),
    }
    found, token, sizes = [], "", set()
    while True:
        page = calls[what](page_token=token, **more)
        items = getattr(page, what) or []
        found += items
        sizes.add(page.total_size or 0)
        token = page.next_page_token
        if not token:
            assert sizes == {len(found)}
            return found


@pytest.mark.parametrize("size", [90, 5000])
@pytest.mark.parametrize("what", ["pipelines", "pipeline_versions", "experiments", "recurring_runs", "runs"])
def test_pages_of_every_size_hold_each_once(client, what, size):
    found = _all(client, what, page_size=size)
    names = [item.display_name for item in found]
    assert len(set(names)) == len(names)
    assert len([name for name in names if name[1] == "-"]) == COUNT


@pytest.mark.parametrize("what", ["pipelines", "pipeline_versions", "experiments", "recurring_runs", "runs"])
@pytest.mark.parametrize("order", ["name desc", "created_at"])
def test_orders_go_through_all_pages(client, what, order):
    found = [item for item in _all(client, what, page_size=200, sort_by=order) if item.display_name[1] == "-"]
    keys = [item.display_name if "name" in order else item.created_at for item in found]
    assert keys == sorted(keys, reverse=order.endswith("desc"))


def _filter(*predicates: tuple[str, str, str | list[str]]) -> str:
    found = []
    for key, operation, value in predicates:
        given = {"stringValues": {"values": value}} if isinstance(value, list) else {"stringValue": value}
        found.append({"key": key, "operation": operation, **given})
    return json.dumps({"predicates": found})


@pytest.mark.parametrize(
    ("what", "predicates", "count"),
    [
        ("pipelines", [("name", "EQUALS", "p-0042")], 1),
        ("pipelines", [("display_name", "IS_SUBSTRING", "p-00")], 100),
        ("pipelines", [("tags.kind", "EQUALS", "k1")], 250),
        ("pipelines", [("name", "IN", ["p-0001", "p-0002", "nobody"])], 2),
        ("pipeline_versions", [("tags.even", "EQUALS", "True")], 500),
        ("experiments", [("display_name", "NOT_EQUALS", "e-0000")], 1001),
        ("recurring_runs", [("display_name", "EQUALS", "s-0999")], 1),
        ("runs", [("state", "EQUALS", "FAILED")], 200), ("runs", [("recurring_run_id", "EQUALS", "s7")], 20),
        ("runs", [("state", "EQUALS", "FAILED"), ("recurring_run_id", "EQUALS", "s5")], 20),
        ("runs", [("state", "IN", ["RUNNING", "PENDING"])], 0),
    ],
)  # fmt: skip
def test_filters_go_through_all_pages(client, what, predicates, count):
    assert len(_all(client, what, page_size=30, filter=_filter(*predicates))) == count
