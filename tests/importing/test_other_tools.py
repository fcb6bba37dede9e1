"""`import.py` of what sky-uk/kfp-operator and deployKF's kubeflow-pipelines-gitops keep in Git."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.base.yamltext import parse, parse_all
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.importing import foreign
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import brought
from project import HERE, Outcome, snapshot

_ODD: tuple[Any, ...] = (None, 7, "x", "", [], {}, [[]], {"a": 1}, True)
Run = Callable[..., Outcome]
_SPECS = {path.stem: path.read_text("utf-8") for path in (HERE / "dsl/dsl_components").glob("*.yaml")}
_MANIFEST = """
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: %s, description: A., owner: t}
spec:
  parameters:
    n: {type: int, default: 1}
    rate: {type: float, default: 0.5}
    deep: {type: bool, default: false}
    where: {type: dict, default: {}}
    message: {type: str, default: hello}
    location: {type: str}
  tasks:
    say: {component: say, arguments: {text: {param: message}}}
    where: {component: say, arguments: {text: {param: location}}}
"""
_OPERATOR = """
apiVersion: pipelines.kubeflow.org/v1beta1
kind: Pipeline
metadata:
  name: churn
  namespace: team-a
  labels: {team: a}
spec:
  provider: providers/kfp
  image: registry.example.com/churn:v1
  framework:
    name: kfpsdk
    parameters:
      pipeline: churn.pipelines.train
  env:
  - {name: ROUNDS, value: "3"}
---
apiVersion: pipelines.kubeflow.org/v1beta1
kind: RunConfiguration
metadata:
  name: churn-nightly
spec:
  run:
    provider: providers/kfp
    pipeline: churn:v1-abc
    experimentName: churn
    parameters:
    - {name: n, value: '7'}
    - {name: rate, value: '0.25'}
    - {name: deep, value: 'true'}
    - {name: where, value: '{"bucket": "b"}'}
    - {name: location, value: '2030-01-01'}
    artifacts:
    - {name: model, path: 'Pusher:model:0'}
  triggers:
    schedules:
    - cronExpression: 0 2 * * *
      startTime: 2024-01-01T00:00:00Z
      endTime: "2099-12-31T23:59:59+01:00"
    - cronExpression: 30 0 4 * * 1
    onChange: [pipeline, runSpec]
    runConfigurations: [other/features-rc]
---
apiVersion: pipelines.kubeflow.org/v1alpha6
kind: RunSchedule
metadata: {generateName: Churn_Weekly-}
spec:
  pipeline: churn
  provider: kfp
  runtimeParameters:
  - {name: location, value: weekly}
  schedule: {cronExpression: '0 0 3 * * 0'}
"""
_RECURRING = """
recurring_runs:
- pipeline_source:
    github_owner: org
    github_repo: pipelines
    git_reference: 0123abc
    file_path: pipelines/churn/RENDERED_PIPELINE/workflow.yaml
  pipeline_parameters:
  - {name: n, value: "7"}
  - name: location
    valueFrom: {file_path: pipelines/churn/RENDERED_PIPELINE/params/location}
  keep_history: 5
  job:
    enabled: false
    name: Churn nightly
    description: ~
    experiment: churn
    max_concurrency: 2
    service_account: trainer
    trigger:
      catchup: true
      start_date: 2024-01-01 00:00:00
      cron: "0 0 2 * * *"
- pipeline_source:
    github_owner: org
    github_repo: pipelines
    git_reference: 0123abc
    file_path: pipelines/churn/RENDERED_PIPELINE/workflow.yaml
  pipeline_parameters:
  - {name: location, value: here}
  job:
    enabled: true
    name: churn-hourly
    experiment: churn
    max_concurrency: 1
    trigger: {catchup: false, interval_seconds: 3600}
