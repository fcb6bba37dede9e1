"""Recurring runs: rules of creation, and when they fire, with a clock that is moved."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from devserver_irs import Raw, ir
from kfp_server_api import ApiException

CRON = {"cron_schedule": {"cron": "0 0 2 * * *"}}


@pytest.fixture
def world(make_world):
    """Nothing executes, so that what has fired stays active until the test ends it."""
    return make_world(parallel=0)


def body(world, **changes):
    whole = {
        "display_name": "nightly",
        "pipeline_version_reference": {"pipeline_id": world.pipeline, "pipeline_version_id": world.version},
        "runtime_config": {"parameters": {"n": 4}},
        "max_concurrency": 1,
        "trigger": CRON,
        "mode": "ENABLE",
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not None}


def send(world, **changes):
    return Raw(world.server.url).send("POST", "api:/recurringruns", body(world, **changes))


def finish(world, schedule):
    """End all runs of a schedule."""
    for run in world.client.list_runs(page_size=200).runs or []:
        if run.recurring_run_id == schedule and run.state == "PENDING":
            world.client.terminate_run(run.run_id)


def move(world, **by):
    """Move the clock and let the schedules see it."""
    world.server.clock.advance(**by)
    world.server.tick()


def test_the_sdk_creates_and_reads_one(world):
    key = world.schedule("0 0 2 * * *", params={"n": 5}, max_concurrency=2, no_catchup=True, description="d")
    found = world.client.get_recurring_run(key)
    assert (found.status, found.mode, found.max_concurrency, found.no_catchup) == (
        "ENABLED",
        "ENABLE",
        "2",
        True,
    )
    assert found.runtime_config.parameters == {"n": 5}
    assert found.trigger.cron_schedule.cron == "0 0 2 * * *"
    assert found.pipeline_version_reference.pipeline_version_id == world.version
    assert world.client.list_recurring_runs(experiment_id=world.experiment).total_size == 1
    with pytest.raises(ApiException) as error:
        world.client.list_recurring_runs(experiment_id="other")
    assert error.value.status == 404


def test_names_need_not_be_unique_and_are_filtered_by(world):
    for name in ("a", "a", "b"):
        world.schedule(job_name=name)
    by_name = {"predicates": [{"key": "display_name", "operation": "EQUALS", "stringValue": "a"}]}
    assert world.client.list_recurring_runs(filter=json.dumps(by_name)).total_size == 2


def test_intervals_and_inline_specs(world):
    key = world.schedule(None, interval_second=3600)
    assert world.client.get_recurring_run(key).trigger.periodic_schedule.interval_second == "3600"
    status, made = send(world, pipeline_version_reference=None, pipeline_spec=ir())
    assert (status, made["pipeline_spec"]) == (200, ir())


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"max_concurrency": None}, 400),
        ({"max_concurrency": 0}, 400),
        ({"max_concurrency": 11}, 400),
        ({"max_concurrency": "10"}, 200),
        ({"max_concurrency": 1.5}, 400),
        ({"max_concurrency": "9" * 19}, 400),
        ({"max_concurrency": True}, 400),
        ({"trigger": {"cron_schedule": {"cron": "0 0 2 * * 7"}}}, 400),
        ({"trigger": {"cron_schedule": {"cron": "0 2 * * *"}}}, 200),
        ({"trigger": {"cron_schedule": {"cron": ""}}}, 400),
        ({"trigger": {"cron_schedule": {"cron": "@daily", "start_time": "soon"}}}, 400),
        ({"trigger": {"periodic_schedule": {"interval_second": 0}}}, 400),
        ({"trigger": {"periodic_schedule": {"interval_second": "1"}}}, 200),
        ({"trigger": {"periodic_schedule": {"interval_second": 60}, **CRON}}, 400),
        ({"trigger": None}, 200),
        ({"trigger": {"weekly": {}}}, 400),
        ({"mode": "SOMETIMES"}, 400),
        ({"display_name": None}, 500),
        ({"display_name": "n" * 255}, 200),
        ({"display_name": "n" * 256}, 500),
        ({"description": "d" * 256}, 500),
        ({"experiment_id": "unknown"}, 404),
        ({"pipeline_version_reference": {"pipeline_id": "{id}", "pipeline_version_id": "unknown"}}, 500),
        ({"pipeline_version_reference": {"pipeline_id": "{id}"}}, 200),
        ({"pipeline_version_reference": {"pipeline_id": "unknown"}}, 404),
        ({"pipeline_version_reference": {"pipeline_version_id": "unknown"}}, 500),
        ({"pipeline_version_reference": None}, 500),
        ({"pipeline_spec": ir()}, 400),
        ({"pipeline_version_reference": None, "pipeline_spec": {"x": 1}}, 400),
        ({"pipeline_version_reference": None, "pipeline_spec": {"pipeline_spec": ["x"]}}, 400),
        ({"runtime_config": {"parameters": {"unknown": 1}}}, 400),
        ({"runtime_config": {"parameters": {"n": "three"}}}, 400),
        ({"runtime_config": {"parameters": {"behave": None}}}, 400),
        ({"runtime_config": {"parameters": {"behave": True}}}, 400),
        ({"runtime_config": {"parameters": {"n": True}}}, 400),
        ({"runtime_config": {"parameters": [1]}}, 400),
        ({"runtime_config": None}, 200),
        ({"no_catchup": "yes"}, 400),
        ({"colour": "red"}, 400),
    ],
)
def test_rules_of_creation(world, changes, status):
    changes = json.loads(json.dumps(changes).replace("{id}", world.pipeline))
    got, reply = send(world, **changes)
    assert got == status, reply


@pytest.mark.parametrize("pinned", [True, False])
def test_missing_parameters_are_refused_in_both_modes(world, tmp_path, pinned):
    needs = ir()
    needs["root"]["inputDefinitions"]["parameters"]["must"] = {"parameterType": "STRING"}
    world.package.write_text(json.dumps(needs))
    world.server.clock.advance(seconds=1)  # which of two of one second is the latest, chance decides
    version = world.upload_version("v2").pipeline_version_id
    reference = {"pipeline_id": world.pipeline} | ({"pipeline_version_id": version} if pinned else {})
    status, reply = send(world, pipeline_version_reference=reference)
    assert status == 400
    assert "must is not optional" in reply["message"]


def test_there_is_no_update(world):
    assert Raw(world.server.url).send("PATCH", f"api:/recurringruns/{world.schedule()}", {})[0] == 501


def test_fires_at_its_ticks_and_one_at_a_time_when_behind(world):
    key = world.schedule()
    world.server.tick()
    assert world.fired(key) == []
    move(world, minutes=3)
    assert world.fired(key) == ["23T00:01:00"]
    for seconds in (9, 1, 10):
        finish(world, key)
        move(world, seconds=seconds)
    assert world.fired(key) == ["23T00:01:00", "23T00:02:00", "23T00:03:00"]


def test_concurrency_counts_active_runs(world):
    key = world.schedule(max_concurrency=2)
    for moved in (300, 10, 10):
        move(world, seconds=moved)
    assert len(world.fired(key)) == 2


def test_what_is_to_catch_up_comes_ten_seconds_apart(world):
    """Also within one tick's reach, and whatever the schedule: controller.go looks at it again no sooner."""
    key = world.schedule("* * * * * *", max_concurrency=10)
    for _ in range(21):
        move(world, seconds=1)
    assert world.fired(key) == ["23T00:00:31", "23T00:00:32", "23T00:00:33"]


