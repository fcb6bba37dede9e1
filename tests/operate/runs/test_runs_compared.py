"""`run.py --compare`: two runs side by side, of this machine and of a server."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import recordings
import scored
from kfp_gitops.devserver import DevServer
from kfp_gitops.devserver.executor import LOCALRUN
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import Compiled, RunState
from kfp_gitops.operate.comparing import compared, of_server, steps, told
from kfp_gitops.operate.comparing.compared import Row
from kfp_gitops.operate.comparing.sides import Part, Side, Step
from kfp_gitops.operate.following import Shown
from project import PROJECT, Outcome
from servers.prepared import Prepared

Run = Callable[..., Outcome]
RUN = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/run.schema.json").read_text())
SCHEMA = json.loads((PROJECT / "scripts/kfp_gitops/language/schemas/comparison.schema.json").read_text())


@pytest.fixture
def root(repository: Path, command: Run, quick_runs: None) -> Path:
    return scored.make(repository, command)


def _local(command: Run, root: Path, *more: object) -> None:
    done = command("run", "--root", root, "--env", "dev", "--pipeline", "hello", "--local", *more)
    assert done.code == 0, done.err


def _compared(command: Run, root: Path, *more: object) -> dict[str, Any]:
    done = command("run", "--root", root, "--compare", *more, "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    jsonschema.validate(found, SCHEMA)
    return found


def test_the_two_newest_runs_here_are_compared_the_older_one_first(root: Path, command: Run) -> None:
    _local(command, root, "--out", root / ".local-runs/one", "--param", "level=5")
    _local(command, root, "--out", root / ".local-runs/two", "--param", "level=4", "--param", "name=new")
    done = command("run", "--root", root, "--compare")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert [line.split()[:2] for line in (lines[0], lines[2])] == [["a", "one"], ["b", "two"]]
    end = next(index for index, line in enumerate(lines) if line.startswith("seconds"))
    assert lines[4:end] == [
        "parameters that differ    a    b  b - a",
        "  level                   5    4  -1 (-20 %)",
        "  name                  dev  new",
        "metrics                                a      b  b - a",
        "  judge rows                          50     40  -10 (-20 %)",
        "  judge classes.accuracy        0.888889  0.875  -0.0138889 (-1.56 %)",
        "  judge classes.auc                 0.65   0.65  =",
        "  judge metrics.steady                 3      3  =",
        "  judge metrics.wape                 0.2   0.25  +0.05 (+25 %)",
        "  judge slices.north: accuracy       0.5    0.5  =",
        "outputs that differ    a    b",
        "  judge label        dev  new",
        "artifacts of other content",
        "  judge data",
        f"    a {root}/.local-runs/one/artifacts/score/data",
        f"    b {root}/.local-runs/two/artifacts/score/data",
    ]


def test_a_function_that_was_edited_an_image_a_module_and_an_input_are_told(root: Path, command: Run) -> None:
    library = root / "components/src/ours.py"
    library.parent.mkdir()
    library.write_text("LEVEL = 1\n")
    _local(command, root, "--out", root / "one")
    path = root / "components/score/component.py"
    path.write_text(path.read_text().replace("1 / level", "2 / level").replace('"steps"', '"other"'))
    release = root / "environments/dev/release.yaml"
    release.write_text(
        release.read_text().replace(
            "images:\n", f"images:\n  other: registry.example.com/o@sha256:{'2' * 64}\n"
        )
    )
    template = root / "templates/pipelines/hello/pipeline.yaml.j2"
    template.write_text(template.read_text().replace("{param: level}", "8"))
    library.write_text("LEVEL = 2\n")
    scored.again(root, command)
    _local(command, root, "--out", root / "two")
    found = _compared(command, root, root / "one", root / "two")
    code = {(one["what"], one["of"]): one for one in found["code"]}
    assert [line for line in code["code", "score"]["diff"] if line[0] in "+-"] == [
        '-    metrics.log_metric("wape", 1 / level)',
        '+    metrics.log_metric("wape", 2 / level)',
    ]
    assert (code["input", "judge.level"]["a"], code["input", "judge.level"]["b"]) == ("parameter level", 8)
    assert code["image", "score"]["b"].startswith("registry.example.com/o@")
    assert ("module", "components/src/ours.py") in code
    said = command("run", "--root", root, "--compare", root / "one", root / "two").out
    for line in ("  component score", '    +    metrics.log_metric("wape", 2 / level)', "  input judge.level",
                 "  image of score", "  module components/src/ours.py differs"):  # fmt: skip
        assert line in said.splitlines()
    assert "IR" not in said.split()


def test_runs_of_a_server_are_compared_and_what_nobody_knows_is_said(
    run: Run, server: DevServer, command: Run, repository: Path
) -> None:
    run("--pipeline", "hello", "--wait", "--param", "threshold=7")
    run("--pipeline", "hello", "--wait", "--param", "name=fail")
    api = KfpApi(server.url, "")
    experiment = api.experiment("hello-dev")
    assert experiment
    second, first = (found.id for found in api.runs(experiment.id, 20))
    done = run("--compare", first, second, "--json", "--patience", "0", "--metadata", "http://127.0.0.1:9")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    jsonschema.validate(found, SCHEMA)
    assert {row["name"]: (row["a"], row["b"]) for row in found["parameters"]}["threshold"] == (7, 3)
    assert {row["task"]: (row["a"], row["b"]) for row in found["states"]}["greet"] == ("SUCCEEDED", "FAILED")
    assert found["a"]["version"].startswith("sha-")
    assert (found["metrics"], found["files"]) == ([], [])
    assert any(f"no metrics and outputs of {first}: http://127.0.0.1:9: " in note for note in found["notes"])


@pytest.fixture
def real(tmp_path: Path, localrun: Prepared) -> Iterator[DevServer]:
    """A server whose tasks run."""
    with DevServer(tmp_path / "real", executor=localrun.python(*LOCALRUN[1:]), grace=1.0) as found:
        yield found


def test_metrics_and_outputs_of_a_servers_run_are_compared_with_those_of_a_run_here(
    root: Path, command: Run, real: DevServer
) -> None:
    """A server keeps six decimals of a metric, which is no difference; its artifacts have no other place for it."""
    where = ("--root", root, "--env", "dev", "--host", real.url)
    assert command("reconcile", "apply", *where).code == 0
    for level in (3, 4):
        assert command("run", *where, "--pipeline", "hello", "--param", f"level={level}", "--wait").code == 0
    api = KfpApi(real.url, "")
    experiment = api.experiment("hello-dev")
    assert experiment
    four, three = (found.id for found in api.runs(experiment.id, 20))
    found = json.loads(command("run", *where, "--compare", three, four, "--json").out)
    jsonschema.validate(found, SCHEMA)
    metrics = {row["name"]: (row["a"], row["b"]) for row in found["metrics"]}
    assert metrics["metrics.wape"] == (0.333333, 0.25)
    assert metrics["rows"] == (30, 40)
    assert {"classes.accuracy", "classes.auc", "slices.north: accuracy"} <= metrics.keys()
    assert found["notes"] == []
    told = json.loads(command("run", *where, "--status", three, "--outputs", "--json").out)
    jsonschema.validate(told, RUN)
    assert told["outputs"]["judge"]["rows"] == 30
    assert told["metrics"]["judge"]["metrics"] == {"steady": 3, "wape": 0.333333}
    lines = command("run", *where, "--status", three, "--outputs").out.splitlines()
    assert {"judge metrics.steady=3", "judge rows=30"} <= {line[12:] for line in lines}
    assert [line[:12].strip() for line in lines if line[:12].strip() in ("metrics", "outputs")] == [
        "metrics",
        "outputs",
    ]
    plain = json.loads(command("run", *where, "--status", three, "--json").out)
    assert (plain["outputs"], plain["metrics"]) == (None, None)
    silent = command("run", *where, "--status", three, "--outputs", "--metadata", "http://127.0.0.1:9",
                     "--patience", "0")  # fmt: skip
    assert (silent.code, "SUCCEEDED" in silent.out) == (4, True)
    assert "no outputs and metrics: http://127.0.0.1:9: cannot be reached" in silent.err
    _local(command, root, "--out", root / ".local-runs/mine", "--param", "level=3")
    found = json.loads(command("run", *where, "--compare", three, "mine", "--json").out)
    assert [row for row in found["metrics"] if row["difference"] != 0] == []
    assert (found["outputs"], found["files"]) == ([], [])


def test_two_versions_on_a_server_tell_what_was_changed_between_them(
    run: Run, server: DevServer, command: Run, repository: Path
) -> None:
    run("--pipeline", "hello", "--wait")
    step = repository / "components/greet/component.py"
    step.write_text(step.read_text().replace("hello {name}", "good day {name}"))
    release = repository / "environments/dev/release.yaml"
    release.write_text(re.sub(r"(  steps: \S+@sha256:)\w+", rf"\g<1>{'7' * 64}", release.read_text()))
    assert command("render", "--root", repository, "--env", "dev", "--lock", "--components").code == 0
    where = ("--root", repository, "--env", "dev", "--host", server.url)
    assert command("reconcile", "apply", *where).code == 0
    run("--pipeline", "hello", "--wait")
    api = KfpApi(server.url, "")
    experiment = api.experiment("hello-dev")
    assert experiment
    second, first = (found.id for found in api.runs(experiment.id, 20))
    found = json.loads(run("--compare", first, second, "--json").out)
    jsonschema.validate(found, SCHEMA)
    assert found["a"]["version"] != found["b"]["version"]
    code = {(one["what"], one["of"]): one for one in found["code"]}
    assert code["image", "greet"]["b"].endswith("7" * 64)
    assert any(line.startswith("+") and "good day" in line for line in code["code", "greet"]["diff"])


@pytest.mark.parametrize("name", recordings.NAMES)
def test_a_recorded_run_of_a_real_kfp_is_like_itself(name: str) -> None:
    recorded = recordings.read(name)
    run = RunState(
        name, name, recorded.state, None, None, None, recorded.records, parameters=recorded.parameters
    )
    version = Compiled("v", recorded.spec) if recorded.spec else None
    side = of_server.side(Shown(run, recorded.views(), version), "https://kfp.example.com", "no metadata")
    assert side.parts
    assert side.tells_nothing == "no metadata"
    assert bool(side.steps) == bool(recorded.spec)
    found = compared.compare(side, side)
    assert not (found.parameters or found.states or found.code)
    assert all(row.difference == 0 for row in found.durations)
    jsonschema.validate(json.loads(told.to_json(found)), SCHEMA)


def test_a_pipeline_that_holds_itself_or_doubles_itself_ends() -> None:
    """Nobody's real one; on a server it may be anybody's."""
    tasks = {name: {"componentRef": {"name": "comp-a"}} for name in ("one", "two")}
    spec = {"root": {"dag": {"tasks": tasks}}, "components": {"comp-a": {"dag": {"tasks": tasks}}}}
    assert steps.of(spec, {}) == {}
    bomb = {
        f"comp-{n}": {"dag": {"tasks": {k: {"componentRef": {"name": f"comp-{n + 1}"}} for k in "ab"}}}
        for n in range(40)
    }
    spec = {"root": bomb["comp-0"], "components": {**bomb, "comp-40": {"executorLabel": "e"}}}
    assert 1_000 < len(steps.of(spec, {})) < 10_000


def test_a_folder_that_cannot_be_read_hides_no_other(root: Path, command: Run) -> None:
    for name in ("one", "two", "three"):
        _local(command, root, "--out", root / ".local-runs" / name)
    (root / ".local-runs/three/run.json").write_text("[")
    (root / ".local-runs/three/ir.yaml").write_text("a: [")
    done = command("run", "--root", root, "--compare", "--pipeline", "hello")
    assert (done.code, "one" in done.out, "two" in done.out) == (0, True, True), done.err
    done = command("run", "--root", root, "--compare", "one", "three")
    assert (done.code, "cannot be read; run that once more" in done.err) == (2, True)


def test_a_run_here_is_compared_with_one_of_the_server(
    run: Run, server: DevServer, command: Run, repository: Path
) -> None:
    run("--pipeline", "hello", "--wait")
    folder = repository / ".local-runs/mine"
    folder.mkdir(parents=True)
    (folder / "ir.yaml").write_text("pipelineInfo: {name: hello}\nroot: {dag: {tasks: {}}}\n")
    (folder / "parameters.json").write_text('{"threshold": 9}')
    (folder / "events.jsonl").write_text('{"time": "2026-11-23T00:00:00Z", "event": "run", "state": "RUNN')
    api = KfpApi(server.url, "")
    experiment = api.experiment("hello-dev")
    assert experiment
    done = run("--compare", "mine", api.runs(experiment.id, 20)[0].id)
    assert done.code == 0, done.err
    assert "note: a has not ended: mine" in done.out
    assert "threshold" in done.out


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((), "has not two runs of one pipeline; make one with `run.py --env dev --pipeline P --local`"),
        (("one",), "--compare takes two runs, as in `run.py --compare .local-runs/A .local-runs/B`, or none"),
        (("one", "two", "three"), "--compare takes two runs"),
        (("./one", "x"), "'./one' is no folder of a local run (.local-runs/P-TIME)"),
        (("", "x"), "'' is no folder of a local run"),
        (("one", "x"), "there is no local run 'one'; if it is a run of a server, say which: --env ENV"),
        (("--pipeline", "hello", "--json", "--list"), "--list and --compare are two things"),
        (("--wait",), "--wait follows a run"),
    ],
)
def test_what_cannot_be_compared_is_said(
    repository: Path, command: Run, given: tuple[str, ...], says: str
) -> None:
    done = command("run", "--root", repository, "--compare", *given)
    assert (done.code, says in done.err) == (2, True), done.err


def test_an_id_that_neither_knows_is_told_with_where_to_look(run: Run, server: DevServer) -> None:
    done = run("--compare", "6d6d6d6d", "7d7d7d7d")
    assert done.code == 2
    assert f"neither this machine nor {server.url} has a run 6d6d6d6d" in done.err
    assert "run.py --env dev" in done.err
    assert "--list" in done.err


def test_what_was_written_before_it_was_kept_and_what_is_broken_is_told(root: Path, command: Run) -> None:
    _local(command, root, "--out", root / "old")
    (root / "old/run.json").unlink()
    shutil.rmtree(root / "old/manifest")
    found = _compared(command, root, root / "old", root / "old")
    assert found["a"]["pipeline"] == "hello"
    assert all(not row["difference"] for row in found["metrics"])
    (root / "old/run.json").write_text("[")
    done = command("run", "--root", root, "--compare", root / "old", root / "old")
    assert (done.code, "run.json: cannot be read" in done.err) == (2, True)


def _side(parts: dict[str, Part], steps: dict[str, Step] | None = None, **more: Any) -> Side:
    plain: dict[str, Any] = {
        "run": "r", "place": "", "pipeline": "p", "state": "SUCCEEDED", "started": None, "ended": None,
        "parameters": {}, **more,
    }  # fmt: skip
    return Side(parts=parts, steps=steps or {}, **plain)


@pytest.mark.parametrize(
    ("runs", "differ"), [(("p-20260101-000000-aa", "p-20260102-000000-bb"), False), (("one", "two"), True)]
)
def test_what_is_called_after_its_run_alone_is_no_difference(runs: tuple[str, str], differ: bool) -> None:
    """As a volume claim that a step makes; a run that somebody gave a name may have it in its outputs on purpose."""
    a, b, other = (
        replace(_side({"make": Part("S", outputs={"name": name})}), run=run)
        for run, name in (
            (runs[0], f"{runs[0]}-work"),
            (runs[1], f"{runs[1]}-work"),
            (runs[1], f"{runs[1]}-room"),
        )
    )
    assert bool(compared.compare(a, b).outputs) is differ
    assert compared.compare(a, other).outputs


def test_of_a_map_only_what_moved_is_told() -> None:
    sides = [_side({"t": Part("S", outputs={"of": {"x": 1, "y": {"z": value}}})}) for value in (2, 3)]
    assert compared.compare(*sides).outputs == (Row("t", "of.y.z", 2, 3),)


@pytest.mark.parametrize(
    ("a", "b", "difference", "percent", "alike"),
    [
        (1, 1.0, 0.0, 0.0, True),
        (0, 2, 2, None, False),
        (-4, -2, 2, 50.0, False),
        (True, 1, None, None, False),
        ("1", 1, None, None, False),
        (compared.ABSENT, 1, None, None, False),
        (None, None, None, None, True),
    ],
)
def test_differences_are_of_numbers(
    a: Any, b: Any, difference: float | None, percent: float | None, alike: bool
) -> None:
    row = Row("t", "n", a, b)
    assert (row.difference, row.percent, row.alike) == (difference, percent, alike)


def test_iterations_and_tasks_of_one_run_alone_stand_there() -> None:
    a = _side({"each #0": Part("SUCCEEDED", metrics={"m.x": 1}), "gone": Part("SUCCEEDED")})
    b = _side({"each #0": Part("FAILED", metrics={"m.x": 2}), "each #1": Part("SUCCEEDED")})
    found = compared.compare(a, b)
    assert [(row.task, row.a, row.b) for row in found.states] == [
        ("each #0", "SUCCEEDED", "FAILED"),
        ("gone", "SUCCEEDED", compared.ABSENT),
        ("each #1", compared.ABSENT, "SUCCEEDED"),
    ]
    assert found.metrics == (Row("each #0", "m.x", 1, 2),)


@pytest.mark.parametrize(
    "name", ["parameters.json", "ir.yaml", "events.jsonl", "run.json", "manifest/pipeline.yaml"]
)
def test_a_run_whose_files_were_cut_off_or_changed_is_told_or_compared(
    root: Path, command: Run, name: str
) -> None:
    _local(command, root, "--out", root / ".local-runs/one")
    before = (root / ".local-runs/one" / name).read_bytes()
    texts = [
        b"",
        b"{",
        b"[]",
        b"7",
        b"null\n",
        b"\xff\xfe",
        b'{"event": "run"}\n',
        before[: len(before) // 2],
    ]
    for number, text in enumerate(texts):
        two = root / f".local-runs/two-{number}"
        shutil.copytree(root / ".local-runs/one", two)
        (two / name).write_bytes(text)
        done = command("run", "--root", root, "--compare", "one", two.name)
        assert done.code in (0, 2), done.err
        assert "Traceback" not in done.err