"""


def _ir(name: str = "churn") -> str:
    return compile_pipeline(RenderedPipeline(name, "sha256:0", _MANIFEST % name, _SPECS), "m").text


@pytest.fixture
def begin(repository: Path, command: Run, tmp_path: Path) -> Callable[..., Outcome]:
    """Import a text, with the IR of `churn` unless told otherwise."""

    def run(text: str, *more: object, ir: bool = True) -> Outcome:
        (tmp_path / "team-1").mkdir(exist_ok=True)
        (tmp_path / "team-1/given.yaml").write_text(text)
        (tmp_path / "ir.yaml").write_text(_ir())
        given = ["--ir", tmp_path / "ir.yaml"] if ir else []
        return command("import", tmp_path / "team-1/given.yaml", *given, *more, "--root", repository)

    return run


def _values(repository: Path, name: str = "churn") -> Any:
    path = repository / "environments/dev/values.yaml"
    return parse(path.read_text(), "v").value["pipelines"][name]["values"]


def _manifest(repository: Path, name: str = "churn") -> Any:
    path = repository / f"manifests/dev/pipelines/{name}/pipeline.yaml"
    return parse(path.read_text(), "m").value


def test_schedules_of_kfp_operator_come_with_its_pipeline(
    repository: Path, begin: Callable[..., Outcome]
) -> None:
    done = begin(_OPERATOR)
    assert done.code == 0, done.err
    assert "equal: rendered and compiled, churn is" in done.out
    nightly = {
        "parameters": {"n": 7, "rate": 0.25, "deep": True, "where": {"bucket": "b"}, "location": "2030-01-01"}
    }
    always = {"enabled": True, "maxConcurrency": 1, "catchup": False}
    assert _values(repository)["schedules"] == [
        {
            "name": "churn-nightly-1",
            "cron": "0 0 2 * * *",
            **always,
            "start": "2024-01-01T00:00:00Z",
            "end": "2099-12-31T22:59:59Z",
            **nightly,
        },
        {"name": "churn-nightly-2", "cron": "30 0 4 * * 1", **always, **nightly},
        {"name": "churn-weekly", "cron": "0 0 3 * * 0", **always, "parameters": {"location": "weekly"}},
    ]
    rendered = _manifest(repository)
    assert rendered["schedules"] == _values(repository)["schedules"]
    assert rendered["triggers"] == [{"name": "churn-nightly-on-change", "runOn": "change", **nightly}]


def test_each_field_of_kfp_operator_that_does_not_map_is_told_at_its_line(
    begin: Callable[..., Outcome],
) -> None:
    said = begin(_OPERATOR).err
    for line, what in {
        6: "metadata.namespace is not taken over",
        7: "metadata.labels is not taken over",
        9: "spec.provider is not taken over",
        15: "spec.env is not taken over; the pipeline reads it while it is compiled",
        25: "the pipeline's version 'v1-abc' is not taken over",
        26: "spec.run.experimentName is not taken over",
        33: "spec.run.artifacts is not taken over",
        41: "runSpec is not taken over",
        42: "runs after those of 'other/features-rc' are not taken over: it is in none of these files",
    }.items():
        place = f"given.yaml:{line}:"
        assert any(place in one and what in one for one in said.splitlines()), (line, what, said)
    assert "no step of" in said and "runs in registry.example.com/churn:v1" in said
    assert "'Churn_Weekly' cannot name a schedule" in said
    assert "CRON_SCHEDULE_TIMEZONE" in said


def test_without_its_ir_it_is_told_how_that_is_made_and_nothing_is_written(
    repository: Path, begin: Callable[..., Outcome]
) -> None:
    before = snapshot(repository)
    done = begin(_OPERATOR, ir=False)
    assert done.code == 2
    assert (
        "`KFP_PIPELINE_IMAGE=registry.example.com/churn:v1 ROUNDS=3 kfp dsl compile --py churn/pipelines.py "
        "--function train --output churn.yaml`, and give it: --ir churn=FILE, or its source: "
        "--ir churn=churn/pipelines.py:train" in done.err
    )
    assert snapshot(repository) == before


def test_a_schedule_whose_parameter_stands_elsewhere_is_left_out_and_told(
    repository: Path, begin: Callable[..., Outcome]
) -> None:
    text = _OPERATOR.replace(
        "{name: location, value: '2030-01-01'}",
        "{name: location, valueFrom: {runConfigurationRef: {name: a/b, outputArtifact: c}}}",
    )
    done = begin(text)
    assert done.code == 0, done.err
    assert "the schedule 'churn-nightly-1' is left out: location has no default in the IR" in done.err
    assert [one["name"] for one in _values(repository)["schedules"]] == ["churn-weekly"]
    assert "triggers" not in _manifest(repository)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("value: '7'", "value: '7.5'", "given.yaml:28:24: '7.5' is no int, which the IR says 'n' is"),
        ("{name: n,", "{name: m,", "declares no parameter 'm'; choose one of: "),
        ("value: 'true'", "value: maybe", "'maybe' is no bool"),
        ('\'{"bucket": "b"}\'', "'[1]'", "'[1]' is no dict"),
        ("0 2 * * *", "0 2 * * 7", "KFP refuses cron '0 0 2 * * 7'"),
        ("0 2 * * *", "0 2 31 2 *", "never fires"),
        ("2024-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "'0001-01-01T00:00:00+14:00' is no instant"),
        ("2024-01-01T00:00:00Z", "some day", "'some day' is no instant; write it as 2026-11-29T13:30:00Z"),
        ("kind: RunSchedule", "kind: Secret", "Secret is none of the resources of sky-uk/kfp-operator"),
        ("metadata: {generateName", "metadatum: {generateName", "is not of the shape that its tool gives it"),
    ],
)
def test_what_is_wrong_in_it_is_told_and_nothing_is_written(
    repository: Path, begin: Callable[..., Outcome], old: str, new: str, said: str
) -> None:
    assert old in _OPERATOR
    before = snapshot(repository)
    done = begin(_OPERATOR.replace(old, new))
    assert (done.code, said in done.err) == (2, True), done.err
    assert snapshot(repository) == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("max_concurrency: 2", "max_concurrency: 11", "given.yaml:18:22: 11 is no whole number from 1 to 10"),
        ("interval_seconds: 3600", "interval_seconds: 1.5", "1.5 is no whole number from 1 to 2147483647"),
        ("enabled: false", "enabled: never", "'never' is neither true nor false"),
        ("catchup: true", "catchup: 1", "1 is neither true nor false"),
    ],
)
def test_what_kfp_would_not_take_is_told_at_its_line(
    begin: Callable[..., Outcome], old: str, new: str, said: str
) -> None:
    assert old in _RECURRING
    done = begin(_RECURRING.replace(old, new))
    assert (done.code, said in done.err) == (2, True), done.err


def test_two_schedules_of_one_name_are_refused(begin: Callable[..., Outcome]) -> None:
    done = begin(_RECURRING.replace("name: Churn nightly", "name: churn-hourly"))
    assert done.code == 2
    assert "'churn' has two schedules 'churn-hourly'; give one another name" in done.err


def test_recurring_runs_of_deploykf_come_with_the_ir_of_their_pipeline(
    repository: Path, begin: Callable[..., Outcome], tmp_path: Path
) -> None:
    file = tmp_path / "pipelines/churn/RENDERED_PIPELINE/params/location"
    file.parent.mkdir(parents=True)
    file.write_text("there")
    done = begin(_RECURRING)
    assert done.code == 0, done.err
    assert _values(repository)["schedules"] == [
        {
            "name": "churn-nightly",
            "cron": "0 0 2 * * *",
            "enabled": False,
            "maxConcurrency": 2,
            "catchup": True,
            "start": "2024-01-01T00:00:00Z",
            "parameters": {"n": 7, "location": "there"},
        },
        {
            "name": "churn-hourly",
            "intervalSeconds": 3600,
            "enabled": True,
            "maxConcurrency": 1,
            "catchup": False,
            "parameters": {"location": "here"},
        },
    ]
    for word in ("keep_history", "job.experiment", "job.service_account", "'Churn nightly' cannot name"):
        assert word in done.err
    assert "job.description" not in done.err, "it is empty"


def test_without_the_ir_of_a_pipeline_of_kfp_1_it_is_told_what_to_compile(
    begin: Callable[..., Outcome],
) -> None:
    done = begin(_RECURRING, ir=False)
    assert done.code == 2
    assert "compile its pipeline.py with KFP 2" in done.err
    assert "--ir churn=FILE" in done.err


def test_five_fields_of_deploykf_stay_what_kfp_made_of_them(
    repository: Path, begin: Callable[..., Outcome]
) -> None:
    done = begin(_RECURRING.replace('"0 0 2 * * *"', '"0 2 * * *"').replace("valueFrom", "value: x #"))
    assert done.code == 0, done.err
    assert _values(repository)["schedules"][0]["cron"] == "0 2 * * * *"
    assert "five fields, and KFP took the first for the seconds; it is kept so, as '0 2 * * * *'" in done.err


def test_an_end_that_is_past_is_told(begin: Callable[..., Outcome]) -> None:
    done = begin(_OPERATOR.replace("2099-12-31", "2024-12-31"))
    assert "given.yaml:39:16: this ended at 2024-12-31T22:59:59Z, and fires no more" in done.err


def test_a_folder_and_a_list_of_kubectl_hold_several_pipelines(
    repository: Path, command: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "resources"
    folder.mkdir()
    items = "".join(
        f"- apiVersion: pipelines.kubeflow.org/v1beta1\n  kind: RunSchedule\n  metadata: {{name: {name}, uid: x}}\n"
        f"  spec:\n    pipeline: {name}\n    parameters: [{{name: location, value: x}}]\n"
        f"    schedule: {{cronExpression: '0 0 3 * * *'}}\n  status: {{}}\n"
        for name in ("churn", "fraud", "spam")
    )
    (folder / "all.yaml").write_text(f"apiVersion: v1\nkind: List\nitems:\n{items}")
    (folder / "notes.txt").write_text("of another kind")
    for name in ("churn", "fraud"):
        (tmp_path / f"{name}.yaml").write_text(_ir(name))
    given = ["--ir", tmp_path / "churn.yaml", "--ir", f"fraud={tmp_path}/fraud.yaml"]
    checked = command("import", folder, *given, "--check", "--root", repository)
    assert checked.code == 0, checked.err
    assert f"equal    {tmp_path}/fraud.yaml  sha256:" in checked.out and "  1 schedule" in checked.out
    assert "fraud" not in (repository / "environments/dev/values.yaml").read_text()
    done = command("import", folder, *given, "--root", repository)
    assert done.code == 0, done.err
    assert "all.yaml:24:15: the pipeline 'spam' is not in this file" in done.err
    assert [_values(repository, name)["schedules"][0]["name"] for name in ("churn", "fraud")] == [
        "churn",
        "fraud",
    ]
    refused = command("import", folder, *given, "--name", "x", "--root", repository)
    assert "--name and --into are for one pipeline" in refused.err


def test_a_compiled_pipeline_beside_them_is_their_ir(repository: Path, command: Run, tmp_path: Path) -> None:
    (tmp_path / "op.yaml").write_text(_OPERATOR)
    (tmp_path / "ir.yaml").write_text(_ir("another-name"))
    done = command("import", tmp_path / "op.yaml", tmp_path / "ir.yaml", "--root", repository)
    assert done.code == 0, done.err
    assert len(_values(repository, "another-name")["schedules"]) == 3


_DSL = """
import os