def test_no_catchup_gives_one_run_for_several_missed_ticks(world):
    key = world.schedule(no_catchup=True)
    move(world, minutes=5)
    finish(world, key)
    world.server.tick()
    assert world.fired(key) == ["23T00:05:00"]


@pytest.mark.parametrize("no_catchup", [True, False])
def test_created_disabled_before_a_tick_and_enabled_after_it_fires_for_it(world, no_catchup):
    key = world.schedule(enabled=False, no_catchup=no_catchup)
    move(world, minutes=1)
    assert world.fired(key) == []
    world.client.enable_recurring_run(key)
    world.server.tick()
    assert world.fired(key) == ["23T00:01:00"]


def test_enabling_after_a_pause_fires_at_once_for_the_missed_tick(world):
    key = world.schedule()
    move(world, minutes=1)
    finish(world, key)
    world.client.disable_recurring_run(key)
    move(world, minutes=1)
    assert world.fired(key) == ["23T00:01:00"]
    world.client.enable_recurring_run(key)
    world.server.tick()
    assert world.fired(key) == ["23T00:01:00", "23T00:02:00"]


def test_an_interval_starts_its_phase_at_creation(world):
    key = world.schedule(None, interval_second=60)
    move(world, seconds=59)
    assert world.fired(key) == []
    move(world, seconds=1)
    assert world.fired(key) == ["23T00:01:30"]


