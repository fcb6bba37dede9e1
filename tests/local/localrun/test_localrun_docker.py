"""Container components by Docker. No engine runs here, so a stand-in for its client runs the command on this machine.

It takes the same options as `docker run` and understands them as Docker does; paths are the same inside and out.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl, kubernetes
from kfp_gitops.local.localrun import Refused, docker, execute
from localrun_kit import Finished, compiled, context, fail, number, read, run, write

_DOCKER = f"""#!{sys.executable}
import json, os, sys
words = sys.argv[1:]
with open(os.environ["DOCKER_LOG"], "a") as log:
    log.write(json.dumps(words) + chr(10))
if words[0] != "run":
    sys.exit(0 if os.environ.get("DOCKER_ANSWERS", "yes") == "yes" else 1)
words, entry, env = words[1:], [], {{"PATH": os.environ["PATH"]}}
while words[0].startswith("--"):
    option = words.pop(0)
    if option in ("--rm", "--init"):
        continue
    value = words.pop(0)
    if option == "--env":
        name, equals, text = value.partition("=")
        env[name] = text if equals else os.environ[name]
    elif option == "--entrypoint":
        entry = [value]
    elif option == "--volume":
        path, inside, mode = value.split(":")
        assert path == inside and os.path.exists(path) and mode in ("ro", "rw")
    else:
        assert option == "--name", option