from kfp import dsl


@dsl.component(base_image=os.environ["KFP_PIPELINE_IMAGE"], install_kfp_package=False)
def say(text: str, rounds: int = 2) -> str:
    return text * rounds


@dsl.pipeline(name="churn")
def train(location: str, n: int = int(os.environ["ROUNDS"]), rate: float = 0.5, deep: bool = False, where: dict = {}):
    say(text=location)


@dsl.pipeline(name="another")
def another(location: str):
    say(text=location)
"""


def test_a_compiled_pipeline_that_speaks_of_these_resources_is_none_of_them() -> None:
    speaking = _ir().replace("sdkVersion", "# apiVersion: pipelines.kubeflow.org/v1beta1\nsdkVersion")
    assert "v1beta1" in speaking
    assert not foreign.is_foreign(speaking)
    assert foreign.is_foreign(_OPERATOR) and foreign.is_foreign(_RECURRING)


def test_json_of_kubectl_is_read_as_well(repository: Path, command: Run, tmp_path: Path) -> None:
    items = [document.value for document in parse_all(_OPERATOR.replace(": 2024-01-01", ": in 2024"), "x")]
    del items[1]["spec"]["triggers"]["schedules"][0]["startTime"]
    (tmp_path / "all.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    (tmp_path / "ir.yaml").write_text(_ir())
    done = command("import", tmp_path / "all.json", tmp_path / "ir.yaml", "--root", repository)
    assert done.code == 0, done.err
    assert len(_values(repository)["schedules"]) == 3


def test_new_py_is_the_same_door(repository: Path, command: Run, tmp_path: Path) -> None:
    (tmp_path / "op.yaml").write_text(_OPERATOR)
    (tmp_path / "ir.yaml").write_text(_ir())
    files = (tmp_path / "op.yaml", tmp_path / "ir.yaml")
    done = command("new", "pipeline", "mine", "--root", repository, "--from", *files)
    assert done.code == 0, done.err
    assert len(_values(repository, "mine")["schedules"]) == 3


def test_the_source_of_a_pipeline_is_compiled_as_the_operator_did(
    repository: Path, command: Run, tmp_path: Path
) -> None:
    (tmp_path / "op.yaml").write_text(_OPERATOR)
    (tmp_path / "pipelines.py").write_text(_DSL)
    source = f"{tmp_path}/pipelines.py"
    several = command("import", tmp_path / "op.yaml", "--ir", source, "--root", repository)
    assert (several.code, "has 2 pipelines: train (line" in several.err) == (2, True), several.err
    done = command("import", tmp_path / "op.yaml", "--ir", f"churn={source}:train", "--root", repository)
    assert done.code == 0, done.err
    assert "was not given" not in done.err and "no step of" not in done.err
    assert len(_values(repository)["schedules"]) == 3
    assert _manifest(repository)["triggers"]
    python = (repository / "components/say/component.py").read_text()
    assert "text * rounds" in python
    release = parse((repository / "environments/dev/release.yaml").read_text(), "r").value
    assert "registry.example.com/churn:v1" in release["images"]
    assert "KFP_PIPELINE_IMAGE" not in os.environ


def test_a_folder_has_its_pipelines_by_their_names(repository: Path, command: Run, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "op.yaml").write_text(_OPERATOR)
    for name in ("team-a-churn", "stray"):
        (folder / f"{name}.yaml").write_text(_ir(name))
    (folder / "kustomization.yaml").write_text("resources: [op.yaml]\n")
    done = command("import", folder, "--root", repository)
    assert done.code == 0, done.err
    assert len(_values(repository, "team-a-churn")["schedules"]) == 3
    for name in ("stray", "kustomization"):
        assert f"not imported: {folder}/{name}.yaml is no file of these tools" in done.err


@pytest.mark.parametrize("file", ["/etc/hostname", "../secret", "link"])
def test_only_files_of_their_repository_are_read_for_values(
    begin: Callable[..., Outcome], tmp_path: Path, file: str
) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "team-1").mkdir()
    (tmp_path / "team-1/link").symlink_to(tmp_path / "secret")
    done = begin(_RECURRING.replace("pipelines/churn/RENDERED_PIPELINE/params/location", file))
    assert "secret" not in done.out + done.err.replace("/secret", "")
    told = "leads out of the repository" if file == "link" else "the value of 'location' is not taken over"
    assert told in done.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            ("--ir", "nobody=x.yaml"),
            "of which pipeline is that the IR? write --ir NAME=FILE, NAME one of: churn",
        ),
        (("--ir", "churn=none.yaml"), "none.yaml: no such file"),
    ],
)
def test_an_ir_of_nothing_is_told(begin: Callable[..., Outcome], more: tuple[str, ...], said: str) -> None:
    done = begin(_OPERATOR, *more, ir=False)
    assert (done.code, said in done.err) == (2, True), done.err


def test_ir_is_for_these_files_alone(begin: Callable[..., Outcome]) -> None:
    done = begin(_ir())
    assert done.code == 2
    assert "--ir is for files of other tools" in done.err


def _spoilt(value: Any) -> Iterator[Any]:
    """The same with one of its parts replaced, or taken away."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield {name: one for name, one in value.items() if name != key}
            yield from ({**value, key: other} for other in (*_ODD, *_spoilt(part)))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from ([*value[:number], other, *value[number + 1 :]] for other in (*_ODD, *_spoilt(part)))


