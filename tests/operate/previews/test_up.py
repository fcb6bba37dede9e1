"""Previews on a development server: what is registered, run, told and taken down, and that dev is as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import gitrepo
import pytest
from kfp_gitops.base.schema import named
from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.pipelines import EVERY
from kfp_gitops.operate.previews import checkout, home, proposal, registered
from previews.preview_kit import PREVIEW, edit, everything
from project import Outcome

Command = Callable[..., Outcome]


def _names(api: KfpApi, environment: str) -> list[str]:
    return sorted(one.name for one in api.marked() if one.owner.environment == environment)


def _touch(root: Path, *, hello: bool = True, bye: bool = False) -> None:
    if hello:
        edit(root, PREVIEW, "items: [one]", "items: [two]")
    if bye:
        edit(root, "environments/dev/values.yaml", "items: [a]", "items: [b]")


def test_only_what_is_touched_is_registered_without_a_schedule_and_with_its_own_values(
    dev: Path, preview: Command, api: KfpApi
) -> None:
    before = everything(api)
    _touch(dev)
    done = preview("up", "--pr", 42)
    assert done.code == 0, done.err
    assert "1 pipeline of `" in done.out
    assert "and what is not committed" in done.out
    assert [name for name in _names(api, "pr-42") if not name.startswith("kfp-gitops-")] == [
        "pr-42-hello",
        "pr-42-hello-pr-42",
    ]
    (version,) = api.versions(api.pipeline_id("pr-42-hello")).values()
    assert version.facts["aside"] == "preview"
    assert not [one for one in api.schedules() if "pr-42" in one.name]
    compiled = api.compiled(api.pipeline_id("pr-42-hello"), version.id)
    assert compiled is not None
    inputs = compiled.spec["root"]["inputDefinitions"]["parameters"]
    assert inputs["name"]["defaultValue"] == "pr-42"
    assert preview("list").out.split()[0] == "pr-42"
    assert preview("down", "--pr", 42).out == "pr-42: deleted 2 experiments, 1 pipeline, 1 version\n"
    assert everything(api) == before
    assert preview("down", "--pr", 42).out == "pr-42: nothing of it was there\n"


def test_a_folder_of_inputs_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    """A pull request may have `environments` lead anywhere on the machine that renders it."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (outside / "key.yaml").write_text("secret")
    (root / "environments").symlink_to(outside)
    checkout.of_work_tree(root, tmp_path / "into")
    assert not (tmp_path / "into/environments").exists()


def test_a_run_of_somebody_else_that_is_called_as_the_previews_is_not_taken_for_it(
    dev: Path, preview: Command, api: KfpApi, server: DevServer
) -> None:
    edit(dev, PREVIEW, "name: '{preview}'", "name: succeed")
    assert preview("up", "--pr", 42).code == 0
    pipeline = api.pipeline_id("pr-42-hello")
    (version,) = api.versions(pipeline, EVERY).values()
    name = f"pr-42-hello-{version.digest.removeprefix('sha256:')[:12]}-1"
    api.create_run(
        name=name, pipeline_id=pipeline, version_id=version.id,
        experiment_id=api.create_experiment("somebody's", "").id, parameters={},
    )  # fmt: skip
    server.wait_idle()
    done = preview("up", "--pr", 42, "--run")
    assert done.code == 0, done.err
    assert f"{name[:-1]}2: started" in done.err


def test_the_run_is_compared_with_devs_last_one_and_is_not_started_twice(
    dev: Path, preview: Command, api: KfpApi, command: Command, server: DevServer, tmp_path: Path
) -> None:
    said = tmp_path / "said.md"
    edit(dev, PREVIEW, "name: '{preview}'", "name: succeed")
    assert preview("up", "--pr", 42, "--run", "--comment", said).code == 0
    text = said.read_text("utf-8")
    assert "Not compared: dev has no run of it yet." in text
    run = ("run", "--root", dev, "--env", "dev", "--host", server.url, "--pipeline", "hello")
    assert command(*run, "--param", "name=succeed", "--wait").code == 0
    done = preview("up", "--pr", 42, "--run", "--comment", said)
    assert done.code == 0, done.err
    assert "is there already (SUCCEEDED)" in done.err
    text = said.read_text("utf-8")
    assert re.search(
        r"\| \[`hello`\]\(.*/pipelines/details/.*\) \| \[SUCCEEDED\]\(.*\) \| .* s \| \[SUCCEEDED\]", text
    )
    assert "| `threshold` | `3` | `2` |" in text
    assert len(api.runs_called_like("pr-42-hello-")) == 1


