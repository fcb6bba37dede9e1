"""Values, placeholders, artifacts, retries, environment: what reaches a single task."""
# ruff: noqa: T201 - the tasks write down what they received

import json
import os
from pathlib import Path

import pytest
from kfp import dsl
from kfp_gitops.local.localrun import execute, surroundings
from localrun_kit import (
    compiled,
    component,
    context,
    fraction,
    listing,
    mapping,
    number,
    read,
    run,
    text,
    write,
)

pytestmark = pytest.mark.usefixtures("quick_tasks")


@component
def flaky(folder: str) -> str:
    from pathlib import Path

    marks = sorted(Path(folder).iterdir())
    Path(folder, f"attempt{len(marks)}").touch()
    if len(marks) < 2:
        raise RuntimeError(f"attempt {len(marks)} fails")
    return "third time lucky"


@component
def environment(names: list):
    import json
    import os

    print("RECEIVED", json.dumps([os.environ.get(name) for name in names]))


@component
def library():
    import json

    import only_in_the_image

    print("RECEIVED", json.dumps(only_in_the_image.ANSWER))


@component
def optional(required: str, a: str = None, b: int = 5, c: list = None):  # noqa: RUF013 - as people write it
    import json

    print("RECEIVED", json.dumps([required, a, b, c]))


@component
def several(number: dsl.OutputPath(int), flag: dsl.OutputPath(bool)):
    from pathlib import Path

    Path(number).write_text("42")
    Path(flag).write_text("True")


NASTY = "'; rm -rf \"$HOME\" {{$}} {{$.inputs.parameters['value']}} $(touch x) \\ \n é python3 /kfp-workspace"


def test_values_arrive_with_their_types(tmp_path):
    def pipeline(n: int, f: float, s: str, items: list, fields: dict):
        number(value=n)
        fraction(value=f)
        text(value=s)
        listing(value=items)
        mapping(value=fields)

    items, fields = [1, 2.5, "x", None, True, [3]], {"a": {"b": [1, None]}}
    done = run(pipeline, tmp_path, n=7, f=2.5, s=NASTY, items=items, fields=fields)
    assert done.state == "SUCCEEDED", done.outcome.error
    assert json.dumps(done.received("listing")) == json.dumps(items)
    assert done.received("mapping") == fields
    assert (done.received("number"), done.received("fraction"), done.received("text")) == (7, 2.5, NASTY)


def test_outputs_are_passed_on_and_told(tmp_path):
    def pipeline():
        made = several()
        number(value=made.outputs["number"])
        stored = write(value="abc")
        read(data=stored.outputs["data"])

    done = run(pipeline, tmp_path)
    assert done.received("number") == 42
    assert done.of("several")[-1].parameters == {"number": 42, "flag": True}
    (artifact,) = done.of("write")[-1].artifacts["data"]
    assert artifact.uri == str(tmp_path / "run" / "artifacts" / "write" / "data")
    assert (artifact.schema_title, artifact.metadata) == ("system.Dataset", {"size": 3})
    assert done.received("read", "METADATA") == {"size": 3}