@pytest.mark.parametrize("text", [_OPERATOR, _RECURRING])
def test_files_of_any_shape_are_read_or_refused(text: str) -> None:
    """Never a traceback, here nor where it is fitted to an IR."""
    ir = brought.read(_ir(), "ir.yaml")
    documents = [
        document.value for document in parse_all(text.replace(": 2024-01-01", ": in 2024-01-01"), "x")
    ]
    spoilt = [dump_all([one]) for document in documents for one in _spoilt(document)]
    assert len(spoilt) > 300
    for one in spoilt:
        with suppress(InputError):
            found = foreign.read({"x.yaml": one}, lambda *_: None)
            for wanted in found.pipelines.values():
                foreign.fitted(wanted, ir)
                str(wanted.missing)


@pytest.mark.parametrize("text", ["{{ values.owner }}", "{% for %}", "{# x", "}}", "kfp-gitops-slot-0-"])
def test_what_a_file_says_is_no_code_of_a_template(
    repository: Path, begin: Callable[..., Outcome], text: str
) -> None:
    done = begin(_OPERATOR.replace("'2030-01-01'", f"'{text}'"))
    assert done.code == 0, done.err
    (trigger,) = _manifest(repository)["triggers"]
    assert trigger["parameters"]["location"] == text
    assert _manifest(repository)["schedules"][0]["parameters"]["location"] == text