def test_a_run_that_fails_is_told_and_made_anew_when_it_is_asked_for_again(
    dev: Path, preview: Command, api: KfpApi, command: Command
) -> None:
    edit(dev, PREVIEW, "name: '{preview}'", "name: fail")
    first, second = (preview("up", "--pr", 42, "--run") for _ in range(2))
    assert (first.code, second.code) == (4, 4)
    assert "[FAILED](" in first.out
    assert len(api.runs_called_like("pr-42-hello-")) == 2
    told = next(line for line in second.err.splitlines() if line.startswith("pr-42-hello: FAILED: "))
    assert told.startswith("pr-42-hello: FAILED: ValueError: it broke; python scripts/run.py --env dev ")
    assert "hunter2" not in first.out + second.err
    typed = told.partition("; python scripts/run.py ")[2]
    assert f"python scripts/run.py {typed}" in second.out
    shown = command("run", "--root", dev, *typed.split())
    assert shown.code == 4
    assert shown.out.startswith("FAILED ")


def test_a_run_that_takes_too_long_is_told_as_it_stands_and_a_later_push_stops_it(
    dev: Path, preview: Command, api: KfpApi
) -> None:
    edit(dev, PREVIEW, "name: '{preview}'", "name: hang")
    done = preview("up", "--pr", 42, "--run", "--wait", 1)
    assert done.code == 4
    assert "has not ended after 1 s; it goes on" in done.err
    (run,) = api.runs_called_like("pr-42-hello-")
    assert run.active
    edit(dev, PREVIEW, "name: hang", "name: succeed")
    done = preview("up", "--pr", 42, "--run")
    assert done.code == 0, done.err
    assert f"{run.name}: is being terminated" in done.err


def test_what_somebody_runs_beside_it_is_not_stopped_by_a_later_push(
    dev: Path, preview: Command, api: KfpApi
) -> None:
    edit(dev, PREVIEW, "name: '{preview}'", "name: succeed")
    assert preview("up", "--pr", 42, "--run").code == 0
    experiment, pipeline = api.experiment("pr-42-hello-pr-42"), api.pipeline_id("hello")
    (version,) = api.versions(pipeline, EVERY).values()
    assert experiment is not None
    theirs = api.create_run(
        name="mine", pipeline_id=pipeline, version_id=version.id, experiment_id=experiment.id,
        parameters={"name": "hang"},
    )  # fmt: skip
    edit(dev, PREVIEW, "items: [one]", "items: [two]")
    done = preview("up", "--pr", 42, "--run")
    assert done.code == 0, done.err
    assert "terminated" not in done.err
    assert api.run(theirs).ended is None
    api.terminate_run(theirs)


def test_a_later_push_changes_what_is_there_and_takes_down_what_it_touches_no_more(
    dev: Path, preview: Command, api: KfpApi
) -> None:
    before = everything(api)
    _touch(dev, bye=True)
    assert "2 pipelines of" in preview("up", "--pr", 42).out
    gitrepo.git(dev, "checkout", "-q", PREVIEW)
    done = preview("up", "--pr", 42)
    assert "Taken down, for this touches them no more: `pr-42-hello`" in done.out
    assert [name for name in _names(api, "pr-42") if not name.startswith("kfp-gitops-")] == [
        "pr-42-bye",
        "pr-42-bye-pr-42",
    ]
    gitrepo.git(dev, "checkout", "-q", ".")
    done = preview("up", "--pr", 42)
    assert "Nothing that runs changes" in done.out
    assert everything(api) == before


def test_of_two_pull_requests_each_has_its_own(dev: Path, preview: Command, api: KfpApi) -> None:
    before = everything(api)
    _touch(dev)
    assert preview("up", "--pr", 42).code == 0
    assert preview("up", "--pr", 421, "--hours", 0).code == 0
    told = json.loads(preview("list", "--json").out)
    named("previews").validator.validate(told)
    assert [(one["preview"], one["pipelines"]) for one in told] == [
        ("pr-42", ["pr-42-hello"]),
        ("pr-421", ["pr-421-hello"]),
    ]
    assert preview("down", "--pr", 42).code == 0
    assert _names(api, "pr-42") == []
    assert "pr-421-hello" in _names(api, "pr-421")
    assert preview("gc").out == "pr-421: deleted 2 experiments, 1 pipeline, 1 version\n"
    assert everything(api) == before
    assert preview("gc").out == ""


def test_each_push_puts_its_end_off(dev: Path, preview: Command, api: KfpApi) -> None:
    _touch(dev)
    assert preview("up", "--pr", 42, "--hours", 0).code == 0
    assert preview("up", "--pr", 42).code == 0
    assert preview("gc").out == ""
    assert "over: gc takes it down" not in preview("list").out
    assert preview("up", "--pr", 42, "--hours", 0).code == 0
    assert "over: gc takes it down" in preview("list").out
    assert len([name for name in _names(api, "pr-42") if name.startswith("kfp-gitops-aside-")]) == 1