def test_an_interval_without_catchup_starts_anew_from_now(world):
    key = world.schedule(None, interval_second=60, no_catchup=True)
    move(world, seconds=200)
    finish(world, key)
    move(world, seconds=59)
    assert world.fired(key) == ["23T00:03:50"]
    move(world, seconds=1)
    assert world.fired(key) == ["23T00:03:50", "23T00:04:50"]


def test_start_time_counts_instead_of_creation_also_in_the_past(world):
    key = world.schedule(start_time="2026-11-22T23:58:30Z", max_concurrency=10)
    world.server.tick()
    move(world, seconds=10)
    assert world.fired(key) == ["22T23:59:00", "23T00:00:00"]
    later = world.schedule(start_time="2026-11-23T01:00:00Z")
    move(world, minutes=60)
    assert world.fired(later) == []
    move(world, minutes=1)
    assert world.fired(later) == ["23T01:01:00"]


def test_nothing_fires_after_end_time(world):
    key = world.schedule(end_time="2026-11-23T00:02:00Z", max_concurrency=10)
    once = world.schedule(end_time="2026-11-23T00:02:30Z", no_catchup=True)
    never = world.schedule(None, interval_second=600, end_time="2026-11-23T00:02:00Z")
    for moved in (1800, 10, 10):
        move(world, seconds=moved)
    assert world.fired(key) == ["23T00:01:00", "23T00:02:00"]
    assert world.fired(once) == ["23T00:02:00"]
    assert world.fired(never) == []


def test_without_a_trigger_it_runs_once(world):
    _, made = send(world, trigger=None, max_concurrency=5)
    for _ in range(3):
        move(world, minutes=1)
    assert world.fired(made["recurring_run_id"]) == ["23T00:00:30"]


def test_a_cron_that_never_fires_never_fires(world):
    key = world.schedule("0 0 0 30 2 *")
    move(world, days=400)
    assert world.fired(key) == []


def test_pinned_keeps_its_spec_and_latest_takes_the_newest(world, clock):
    _, latest = send(
        world, pipeline_version_reference={"pipeline_id": world.pipeline}, trigger=None, mode="DISABLE"
    )
    _, pinned = send(world, trigger=None, mode="DISABLE")
    clock.advance(seconds=5)
    world.package.write_text(json.dumps(ir("newer")))
    newer = world.upload_version("newer").pipeline_version_id
    world.client.delete_pipeline_version(world.pipeline, world.version)
    for schedule in (latest, pinned):
        world.client.enable_recurring_run(schedule["recurring_run_id"])
    world.server.tick()
    used = {
        run.recurring_run_id: run.pipeline_version_reference.pipeline_version_id
        for run in world.client.list_runs().runs
    }
    assert used == {latest["recurring_run_id"]: newer, pinned["recurring_run_id"]: world.version}
    # The reply for latest mode names no version, as what it will run is not settled.
    assert latest["pipeline_version_reference"] == {"pipeline_id": world.pipeline}


def test_latest_waits_when_there_is_no_version(world):
    _, made = send(world, pipeline_version_reference={"pipeline_id": world.pipeline}, trigger=None)
    world.client.delete_pipeline_version(world.pipeline, world.version)
    world.server.tick()
    assert world.fired(made["recurring_run_id"]) == []
    world.upload_version("v2")
    world.server.tick()
    assert len(world.fired(made["recurring_run_id"])) == 1


def test_runs_of_a_schedule_are_named_by_it(world):
    key = world.schedule(params={"n": 7}, job_name="Nightly-Report")
    move(world, minutes=1)
    [run] = world.client.list_runs().runs
    assert run.display_name.startswith("nightly-report")
    assert (run.recurring_run_id, run.runtime_config.parameters) == (key, {"n": 7})
    assert run.scheduled_at == datetime(2026, 11, 23, 0, 1, tzinfo=UTC)