@pytest.mark.parametrize("number", ["nan", "inf", "1e999", "1_000", " 1", "٣"])
def test_a_number_is_one_that_every_reader_has(begin: Callable[..., Outcome], number: str) -> None:
    done = begin(_OPERATOR.replace("'0.25'", f"'{number}'"))
    assert done.code == 2
    assert "is no float, which the IR says 'rate' is" in done.err


@pytest.mark.parametrize("value", ["[" * 60_000, '{"a": NaN}', '{"a": 1e999}', f'{{"a": {10**30}}}'])
def test_json_that_not_every_reader_has_is_refused(begin: Callable[..., Outcome], value: str) -> None:
    done = begin(_OPERATOR.replace('{"bucket": "b"}', value))
    assert done.code == 2
    assert "is no dict, which the IR says 'where' is" in done.err


@pytest.mark.parametrize("name", ["A=B", "", "1A", "A\\0", "A B"])
def test_what_cannot_be_a_variable_is_told_at_its_line(begin: Callable[..., Outcome], name: str) -> None:
    done = begin(_OPERATOR.replace("name: ROUNDS", f'name: "{name}"'))
    assert done.code == 2
    assert "given.yaml:16:5:" in done.err
    assert "cannot be a variable" in done.err


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PYTHONPATH", "PATH", "HOME", "TMPDIR"])
def test_a_file_does_not_say_which_code_runs_while_a_pipeline_is_compiled(name: str) -> None:
    text = _OPERATOR.replace("name: ROUNDS", f"name: {name}")
    found = foreign.read({"given.yaml": text}, lambda *_: None)
    assert name not in found.pipelines["churn"].env
    assert any("it says which code runs" in str(one) for one in found.told)


