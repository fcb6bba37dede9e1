"""Between plan and apply something moves: nothing is changed, and what moved is named. Time moves nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from approved_kit import OTHER, OWNER, World, served
from kfp_gitops.base.errors import RemoteError
from kfp_gitops.kfpserver.ownership import describe
from kfp_gitops.reconcile.desired import load, reviewed
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Options
from server_kit import FAKE

IR = """
components: {comp-a: {executorLabel: exec-a}}
deploymentSpec: {executors: {exec-a: {container: {image: 'x', command: [echo]}}}}
pipelineInfo: {name: hello}
root: {dag: {tasks: {a: {componentRef: {name: comp-a}, taskInfo: {name: a}}}}}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
"""


def _version(world: World, pinned: bool) -> str:
    """The name of the version that the schedule pins, or of the one before it."""
    found = world.pipeline.versions.values()
    (name,) = (item.name for item in found if (item.id == world.schedule.version_id) is pinned)
    return name


def _id(world: World, pinned: bool) -> str:
    return world.pipeline.versions[_version(world, pinned)].id


def _wanted(world: World) -> str:
    return load(world.root / "manifests/dev", "dev", world.server.url).pipelines[0].version


def _upload(world: World, name: str) -> None:
    world.api.upload_version(world.pipeline.id, name, IR, "by hand")


def _squat(world: World) -> None:
    _upload(world, _wanted(world))


def _delete_old_version(world: World) -> None:
    world.api.delete_version(world.pipeline.id, _id(world, pinned=False))


def _pin_old_version(world: World) -> None:
    reference = {"pipeline_id": world.pipeline.id, "pipeline_version_id": _id(world, pinned=False)}
    world.add_schedule("theirs", "by hand", pipeline_version_reference=reference)


def _use_old_version(world: World) -> None:
    world.start_run("theirs", _id(world, pinned=False))


def _anew(world: World) -> None:
    """The pipeline, deleted and made anew: its schedule stays, and names the old id."""
    old = world.pipeline
    for found in old.versions.values():
        world.api.delete_version(old.id, found.id)
    world.api.delete_pipeline(old.id)
    world.api.create_pipeline("hello", describe(OWNER, "as before"))


def _take_over(world: World) -> None:
    """In its tags; what its description says counts first."""
    with suppress(RemoteError):
        world.api.adopt_pipeline(world.pipeline, OTHER)


def _in_flight(world: World) -> None:
    world.start_run("late", world.schedule.version_id or "", recurring_run_id=world.schedule.id)


def _second_enabled(world: World) -> None:
    world.add_schedule("hello-weekly", describe(OWNER, attempt="2"))


def _values(*pairs: tuple[str, str]) -> Callable[[World], None]:
    return lambda world: world.edit("environments/dev/values.yaml", *pairs)


def _base(*pairs: tuple[str, str]) -> Callable[[World], None]:
    return lambda world: world.edit("environments/base.yaml", *pairs)


def _option(*more: str) -> Callable[[World], None]:
    return lambda world: setattr(world, "more", more)


def _pause(world: World) -> None:
    assert world.run("pause", "--until", "8h", "--reason", "tests").code == 0


MOVEMENTS: dict[str, tuple[Callable[[World], None], str]] = {
    "a version is deleted": (_delete_old_version, "version hello "),
    "somebody uploads a version": (lambda w: _upload(w, "theirs"), "version hello theirs: "),
    "somebody takes the name of the version": (_squat, "version hello sha-"),
    "somebody pins an old version": (_pin_old_version, "pinnedByOthers: nothing → true"),
    "somebody runs an old version": (_use_old_version, 'do: "delete" → nothing'),
    "a schedule is disabled": (lambda w: w.api.disable_schedule(w.schedule.id), "live.enabled: true → false"),
    "a schedule is deleted": (lambda w: w.api.delete_schedule(w.schedule.id), "schedule hello-weekly: "),
    "a schedule is made anew": (World.recreate_schedule, "live.id: "),
    "a schedule has another cron": (
        lambda w: w.recreate_schedule(trigger={"cron_schedule": {"cron": "0 * * * * *"}}),
        'live.cron: "0 0 3 * * 1" → "0 * * * * *"',
    ),
    "a schedule has other parameters": (
        lambda w: w.recreate_schedule(runtime_config={"parameters": {"threshold": 99}}),
        "live.parameters.threshold: nothing → 99",
    ),
    "a schedule runs as another account": (
        lambda w: w.recreate_schedule(service_account="admin"), "schedule hello-weekly: ",
    ),
    "a schedule runs more at once": (
        lambda w: w.recreate_schedule(max_concurrency="9"), "live.maxConcurrency: 1 → 9",
    ),
    "a schedule catches up": (lambda w: w.recreate_schedule(no_catchup=False), "live.catchup: false → true"),
    "a schedule is there twice": (_second_enabled, "schedule hello-weekly: "),
    "a schedule of ours of another name": (
        lambda w: w.add_schedule("hello-old", describe(OWNER)), "schedule hello-old: ",
    ),
    "somebody takes the name of a schedule": (
        lambda w: w.recreate_schedule(description=describe(OTHER)), "schedule hello-weekly: ",
    ),
    "a run that the replacement waits for": (_in_flight, "once its runs have ended"),
    "the experiment is archived": (
        lambda w: w.api.archive_experiment(w.api.experiment_id("hello-dev")), "live.archived: false → true",
    ),
    "the pipeline is made anew": (_anew, "pipeline hello: "),
    "somebody takes over the pipeline": (_take_over, "live.tags"),
    "the environment is paused": (_pause, "wanted.pausedUntil: nothing → "),
    "the server is upgraded": (lambda w: w.restart(version="2.18.0"), 'live.kfp: "2.17.0" → "2.18.0"'),
    "other values": (_base(("threshold: 3", "threshold: 4")), "wanted.version: "),
    "another schedule": (_base(("0 0 3 * * 1", "0 0 4 * * 1")), 'wanted.cron: "0 0 3 * * 1" → "0 0 4 * * 1"'),
    "the pipeline is paused": (
        _values(("  hello:\n", "  hello:\n    state: paused\n    until: '2027-01-31T06:00:00Z'\n")),
        'wanted.pausedUntil: nothing → "2027-01-31T06:00:00Z"',
    ),
    "a tombstone": (
        _values(("  hello:\n    values:\n      name: dev\n", "  gone: {state: absent}\n")),
        'pipeline gone: wanted.absent: nothing → "schedules"',
    ),
    "the environment is turned off": (_values(("follows:", "state: disabled\nfollows:")), "wanted.disabled: "),
    "more versions stay": (_base(("keep: 0", "keep: 1")), "wanted.keepVersions: 0 → 1"),
    "another repository": (
        _base(("id: example-repository", "id: example-repository-2")), "environment dev: wanted.owner: ",
    ),
    "--adopt": (_option("--adopt", "hello"), "environment dev: wanted.adopt: "),
    "--no-triggers": (_option("--no-triggers"), "environment dev: wanted.triggers: true → false"),
    "--refresh-stale": (_option("--refresh-stale"), "environment dev: wanted.refreshStale: false → true"),
}  # fmt: skip


@pytest.mark.parametrize("movement", MOVEMENTS)
def test_what_moves_between_plan_and_apply_is_refused_and_named(world: World, movement: str) -> None:
    move, named = MOVEMENTS[movement]
    digits = world.planned()
    move(world)
    before = world.writes()
    outcome = world.run("apply", "--plan", digits, *world.more)
    assert outcome.code == 5, outcome
    assert f"plan {digits} was approved, now it is plan " in outcome.err
    assert named in outcome.err
    assert "nothing was changed" in outcome.err
    assert world.writes() == before


def test_another_server_is_another_plan(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    digits = world.planned()
    with served(tmp_path_factory.mktemp("other"), world.clock) as other:
        outcome = world.run("apply", "--plan", digits, "--host", other.url)
        assert not [request for request in other.requests if request.method != "GET"]
    assert (outcome.code, "environment dev: wanted.host: " in outcome.err) == (5, True)


def test_the_run_of_a_trigger_that_somebody_started_is_refused(world: World) -> None:
    """Its version was registered, and owes the run: that apply was stopped."""
    wanted = load(world.root / "manifests/dev", "dev", world.server.url).pipelines[0]
    facts = {"release": wanted.release, "digest": wanted.digest, "runs": "smoke"}
    made = world.api.upload_version(
        world.pipeline.id, wanted.version, str(wanted.ir), describe(OWNER, **facts)
    )
    digits = world.planned()
    name = f"hello-smoke-{wanted.release.removeprefix('sha256:')[:12]}"
    world.start_run(name, made.id)
    outcome = world.run("apply", "--plan", digits)
    assert (outcome.code, f'run {name}: do: "start" → nothing' in outcome.err) == (5, True)


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_a_file_of_any_form_names_what_moved_on_a_machine_that_never_planned(
    world: World, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = world.root / "plan"
    digits = world.planned("--format", form, "--out", file)
    assert digits in file.read_text()
    monkeypatch.setenv("XDG_CACHE_HOME", str(world.root / "elsewhere"))
    schedule = world.schedule.id
    world.api.disable_schedule(schedule)
    by_digits, by_file = world.run("apply", "--plan", digits), world.run("apply", "--plan", file)
    assert (by_digits.code, by_file.code) == (5, 5)
    assert "is not known on this machine" in by_digits.err
    assert "schedule hello-weekly: do: " in by_file.err and "live.enabled: true → false" in by_file.err
    world.api.enable_schedule(schedule)
    assert world.run("apply", "--plan", file).code == 0
    again = world.run("apply", "--plan", file)
    assert (again.code, "is not needed: there is nothing to do" in again.err) == (0, True)


def test_a_file_that_somebody_edited_is_no_plan(world: World) -> None:
    file = world.root / "plan"
    world.planned("--out", file)
    text = file.read_text()
    for wrong, why in (
        (text.replace('"enabled": true', '"enabled": false'), "it was changed"),
        (text.replace('{"object": "sch', '{"object": "sch"'), "no line of a plan"),
        (text + text, "stands here twice"),
        ("hello", "holds no plan"),
        ('{"plan": "1", "basis": [[]]}', "holds no plan"),
        ('{"object": "' + "x" * 100, "holds no plan"),
    ):
        file.write_text(wrong)
        outcome = world.run("apply", "--plan", file)
        assert (outcome.code, why in outcome.err, "Traceback" in outcome.err) == (2, True, False), outcome
    outcome = world.run("apply", "--plan", "no-such-file")
    assert (outcome.code, "nor the 12 hex digits" in outcome.err) == (2, True)


def test_200_quiet_repeats_are_the_same_plan_and_it_is_carried_out(world: World) -> None:
    """Eight days pass, firings and runs come and go, others work on what is theirs, lists come in any order."""
    world.restart(executor=FAKE)
    digits = world.planned()
    theirs = _others(world)
    for number in range(200):
        world.clock.advance(hours=1)
        world.server.tick()
        world.server.wait_idle()
        if number % 20 == 0:
            world.post("runs", {"display_name": f"theirs-{number}", "runtime_config": {}, **theirs})
            # The first one fires each hour, which is enough: each firing is a process.
            trigger = {"cron_schedule": {"cron": f"0 0 {'*/12' if number else '*'} * * *"}}
            world.add_schedule(f"theirs-{number}", "by hand", trigger=trigger, **theirs)
        assert (world.planned() if number % 50 == 0 else _identity(world)) == digits, number
    fired = [run for run in world.api.runs_of_schedule(world.schedule.id) if run.scheduled]
    assert len(fired) == 1
    assert world.run("apply", "--plan", digits).code == 0
    assert world.run("plan").code == 0


def _others(world: World) -> dict[str, Any]:
    made = world.api.create_pipeline("theirs", "by hand")
    version = world.api.upload_version(made.id, "v", IR, "by hand")
    return {
        "experiment_id": world.api.create_experiment("theirs", "").id,
        "pipeline_version_reference": {"pipeline_id": made.id, "pipeline_version_id": version.id},
    }


def _identity(world: World) -> str:
    """As the command has it, and with all lists turned round."""
    wanted = reviewed(world.root / "manifests/dev", "dev", world.server.url)
    options = Options(server=world.api.features().version)
    found = observe(world.api, wanted, options)
    turned = replace(
        found,
        schedules=found.schedules[::-1],
        pipelines={
            name: replace(item, versions=dict(reversed(item.versions.items())))
            for name, item in reversed(found.pipelines.items())
        },
        experiments=dict(reversed(found.experiments.items())),
        runs={name: runs[::-1] for name, runs in reversed(found.runs.items())},
    )
    first, second = (plan(wanted, actual, options).basis.id for actual in (found, turned))
    assert first == second
    return first
