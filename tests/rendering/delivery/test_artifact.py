"""Delivered as an OCI artifact: its digest stands in what Argo CD applies before anybody has pushed it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import delivered
import kubernetes_validate
import pytest
from delivered import Object
from gitrepo import init
from kfp_gitops.base.places import Mounted
from kfp_gitops.reconcile import folder
from project import PROJECT, Outcome
from servers.registry import RegistryServer
from tools import kustomize_build

Command = Callable[..., Outcome]
INIT = "mount: init-container, pullSecret: registry-login, network: {cidr: 10.1.0.0/16, port: 5000}"


def _set(repository: Path, more: str = "", host: str = "registry.example.com") -> None:
    path = repository / "environments/base.yaml"
    line = f"  artifact: {{repository: '{host}/team/dev'{', ' if more else ''}{more}}}\n"
    path.write_text(path.read_text("utf-8").replace("delivery:\n", f"delivery:\n{line}", 1), "utf-8")


def _render(repository: Path, command: Command) -> tuple[Object, ...]:
    done = command("render", "--root", repository, "--env", "dev", "--lock")
    assert done.code == 0, done.err
    return tuple(kustomize_build(repository / "manifests/dev"))


def _reference(repository: Path, command: Command) -> str:
    done = command("artifact", "--root", repository, "--env", "dev")
    assert done.code == 0, done.err
    return done.out.strip()


def test_job_and_checks_mount_the_image_by_its_digest(repository: Path, command: Command) -> None:
    _set(repository)
    objects = _render(repository, command)
    reference = _reference(repository, command)
    assert re.fullmatch(r"registry\.example\.com/team/dev@sha256:[0-9a-f]{64}", reference)
    for _, template in delivered.pods(objects):
        (desired,) = (volume for volume in template["spec"]["volumes"] if volume["name"] == "desired")
        assert desired == {"name": "desired", "image": {"reference": reference, "pullPolicy": "IfNotPresent"}}
        assert "initContainers" not in template["spec"]
    (index,) = (item for item in objects if item["kind"] == "ConfigMap")
    assert [*index["data"]] == ["content.yaml"]
    for item in objects:
        kubernetes_validate.validate(item, kubernetes_validate.latest_version(), strict=True)


def test_an_init_container_pulls_it_where_the_kubelet_does_not(repository: Path, command: Command) -> None:
    _set(repository, INIT)
    objects = _render(repository, command)
    for _, template in delivered.pods(objects):
        spec = template["spec"]
        (pull,) = spec["initContainers"]
        assert pull["args"] == ["--pull", _reference(repository, command), "--to", "/desired"]
        assert pull["image"] == spec["containers"][0]["image"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        assert volumes["registry"]["secret"]["secretName"] == "registry-login"
        assert {mount["name"] for mount in pull["volumeMounts"]} == {"desired", "registry", "tmp"}
        assert not any(mount["name"] == "registry" for mount in spec["containers"][0]["volumeMounts"])
    policy = delivered.one(objects, "NetworkPolicy", "kfp-gitops-dev")
    to = {"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}], "ports": [{"protocol": "TCP", "port": 5000}]}
    assert to in policy["spec"]["egress"]
    for item in objects:
        kubernetes_validate.validate(item, "1.32", strict=True)


def test_each_change_is_another_digest_and_so_another_job(repository: Path, command: Command) -> None:
    _set(repository)
    before, first = _render(repository, command), _reference(repository, command)
    assert command("render", "--root", repository, "--env", "dev", "--check").code == 0
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text("utf-8").replace("name: dev", "name: other"), "utf-8")
    after, second = _render(repository, command), _reference(repository, command)
    assert first != second
    left, right = delivered.tracked(before), delivered.tracked(after)
    changed = {
        f"{kind} {re.sub(r'-[a-z0-9]{10}$', '', name)}"
        for kind, _, name in left.keys() | right.keys()
        if left.get((kind, _, name)) != right.get((kind, _, name))
    }
    follow = ["ConfigMap kfp-gitops-dev-apply", "CronJob kfp-gitops-dev-drift", "Job kfp-gitops-dev-apply"]
    assert sorted(changed) == follow


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RegistryServer]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    found = RegistryServer(tmp_path / "registry").start()
    yield found
    found.kill()


def test_what_the_init_container_pulls_is_what_was_rendered(
    repository: Path, command: Command, registry: RegistryServer, tmp_path: Path
) -> None:
    _set(repository, INIT, registry.host)
    objects = _render(repository, command)
    for told in ("pushed, ", "is there already"):
        done = command("artifact", "--root", repository, "--env", "dev", "--push")
        assert (done.code, told in done.err) == (0, True)
    (_, template), *_ = delivered.pods(objects)
    pull, desired = template["spec"]["initContainers"][0], tmp_path / "desired"
    arguments = [str(desired) if word == "/desired" else word for word in pull["args"]]
    assert command("artifact", *arguments).code == 0
    pulled = folder.texts(Mounted(desired), "dev")
    rendered = folder.texts(Mounted(repository / "manifests/dev"), "dev")
    assert {one.name: one.digest for one in pulled.shelf} == {one.name: one.digest for one in rendered.shelf}
    assert (pulled.locked, pulled.environment) == (rendered.locked, rendered.environment)
    assert command("artifact", *arguments).code == 2, "not empty any more"


def test_manifests_that_are_not_as_they_were_rendered_are_pushed_by_nobody(
    repository: Path, command: Command
) -> None:
    _set(repository)
    _render(repository, command)
    path = repository / "manifests/dev/pipelines/hello/pipeline.yaml"
    path.write_text(path.read_text("utf-8") + "# more\n", "utf-8")
    done = command("artifact", "--root", repository, "--env", "dev", "--push")
    assert (done.code, "does not name sha256:" in done.err, "render.py --env dev --lock" in done.err) == (
        2,
        True,
        True,
    )


def test_a_layout_is_written_into_an_empty_folder(repository: Path, command: Command, tmp_path: Path) -> None:
    _set(repository)
    _render(repository, command)
    layout = tmp_path / "layout"
    done = command("artifact", "--root", repository, "--env", "dev", "--layout", layout)
    assert (done.code, (layout / "oci-layout").exists()) == (0, True)
    assert done.out.strip().partition("@sha256:")[2] in (layout / "index.json").read_text()
    assert command("artifact", "--root", repository, "--env", "dev", "--layout", layout).code == 2
    file = layout / "oci-layout"
    done = command("artifact", "--root", repository, "--env", "dev", "--layout", file)
    assert (done.code, done.err.startswith(f"--layout {file}: Not a directory; name")) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ["--env", "dev"],
        ["--env", "dev", "--to", "x"],
        ["--pull", "x"],
        ["--pull", "x", "--to", "new", "--push"],
        [],
    ],
)
def test_what_makes_no_sense_is_told(repository: Path, command: Command, words: list[str]) -> None:
    assert command("artifact", "--root", repository, *words).code == 2


def test_templates_that_know_no_artifact_are_refused(repository: Path, command: Command) -> None:
    _set(repository)
    path = repository / "templates/delivery/_pod.j2"
    path.write_text(path.read_text("utf-8").replace("elif artifact", "elif false"), "utf-8")
    done = command("render", "--root", repository, "--env", "dev")
    assert (done.code, "it does not mount the artifact" in done.err) == (2, True)


@pytest.mark.parametrize("more", ["", INIT])
def test_another_image_than_that_of_the_texts_is_told_by_all_that_review(
    repository: Path, command: Command, more: str
) -> None:
    """By the texts alone: where there is much to render, the diff renders nothing."""
    _set(repository, more)
    _render(repository, command)
    shutil.copy(PROJECT / "environments/policy.yaml", repository / "environments/policy.yaml")
    init(repository)
    said = "mounts another image than the files beside it are"
    looks = ("policy", ()), ("diff", ("--base", "HEAD"))
    for name, arguments in looks:
        told = command(name, "--root", repository, "--env", "dev", *arguments)
        assert said not in told.out + told.err
    job = repository / "manifests/dev/apply-job.yaml"
    text = job.read_text("utf-8")
    job.write_text(re.sub(r"(/team/dev@sha256:)[0-9a-f]{4}", r"\g<1>dead", text), "utf-8")
    assert command("render", "--root", repository, "--env", "dev", "--check").code == 1
    for name, arguments in looks:
        told = command(name, "--root", repository, "--env", "dev", *arguments)
        assert f"manifests/dev/apply-job.yaml: {said}" in told.out + told.err
        assert told.code == 2