def test_a_command_to_be_pasted_runs_nothing_that_the_file_says() -> None:
    text = _OPERATOR.replace('value: "3"', 'value: "$(touch x) ; y"')
    found = foreign.read({"given.yaml": text}, lambda *_: None)
    assert "ROUNDS='$(touch x) ; y' kfp dsl compile" in found.pipelines["churn"].made


@pytest.mark.parametrize("at", [".git/config", ".env", "x/.ssh/key"])
def test_no_hidden_file_becomes_a_value(
    repository: Path, begin: Callable[..., Outcome], tmp_path: Path, at: str
) -> None:
    """Remotes of Git may hold tokens."""
    (tmp_path / at).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / at).write_text("secret-of-mine")
    done = begin(_RECURRING.replace("pipelines/churn/RENDERED_PIPELINE/params/location", at))
    assert "the value of 'location' is not taken over" in done.err
    assert "secret-of-mine" not in (repository / "environments/dev/values.yaml").read_text()


def test_nothing_far_above_a_file_outside_of_a_repository_is_read(
    begin: Callable[..., Outcome], tmp_path: Path
) -> None:
    text = _RECURRING.replace("pipelines/churn/RENDERED_PIPELINE/params/location", "key.txt")
    (tmp_path.parent / "key.txt").write_text("secret-of-mine")
    try:
        assert "the value of 'location' is not taken over" in begin(text).err
    finally:
        (tmp_path.parent / "key.txt").unlink()


def test_a_file_of_blank_lines_is_read_at_once() -> None:
    text = _RECURRING.replace("- pipeline_source:", "\n" * 100_000 + "- pipeline_source:", 1)
    began = time.monotonic()
    found = foreign.read({"given.yaml": text}, lambda *_: None)
    assert list(found.pipelines) == ["churn"]
    assert time.monotonic() - began < 20