def test_f_strings_and_placeholders(tmp_path):
    def pipeline(a: str):
        made = text(value="made")
        text(value=f"{a}-{made.output}-{dsl.PIPELINE_JOB_NAME_PLACEHOLDER}")
        text(value=dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER)
        text(value=dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER)
        text(value=dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER)
        text(value=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
        text(value=dsl.PIPELINE_TASK_NAME_PLACEHOLDER)
        text(value=dsl.PIPELINE_TASK_ID_PLACEHOLDER)
        text(value=dsl.PIPELINE_ROOT_PLACEHOLDER)

    done = run(pipeline, tmp_path, a="{{$.pipeline_job_uuid}}")
    assert [done.received(f"text-{i}") for i in range(2, 8)] == [
        "{{$.pipeline_job_uuid}}-made-My run",
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:00:00Z",
        "test-run-1",
        "run-1",
        "text-7",
    ]
    assert len(done.received("text-8")) == 36
    assert done.received("text-9") == str(tmp_path / "run" / "artifacts")


def test_defaults_and_optional_inputs(tmp_path):
    @dsl.pipeline
    def inner(required: str, a: str = None, b: int = 8):  # noqa: RUF013 - as people write it
        optional(required=required, a=a, b=b)

    def pipeline(given: str = "given", unset: str = None):  # noqa: RUF013 - as people write it
        optional(required=given, a=unset)
        inner(required=given)

    done = run(pipeline, tmp_path)
    assert done.received("optional") == ["given", None, 5, None]
    assert done.received("inner/optional") == ["given", None, 8, None]


def test_retry_runs_again_after_backing_off(tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()

    def pipeline(marks: str):
        made = flaky(folder=marks).set_retry(3, backoff_duration="0s")
        text(value=made.output)

    done = run(pipeline, tmp_path, marks=str(marks))
    assert done.received("text") == "third time lucky"
    assert [(event.state, event.attempt) for event in done.of("flaky")] == [
        ("RUNNING", 1),
        ("RUNNING", 2),
        ("RUNNING", 3),
        ("SUCCEEDED", 3),
    ]
    assert "attempt 1 fails" in done.of("flaky")[2].error
    assert done.log("flaky").count("Traceback") == 2


def test_retries_that_are_used_up_fail_the_task(tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()

    def pipeline(marks: str):
        flaky(folder=marks).set_retry(1, backoff_duration="0s")

    done = run(pipeline, tmp_path, marks=str(marks))
    assert (done.state, len(list(marks.iterdir()))) == ("FAILED", 2)
    assert done.of("flaky")[-1].error == "exit code 1: RuntimeError: attempt 1 fails"


SECRETS = [
    "GITHUB_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "KFP_TOKEN",
    "SSH_AUTH_SOCK",
    "KUBECONFIG",
    "https_proxy",
    "DB",
]


def test_a_step_sees_nothing_of_the_environment_but_what_a_program_needs(tmp_path, monkeypatch):
    for name in SECRETS:
        monkeypatch.setenv(name, "http://me:secret@proxy")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:3128")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def pipeline():
        environment(names=[*SECRETS, "HTTP_PROXY", "LC_ALL", "HOME", "OWN"]).set_env_variable("OWN", "x y")

    seen = run(pipeline, tmp_path).received("environment")
    assert seen == [*[None] * len(SECRETS), "http://proxy:3128", "C.UTF-8", os.environ.get("HOME"), "x y"]


def test_a_step_sees_what_was_named_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("NAMED_TOKEN", "yes")

    def pipeline():
        environment(names=["NAMED_TOKEN"])

    environ = surroundings.of_steps(os.environ, ["NAMED_TOKEN"])
    assert run(pipeline, tmp_path, environ=environ).received("environment") == ["yes"]


def test_python_path_stands_for_the_libraries_of_the_image(tmp_path):
    image = tmp_path / "image"
    image.mkdir()
    (image / "only_in_the_image.py").write_text("ANSWER = 42\n")

    def pipeline():
        library()

    given = context(tmp_path, python_path=(image,))
    outcome = execute(compiled(pipeline, tmp_path), {}, given, lambda event: None)
    assert outcome.state == "SUCCEEDED"
    assert "RECEIVED 42" in (given.run_dir / "logs" / "library.log").read_text()


def test_nested_pipelines_pass_inputs_and_outputs(tmp_path):
    @dsl.pipeline
    def inner(value: str) -> str:
        return text(value=f"<{value}>").output

    @dsl.pipeline
    def middle(value: str) -> str:
        return inner(value=value).output

    def pipeline(value: str = "v") -> str:
        made = middle(value=value)
        return text(value=made.output).output

    done = run(pipeline, tmp_path)
    assert done.received("middle/inner/text") == "<v>"
    assert done.outcome.parameters == {"Output": "<v>"}
    assert done.of("middle/inner/text")[0].parent_task_id == "middle/inner"


def test_satisfied_packages_are_not_installed_again(tmp_path):
    @dsl.component(base_image="python:3.11", packages_to_install=["pyyaml>=5"], install_kfp_package=False)
    def parses() -> str:
        import yaml

        return yaml.safe_load("a")

    def pipeline():
        parses()

    assert run(pipeline, tmp_path).outcome.error == ""


def test_task_works_in_a_folder_of_its_own_and_leaves_nothing_there(tmp_path):
    @component
    def litter() -> str:
        from pathlib import Path

        Path("litter.txt").touch()
        return str(Path.cwd())

    def pipeline() -> str:
        return litter().output

    done = run(pipeline, tmp_path)
    assert done.outcome.error == ""
    assert not Path(done.outcome.parameters["Output"]).exists()


def test_runs_in_another_thread_too(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    def pipeline():
        text()

    documents = compiled(pipeline, tmp_path)
    with ThreadPoolExecutor(2) as pool:
        runs = [context(tmp_path, run_dir=tmp_path / name, run_id=name) for name in ("a", "b")]
        outcomes = list(pool.map(lambda each: execute(documents, {}, each, lambda event: None), runs))
    assert [outcome.state for outcome in outcomes] == ["SUCCEEDED", "SUCCEEDED"]
