"""`status.py` and `reconcile.py status --html` over HTTP against the development server: pages, data, exit codes."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kfp_gitops.base import files
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.operate.statuspage import plain
from kfp_gitops.operate.statuspage.records import Environment
from project import PROJECT, Outcome

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/operate/runs/fake_run.py"))
SCHEMA = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/status-page.schema.json").read_text())
SILENT = "http://127.0.0.1:9"  # the port of «discard»: nobody listens
Command = Callable[..., Outcome]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DevServer]:
    with DevServer(tmp_path / "server", executor=FAKE, grace=0.3, faults=Faults()) as found:
        yield found


@pytest.fixture
def applied(repository: Path, command: Command, server: DevServer) -> DevServer:
    base = repository / "environments/base.yaml"
    base.write_text(base.read_text().replace("enabled: false", "enabled: true"))
    assert command("render", "--root", repository, "--all", "--lock").code == 0
    options = ("--root", repository, "--env", "dev", "--host", server.url)
    assert command("reconcile", "apply", *options, "--commit", "0123456789abcdef").code == 0
    return server


@pytest.fixture
def status(repository: Path, command: Command, applied: DevServer, tmp_path: Path) -> Command:
    common = ("--root", repository, "--patience", "0", "--html", tmp_path / "page")
    return lambda *options: command("status", *common, *options)


def _data(folder: Path) -> dict[str, Environment]:
    text = (folder / "status.json").read_text("utf-8")
    jsonschema.validate(json.loads(text), SCHEMA)
    return {one.name: one for one in plain.from_json(text, "status.json").environments}


def test_all_environments_stand_in_one_page_and_in_data_beside_it(
    status: Command, applied: DevServer, tmp_path: Path
) -> None:
    outcome = status("--all", "--host", f"dev={applied.url}", "--host", f"prod={SILENT}")
    assert outcome.code == 4
    assert "prod: not reached since" in outcome.out
    assert "dev: 1 pipeline, all well" in outcome.out
    found = _data(tmp_path / "page")
    assert list(found) == ["dev", "prod"]
    (dev, prod) = found.values()
    assert dev.seen
    assert prod.seen is None
    assert prod.unseen
    assert SILENT in prod.unseen.why
    (pipeline,) = dev.seen.pipelines
    assert (pipeline.name, pipeline.owner, pipeline.commit) == ("hello", "tests", "0123456789abcdef")
    assert pipeline.schedules[0].week
    html = (tmp_path / "page/index.html").read_text("utf-8")
    assert "commit 0123456789ab" in html
    assert "never seen" in html


def test_what_is_well_is_0_and_what_needs_somebody_1(
    status: Command, command: Command, repository: Path, applied: DevServer, tmp_path: Path
) -> None:
    options = ("--env", "dev", "--host", applied.url)
    assert status(*options).code == 0
    api = KfpApi(applied.url, "")
    (schedule,) = api.schedules()
    api.disable_schedule(schedule.id)
    run = ("--root", repository, *options, "--pipeline", "hello", "--wait", "--param", "name=fail")
    assert command("run", *run).code == 4
    outcome = status(*options)
    assert outcome.code == 1
    assert status(*options, "--exit-zero").code == 0
    dev = _data(tmp_path / "page")["dev"]
    assert dev.seen
    (pipeline,) = dev.seen.pipelines
    assert pipeline.needs
    assert [one.kind for one in pipeline.findings] == ["failed", "different"]
    assert [run.state for run in pipeline.runs] == ["FAILED"]
    assert f"python scripts/run.py --env dev --host {applied.url} --status" in pipeline.findings[0].command


def test_what_cannot_be_reached_any_more_is_told_as_it_was(
    status: Command, applied: DevServer, tmp_path: Path
) -> None:
    options = ("--env", "dev", "--host", applied.url)
    status(*options)
    before = _data(tmp_path / "page")["dev"]
    applied.close()
    assert status(*options).code == 4
    first = _data(tmp_path / "page")["dev"]
    assert status(*options, "--exit-zero").code == 4
    second = _data(tmp_path / "page")["dev"]
    assert first.seen == second.seen == before.seen
    assert first.unseen
    assert second.unseen
    assert first.unseen.since == second.unseen.since
    assert "last known" in (tmp_path / "page/index.html").read_text("utf-8")


def test_one_environment_writes_its_own_page_also_when_it_cannot_be_reached(
    command: Command, repository: Path, applied: DevServer, tmp_path: Path
) -> None:
    folder = tmp_path / "page/dev"
    common = (
        "status",
        "--root",
        repository,
        "--env",
        "dev",
        "--html",
        folder,
        "--every",
        "600",
        "--patience",
        "0",
    )
    assert command("reconcile", *common, "--host", applied.url).code == 0
    found = _data(folder)["dev"]
    assert found.seen
    assert (found.seen.period, found.seen.coming) == (600, None)
    assert command("reconcile", *common, "--host", SILENT).code == 4
    again = _data(folder)["dev"]
    assert again.seen == found.seen
    assert again.unseen
    refused = command("reconcile", *common, "--host", applied.url, "--pipeline", "hello")
    assert refused.code == 2
    assert "--html is of a whole environment" in refused.err


def test_pages_of_the_environments_own_jobs_become_one_which_knows_what_waits(
    command: Command, repository: Path, applied: DevServer, tmp_path: Path
) -> None:
    common = ("status", "--root", repository, "--patience", "0")
    parts, page = tmp_path / "parts", tmp_path / "page"
    for name, host in (("dev", applied.url), ("prod", SILENT)):
        command("reconcile", *common, "--env", name, "--host", host, "--html", parts / name)
    outcome = command("status", "--root", repository, "--from", parts, "--html", page)
    assert outcome.code == 1
    found = _data(page)
    assert list(found) == ["dev", "prod"]
    assert found["dev"].seen
    assert found["dev"].seen.coming == ()
    alone = command("status", "--root", repository, "--from", parts / "dev/status.json", "--json")
    assert [one["name"] for one in json.loads(alone.out)["environments"]] == ["dev"]
    # Put together in the place itself; what is no part any more is not taken from what was put together before.
    command("status", "--root", repository, "--from", parts, "--html", parts)
    shutil.rmtree(parts / "prod")
    command("status", "--root", repository, "--from", parts, "--html", parts)
    assert list(_data(parts)) == ["dev"]
    nothing = command("status", "--root", repository, "--from", tmp_path / "none", "--html", page)
    assert (nothing.code, list(_data(page))) == (2, ["dev", "prod"])
    assert "no status.json in it" in nothing.err


@pytest.mark.parametrize("broken", ["index.html", "status.json"])
def test_what_fails_leaves_the_page_that_was_there_whole(
    status: Command, applied: DevServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    options = ("--env", "dev", "--host", applied.url)
    status(*options)
    before = {path.name: path.read_bytes() for path in (tmp_path / "page").iterdir()}
    write = files.write_text

    def fails(root: Path, name: str, text: str) -> None:
        if name == broken:
            raise OSError(28, "No space left on device", name)
        write(root, name, text)

    monkeypatch.setattr("kfp_gitops.base.files.write_text", fails)
    assert status(*options).code == 2
    after = {path.name: path.read_bytes() for path in (tmp_path / "page").iterdir()}
    assert after.keys() == before.keys()
    assert after[broken] == before[broken]


@pytest.mark.parametrize("place", ["a file/page", "taken"])
def test_a_place_that_cannot_be_written_is_told_as_such(
    repository: Path, command: Command, applied: DevServer, tmp_path: Path, place: str
) -> None:
    (tmp_path / "a file").write_text("")
    (tmp_path / "taken/status.json").mkdir(parents=True)
    common = ("--root", repository, "--env", "dev", "--host", applied.url, "--html", tmp_path / place)
    for outcome in (command("status", *common), command("reconcile", "status", *common)):
        assert outcome.code == 2
        assert "give another place, or remove what is there" in outcome.err
        assert "Traceback" not in outcome.err


def test_a_status_of_another_version_is_no_last_known_state(status: Command, tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page/status.json").write_text('{"version": 99}')
    assert status("--env", "dev", "--host", SILENT).code == 4
    assert _data(tmp_path / "page")["dev"].seen is None


def _broken(repository: Path) -> None:
    (repository / "environments/prod/values.yaml").write_text("pipelines: [")


def _unrendered(repository: Path) -> None:
    (repository / "manifests/prod/environment.yaml").write_text("no: environment\n")


@pytest.mark.parametrize("harm", [_broken, _unrendered])
def test_an_environment_that_is_broken_stops_none_of_the_others(
    status: Command, applied: DevServer, repository: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    harm(repository)
    outcome = status("--all", "--host", f"dev={applied.url}", "--host", f"prod={SILENT}")
    assert outcome.code in (2, 4)
    assert _data(tmp_path / "page")["dev"].seen
    assert "prod" in outcome.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "name environments with --env ENV, --all or --from WHERE"),
        (("--env", "nope"), "no environment 'nope'; there are: dev, prod"),
        (("--all", "--host", "http://x"), "say whose it is, as in --host dev=http://127.0.0.1:8888"),
        (("--env", "dev", "--host", "prod=http://x"), "--host prod=…: that environment is not asked for"),
        (("--env", "dev", "--html", "s3://"), "write s3://BUCKET/PREFIX"),
        (("--env", "dev", "--html", __file__), "no folder"),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_refused(
    command: Command, repository: Path, options: tuple[Any, ...], says: str
) -> None:
    outcome = command("status", "--root", repository, *options)
    assert outcome.code == 2
    assert says in outcome.err