def test_a_schedule_alone_is_nothing_to_preview(dev: Path, preview: Command, api: KfpApi) -> None:
    edit(dev, "environments/dev/values.yaml", "cron: '0 0 4 * * 1'", "cron: '0 0 5 * * 1'")
    done = preview("up", "--pr", 42)
    assert done.code == 0, done.err
    assert "Changed, and compiled to what they were (schedules, owners, texts): `bye`." in done.out
    assert _names(api, "pr-42") == []


def test_what_is_rendered_elsewhere_is_read_as_a_strangers(
    dev: Path, preview: Command, api: KfpApi, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    _touch(dev)
    assert preview("render", "--pr", 42, "--output", out).code == 0
    gitrepo.git(dev, "checkout", "-q", ".")
    wrong = preview("up", "--pr", 43, "--rendered", out)
    assert (wrong.code, _names(api, "pr-43")) == (5, [])
    edit(
        out,
        "manifests/preview/environment.yaml",
        "repository: example-repository",
        "repository: somebody-elses-1",
    )
    edit(
        out,
        "manifests/preview/environment.yaml",
        "namespace: ''",
        "namespace: kube-system\n  serviceAccount: cluster-admin",
    )
    done = preview("up", "--pr", 42, "--rendered", out)
    assert done.code == 0, done.err
    assert {one.owner.repository for one in api.marked()} == {"example-repository"}
    its = home.of(dev, "preview")
    wanted = registered.wanted(out, proposal.read(out), its, api.host, api.now())
    assert (wanted.owner.repository, wanted.namespace, wanted.service_account) == (
        "example-repository",
        "",
        "",
    )
    assert {one.service_account for one in wanted.pipelines} == {""}
    edit(out, "preview.json", '"hello"', '"other"')
    assert preview("up", "--pr", 42, "--rendered", out).code == 5
    text = (out / "preview.json").read_text("utf-8")
    for strange in ("[]", text.replace('"number": 42', '"number": Infinity'), "[" * 100_000):
        (out / "preview.json").write_text(strange)
        assert preview("up", "--pr", 42, "--rendered", out).code == 2


def test_what_the_policy_refuses_is_not_registered(
    dev: Path, preview: Command, api: KfpApi, tmp_path: Path
) -> None:
    (dev / "environments/policy.yaml").write_text(
        "apiVersion: kfp-gitops/v1alpha1\nkind: Policy\nchecks:\n- id: image-registry\n  select: image\n"
        "  reason: not on the list\n  fix: push it there\n  schema: {pattern: '^other/'}\n"
    )
    gitrepo.commit(dev, "policy")
    _touch(dev)
    done = preview("up", "--pr", 42)
    assert done.code == 2
    assert "policy image-registry: preview/components/count_words" in done.err
    assert _names(api, "pr-42") == []


def test_what_changes_images_alone_is_said(dev: Path, preview: Command) -> None:
    (dev / "components/src").mkdir()
    (dev / "components/src/more.py").write_text("x = 1\n")
    gitrepo.commit(dev, "a module")
    (dev / "components/src/more.py").write_text("x = 2\n")
    done = preview("up", "--pr", 42)
    assert "It changes what is in images (`components/src/more.py`), and a preview builds none" in done.out


def test_without_an_environment_of_previews_it_is_said_how_to_have_one(dev: Path, preview: Command) -> None:
    (dev / PREVIEW).unlink()
    (dev / "environments/preview").rmdir()
    done = preview("up", "--pr", 42)
    assert done.code == 2
    assert "says `previewOf: ENV` in its values.yaml; there is none" in done.err


@pytest.mark.parametrize("name", ["file", "file/inside", "/proc/nowhere"])
def test_where_nothing_can_be_written_it_is_said(
    root: Path, preview: Command, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").touch()
    done = preview("render", "--pr", 1, "--output", tmp_path / name)
    assert done.code == 2
    assert re.fullmatch(
        r"--output .*/(file|inside|nowhere): .*; name a folder that can be written.*\n", done.err
    )


@pytest.mark.parametrize("text", ["-1", "x", "nan", "1e9"])
def test_hours_are_told_as_hours(root: Path, preview: Command, text: str) -> None:
    done = preview("up", "--pr", 1, f"--hours={text}")
    assert (done.code, "is no number of hours" in done.err) == (2, True)


@pytest.mark.parametrize("text", ["0", "-1", "x", "99999999999", "٤٢"])
def test_a_number_is_one(root: Path, preview: Command, text: str) -> None:
    assert preview("down", f"--pr={text}").code == 2
