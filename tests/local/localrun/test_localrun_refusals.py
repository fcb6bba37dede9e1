"""What is refused before anything runs, all reasons at once."""

import re
from importlib import metadata

import pytest
from kfp import dsl, kubernetes
from kfp_gitops.local.localrun import Refused, WarningEvent, docker, execute
from localrun_kit import compiled, component, context, fail, listing, read, run, text, write


@dsl.container_component
def in_an_image(value: str):
    return dsl.ContainerSpec(image="example.org/tool:1", command=["tool"], args=[value])


@pytest.fixture(autouse=True)
def no_docker(monkeypatch):
    monkeypatch.setattr(docker, "available", lambda: False)


def refused(function, folder, **parameters):
    def no_event(event):
        raise AssertionError(event)

    with pytest.raises(Refused) as caught:
        execute(compiled(function, folder), parameters, context(folder), no_event)
    assert not (folder / "run").exists()
    return list(caught.value.reasons)


def test_all_reasons_are_told_at_once(tmp_path):
    @dsl.component(
        base_image="python:3.11", packages_to_install=["no-such-package-here"], install_kfp_package=False
    )
    def installs():
        pass

    def pipeline(required: str, count: int = 1):
        in_an_image(value=required)
        installs()
        made = dsl.importer(artifact_uri="gs://bucket/x", artifact_class=dsl.Dataset)
        read(data=made.output)

    reasons = refused(pipeline, tmp_path, count="1", unknown=2)
    assert reasons == [
        "parameter 'unknown': the pipeline has no such parameter; it has: count, required",
        "parameter 'count': expects NUMBER_INTEGER, got a string",
        "parameter 'required': a value is required, the pipeline has no default",
        "task 'importer': imports 'gs://bucket/x', which is not on this machine; "
        "it is no parameter: make it one, and give that a file of this machine",
        "task 'in-an-image': is a container component: what it runs is inside the image 'example.org/tool:1'; "
        "it needs Docker, and no Docker engine answers here",
        "task 'installs': installs no-such-package-here when it starts, which this Python environment lacks; "
        "install it here, a run does not change the environment it runs in",
    ]


def installing(folder, words):
    """A step whose install line is another: as another kfp wrote it."""

    @dsl.component(base_image="python:3.11")
    def step() -> str:
        return "ran"

    def pipeline() -> str:
        return step().output

    documents = compiled(pipeline, folder)
    command = documents[0]["deploymentSpec"]["executors"]["exec-step"]["container"]["command"]
    head, line, tail = re.split(r"(?<=--no-warn-script-location )(.*?)(?= &&)", command[2], maxsplit=1)
    assert "'kfp==" in line
    command[2] = f"{head}{words}{tail}"
    return documents


@pytest.mark.parametrize(
    ("version", "option"),
    [("2.3.4", "--no-deps"), ("2.3.4", "--no-dependencies"), ("2.0.0-beta.8", "--no-deps")],
)
def test_a_step_that_another_kfp_2_compiled_runs_with_the_one_that_is_here(tmp_path, version, option):
    documents = installing(
        tmp_path, f"'kfp=={version}' '{option}' 'typing-extensions>=3; python_version<\"3.9\"' "
    )
    events = []
    outcome = execute(documents, {}, context(tmp_path), events.append)
    assert (outcome.state, outcome.parameters) == ("SUCCEEDED", {"Output": "ran"})
    here = metadata.version("kfp")
    warned = [event.message for event in events if isinstance(event, WarningEvent)]
    assert warned == [f"compiled with kfp {version}, and run with the kfp {here} that is here: exec-step"]


@pytest.mark.parametrize(
    ("words", "lacking"),
    [
        ("'kfp==2.3.4' ", "kfp==2.3.4"),  # somebody asks for it
        ("'kfp==1.8.22' '--no-deps' ", "kfp==1.8.22"),
        ("'kfp==2.3.4' '--no-deps' 'no-such-package' ", "no-such-package"),
        ("'kfp==2.3.4' '--no-deps' && python3 -m pip install 'no-such-package' ", "no-such-package"),
        ("'no-such-package==2.3.4' '--no-deps' ", "no-such-package==2.3.4"),
        ("'kfp ", "'kfp"),  # no shell could read it
    ],
)
def test_any_other_package_that_is_not_here_is_refused(tmp_path, words, lacking):
    with pytest.raises(Refused, match=f"installs {re.escape(lacking)} when it starts"):
        execute(installing(tmp_path, words), {}, context(tmp_path), lambda event: None)