image, *args = words
command = [*(entry or ["sh", "-c"]), *args]
os.execvpe(command[0], command, env)
"""


@pytest.fixture(autouse=True)
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` on the PATH; the answer is the log of what it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    client = folder / "docker"
    client.write_text(_DOCKER)
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_LOG", str(tmp_path / "docker.log"))
    docker.available.cache_clear()
    yield tmp_path / "docker.log"
    docker.available.cache_clear()


@dsl.container_component
def count(
    text: str,
    data: dsl.Input[dsl.Dataset],
    words: dsl.OutputPath(int),
    copy: dsl.Output[dsl.Dataset],
    flag: str = None,  # noqa: RUF013 - as people write it
):
    return dsl.ContainerSpec(
        image="tools",
        command=[
            "sh",
            "-c",
            'printf %s "$1" | wc -w | tr -d " " > "$2"; cp "$3" "$4"; echo "RECEIVED" "$5" "$6"',
            "x",
        ],
        args=[
            text,
            words,
            data.path,
            copy.path,
            dsl.ConcatPlaceholder(['["', text, '",']),
            dsl.IfPresentPlaceholder("flag", then=['"set"]'], else_=['"unset"]']),
        ],
    )


def _counted(tmp_path: Path, **arguments: Any) -> Finished:
    def pipeline():
        made = write(value="content")
        counted = count(text="three short words", data=made.outputs["data"], **arguments)
        number(value=counted.outputs["words"])
        read(data=counted.outputs["copy"])

    return run(pipeline, tmp_path)


def test_parameters_and_artifacts_go_in_and_out(tmp_path: Path, log: Path) -> None:
    done = _counted(tmp_path)
    assert done.state == "SUCCEEDED", done.log("count")
    assert (done.received("number"), done.received("read")) == (3, "content")
    assert done.received("count") == ["three short words", "unset"]
    (call,) = [words for words in map(json.loads, log.read_text().splitlines()) if words[0] == "run"]
    assert call[call.index("--entrypoint") + 1] == "sh" and "tools" in call


def test_an_optional_input_that_is_given_is_present(tmp_path: Path) -> None:
    assert _counted(tmp_path, flag="yes").received("count") == ["three short words", "set"]


def test_environment_of_the_task_and_of_the_cluster_goes_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kfp import kubernetes

    @dsl.container_component
    def show():
        return dsl.ContainerSpec(
            image="tools", command=["sh", "-c", 'echo RECEIVED "[\\"$A\\", \\"$TOKEN\\"]"']
        )

    def pipeline():
        task = show().set_env_variable("A", "a b")
        kubernetes.use_secret_as_env(task, secret_name="s", secret_key_to_env={"t": "TOKEN"})

    monkeypatch.setenv("TOKEN", "from outside")
    monkeypatch.setenv("OTHER_TOKEN", "not asked for")
    environ = {**os.environ}
    assert run(pipeline, tmp_path, environ=environ).received("show") == ["a b", "from outside"]


def test_a_value_of_the_cluster_is_not_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = docker.command("image", "name", [], [], {"TOKEN": None, "A": "b"}, {})
    assert words == (
        "docker",
        "run",
        "--rm",
        "--init",
        "--name",
        "name",
        "--env",
        "TOKEN",
        "--env",
        "A=b",
        "image",
    )


def test_args_without_a_command_go_to_the_image_s_own_entrypoint(tmp_path: Path, log: Path) -> None:
    @dsl.container_component
    def say():
        return dsl.ContainerSpec(image="tools", args=["echo RECEIVED 1"])

    assert run(lambda: say() and None, tmp_path).received("say") == 1
    assert "--entrypoint" not in log.read_text()


def test_a_container_that_fails_fails_its_task(tmp_path: Path) -> None:
    @dsl.container_component
    def broken(out: dsl.OutputPath(str)):
        return dsl.ContainerSpec(image="tools", command=["sh", "-c", "echo wrong; exit 3"], args=[out])

    def pipeline():
        made = broken()
        fail(value=made.outputs["out"])

    done = run(pipeline, tmp_path)
    assert (done.state, done.last()) == ("FAILED", {"broken": "FAILED", "fail": "SKIPPED"})
    assert "exit code 3: wrong" in done.outcome.error


@pytest.mark.parametrize(
    ("image", "answers", "why"),
    [
        ("tools", "no", "no Docker engine answers here"),
        (f"tools@sha256:{'0' * 64}", "yes", "whose digest nobody has written into release.yaml yet"),
    ],
)
def test_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, image: str, answers: str, why: str
) -> None:
    def pipeline():
        made = write(value="content")
        count(text="x", data=made.outputs["data"])

    monkeypatch.setenv("DOCKER_ANSWERS", answers)
    documents = compiled(pipeline, tmp_path / "ir")
    documents[0]["deploymentSpec"]["executors"]["exec-count"]["container"]["image"] = image
    with pytest.raises(Refused, match=f"task 'count': is a container component: .*{why}"):
        execute(documents, {}, context(tmp_path), lambda event: None)


@pytest.mark.parametrize(
    ("part", "present", "wanted"),
    [
        ("plain", [], ["plain"]),
        ('{"Concat": ["a", {"IfPresent": {"InputName": "x", "Then": "b", "Else": "c"}}]}', ["x"], ["ab"]),
        ('{"Concat": ["a", {"IfPresent": {"InputName": "x", "Then": "b", "Else": "c"}}]}', [], ["ac"]),
        ('{"IfPresent": {"InputName": "x", "Then": ["--x", {"Concat": ["1", "2"]}]}}', ["x"], ["--x", "12"]),
        ('{"IfPresent": {"InputName": "x", "Then": ["--x"]}}', [], []),
        ('{"not": "a placeholder"}', [], ['{"not": "a placeholder"}']),
    ],
)
def test_structured_placeholders(part: str, present: list[str], wanted: list[str]) -> None:
    assert docker.resolved([part], present) == wanted


@dsl.container_component
def count_files(folder: str):
    return dsl.ContainerSpec(image="tools", command=["ls", folder])


def test_a_folder_that_stands_for_a_secret_is_mounted(tmp_path: Path, log: Path) -> None:
    there = tmp_path / "keys"
    there.mkdir()

    def pipeline():
        one = count_files(folder=str(there))
        kubernetes.use_secret_as_volume(one, secret_name="keys", mount_path=str(there))
        count_files(folder=str(tmp_path))

    assert run(pipeline, tmp_path, mounts=(str(there), str(tmp_path))).state == "SUCCEEDED"
    calls = [words for words in map(json.loads, log.read_text().splitlines()) if words[0] == "run"]
    assert sorted(f"{there}:{there}:rw" in words for words in calls) == [False, True]