def test_the_kfp_that_is_here_is_no_reason_to_warn(tmp_path):
    events = []
    execute(
        installing(tmp_path, f"'kfp=={metadata.version('kfp')}' '--no-deps' "),
        {},
        context(tmp_path),
        events.append,
    )
    assert not [event for event in events if isinstance(event, WarningEvent)]


@pytest.mark.parametrize(
    ("parameter", "value", "why"),
    [
        ("n", 2.5, "expects NUMBER_INTEGER, got 2.5"),
        ("n", True, "expects NUMBER_INTEGER, got a bool"),
        ("n", "1", "expects NUMBER_INTEGER, got a string"),
        ("f", float("nan"), "nan is not a JSON number"),
        ("s", 1, "expects STRING, got a number"),
        ("b", 1, "expects BOOLEAN, got a number"),
        ("items", {"a": 1}, "expects LIST, got a map"),
        ("fields", [], "expects STRUCT, got a list"),
    ],
)
def test_wrongly_typed_parameter(tmp_path, parameter, value, why):
    def pipeline(n: int, f: float, s: str, b: bool, items: list, fields: dict):
        text()

    right = {"n": 1, "f": 1, "s": "", "b": True, "items": [], "fields": {}}

    assert refused(pipeline, tmp_path, **{**right, parameter: value}) == [f"parameter {parameter!r}: {why}"]


def test_data_from_the_cluster_that_a_task_would_miss(tmp_path, monkeypatch):
    def pipeline():
        task = text()
        kubernetes.use_secret_as_env(task, secret_name="s", secret_key_to_env={"k": "TOKEN_NOT_SET"})
        kubernetes.use_secret_as_env(task, secret_name="s", secret_key_to_env={"k": "TOKEN_SET"})
        kubernetes.use_config_map_as_volume(task, config_map_name="c", mount_path="/config")
        kubernetes.mount_pvc(task, pvc_name="data", mount_path="/data")

    monkeypatch.setenv("TOKEN_SET", "1")
    assert sorted(refused(pipeline, tmp_path)) == [
        "task 'text': gets TOKEN_NOT_SET from a secret; set it in the environment and give --pass-env TOKEN_NOT_SET",
        "task 'text': gets TOKEN_SET from a secret; set it in the environment and give --pass-env TOKEN_SET",
        "task 'text': reads a config map as files at '/config', which only a cluster has; make a folder of that path "
        "here and give --mount /config to let it stand for that",
        "task 'text': reads a persistent volume at '/data', which only a cluster has; make a folder of that path "
        "here and give --mount /data to let it stand for that",
    ]


@component
def keeps(folder: str, value: str) -> str:
    from pathlib import Path

    Path(folder, "kept").write_text(value)
    return value


@component
def finds(folder: str) -> str:
    from pathlib import Path

    return Path(folder, "kept").read_text()


def test_a_folder_of_this_machine_stands_for_a_claim(tmp_path):
    """A claim that the pipeline makes, hands on and removes is a name here; its files are in the folder."""
    there = tmp_path / "claim"
    there.mkdir()

    def pipeline() -> str:
        made = kubernetes.CreatePVC(pvc_name_suffix="-scratch", access_modes=["ReadWriteOnce"], size="1Gi")
        kept = keeps(folder=str(there), value=made.outputs["name"])
        found = finds(folder=str(there)).after(kept)
        for task in (kept, found):
            kubernetes.mount_pvc(task, pvc_name=made.outputs["name"], mount_path=str(there))
        kubernetes.DeletePVC(pvc_name=made.outputs["name"]).after(found)
        return found.output

    done = run(pipeline, tmp_path, mounts=(str(there),))
    assert (done.state, done.outcome.parameters) == ("SUCCEEDED", {"Output": "run-1-scratch"})
    assert (there / "kept").read_text() == "run-1-scratch"
    warned = done.warnings()
    assert "no volume claim is made or removed on this machine: exec-createpvc, exec-deletepvc" in warned
    assert not [text for text in warned if "pvcMount" in text]  # for it has an effect


def test_settings_without_effect_are_one_warning(tmp_path):
    def pipeline():
        task = text().set_cpu_limit("1")
        kubernetes.add_toleration(task, key="k", operator="Exists", effect="NoSchedule")
        kubernetes.use_secret_as_env(task, secret_name="s", secret_key_to_env={"k": "MAYBE"}, optional=True)

    done = run(pipeline, tmp_path)
    assert done.state == "SUCCEEDED"
    (warning,) = done.warnings()
    assert warning.endswith(": resources (exec-text); secretAsEnv (exec-text); tolerations (exec-text)")


def test_a_remote_import_by_a_parameter_is_refused_where_it_surely_runs(tmp_path):
    def pipeline(source: str = "s3://bucket/x", go: bool = True):
        with dsl.ExitHandler(text()):
            made = dsl.importer(artifact_uri=source, artifact_class=dsl.Dataset)
            read(data=made.output)
        with dsl.If(go == True):  # noqa: E712 - the DSL's way
            dsl.importer(artifact_uri=source, artifact_class=dsl.Dataset)

    (reason,) = refused(pipeline, tmp_path)
    assert reason == (
        "task 'exit-handler-1/importer': imports 's3://bucket/x', which is not on this machine; "
        "give 'source' a file of this machine, as in --param source=FILE"
    )
    file = tmp_path / "file"
    file.write_text("here")
    assert run(pipeline, tmp_path / "run", source=str(file)).state == "SUCCEEDED"


def test_condition_that_the_compiler_broke(tmp_path):
    def pipeline(value: str):
        with dsl.If(value == "it's"):
            text()

    (reason,) = refused(pipeline, tmp_path, value="x")
    assert reason.startswith("task 'condition-1': the condition is not supported")


def test_reference_into_nothing_that_the_compiler_wrote(tmp_path):
    """kubeflow/pipelines#13273: a static list of dicts inside a group."""

    def pipeline(value: str):
        with dsl.If(value == "x"), dsl.ParallelFor([{"a": "1"}, {"a": "2"}]) as item:
            text(value=item.a)

    reasons = refused(pipeline, tmp_path, value="x")
    assert any("refers to input 'loop-item-param-" in reason for reason in reasons)


def test_circle_of_dependencies(tmp_path):
    def pipeline():
        first, second = text(), text()
        first.after(second)
        second.after(first)

    (reason,) = refused(pipeline, tmp_path)
    assert "in a circle" in reason


def test_code_that_is_in_an_image(tmp_path):
    def pipeline():
        text()

    documents = compiled(pipeline, tmp_path)
    container = documents[0]["deploymentSpec"]["executors"]["exec-text"]["container"]
    container["command"] = ["python3", "-m", "kfp.dsl.executor_main"]
    with pytest.raises(Refused, match=r"is inside the image 'python:3\.11'; it needs Docker"):
        execute(documents, {}, context(tmp_path), lambda event: None)


def test_retries_of_a_group(tmp_path):
    @dsl.pipeline
    def inner():
        text()

    def pipeline():
        inner().set_retry(2)

    (reason,) = refused(pipeline, tmp_path)
    assert "retries of a whole group" in reason


@pytest.mark.parametrize(
    "documents", [[], [{}], [{"pipelineInfo": {"name": "x"}}], [{"root": {"dag": {}}}], [[1]]]
)
def test_what_is_no_compiled_pipeline(tmp_path, documents):
    with pytest.raises(Refused, match="not a compiled pipeline"):
        execute(documents, {}, context(tmp_path), lambda event: None)


def test_component_inside_itself(tmp_path):
    @dsl.pipeline
    def inner():
        text()

    def pipeline():
        inner()

    documents = compiled(pipeline, tmp_path)
    documents[0]["components"]["comp-inner"]["dag"]["tasks"]["again"] = {
        "componentRef": {"name": "comp-inner"}
    }
    with pytest.raises(Refused, match="contains itself"):
        execute(documents, {}, context(tmp_path), lambda event: None)


def test_required_inputs_that_are_not_bound(tmp_path):
    def pipeline():
        made = write()
        read(data=made.outputs["data"])
        fail()
        listing()

    documents = compiled(pipeline, tmp_path)
    documents[0]["root"]["dag"]["tasks"]["read"]["inputs"] = {}
    with pytest.raises(Refused, match="task 'read': required artifact 'data' is not given"):
        execute(documents, {}, context(tmp_path), lambda event: None)


def test_iterator_without_items(tmp_path):
    def pipeline():
        with dsl.ParallelFor([1]):
            text()

    documents = compiled(pipeline, tmp_path)
    documents[0]["root"]["dag"]["tasks"]["for-loop-2"]["parameterIterator"]["items"] = {}
    with pytest.raises(Refused, match="loops over 'nothing'"):
        execute(documents, {}, context(tmp_path), lambda event: None)
