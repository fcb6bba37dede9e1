"""Images of a pipeline that comes compiled: those of steps, and those beside them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from brought_kit import STEPS, Run, edit, ir_file, set_beside
from kfp_gitops.sources import environment, released
from project import PROJECT


def test_an_image_by_tag_is_warned_of_and_refused_by_the_policy(root: Path, command: Run) -> None:
    edit(ir_file(root), "image: steps", "image: python:3.11")
    shutil.copy(PROJECT / "environments/policy.yaml", root / "environments/policy.yaml")
    done = command("render", "--root", root, "--env", "dev", "--lock")
    assert done.code == 0, done.err
    assert "'python:3.11' is neither by digest" in done.err
    checked = command("policy", "--root", root, "--env", "dev")
    assert checked.code == 2
    assert "image-by-digest" in checked.err


def test_an_image_of_the_ir_can_be_mapped_as_it_is_written(root: Path, command: Run) -> None:
    edit(ir_file(root), "image: steps", "image: gcr.io/team/steps:v1")
    with (root / "environments/dev/release.yaml").open("a") as release:
        release.write(f"  gcr.io/team/steps:v1: {STEPS}\n")
    assert command("render", "--root", root, "--env", "dev").code == 0
    found: Any = (root / "manifests/dev/pipelines/brought/rich.yaml").read_text()
    assert "gcr.io" not in found


_BESIDE = "          initContainers:\n          - {image: %s, name: wait}\n"


def test_an_image_beside_a_step_is_warned_of_like_its_own(root: Path, command: Run) -> None:
    set_beside(root, _BESIDE % "registry.example.com/wait:1")
    done = command("render", "--root", root, "--env", "dev")
    assert done.code == 0, done.err
    at = ir_file(root).read_text().split("image: registry.example.com")[0].count("\n") + 1
    warned = f"rich.yaml:{at}:21: warning: image 'registry.example.com/wait:1' is neither by digest"
    assert warned in done.err


def test_an_image_beside_a_step_is_mapped_and_is_part_of_the_release(root: Path, command: Run) -> None:
    set_beside(root, _BESIDE % "registry.example.com/wait:1")
    with (root / "environments/dev/release.yaml").open("a") as release:
        release.write(f"  registry.example.com/wait:1: {STEPS}\n")
    done = command("render", "--root", root, "--env", "dev", "--lock")
    assert (done.code, "wait:1" in done.err) == (0, False), done.err
    found = list(yaml.safe_load_all((root / "manifests/dev/pipelines/brought/rich.yaml").read_text()))
    settings = found[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-use-2"]
    assert settings["initContainers"] == [{"image": STEPS, "name": "wait"}]
    used = released.releases(root, environment.load(root, "dev"))["brought"].used_images
    assert used["registry.example.com/wait:1"] == STEPS


def test_an_image_is_warned_of_once_in_a_file(root: Path, command: Run) -> None:
    path = ir_file(root)
    path.write_text(path.read_text().replace("image: steps", "image: python:3.11"))
    warned = [
        line
        for line in command("render", "--root", root, "--env", "dev").err.splitlines()
        if "'python:3.11'" in line
    ]
    more = path.read_text().count("image: python:3.11") - 1
    assert len(warned) == 1
    assert f"(and {more} more like it)" in warned[0]


@pytest.mark.parametrize(
    "image", ["host/image:python:3.11", "Python:3.11", "-x", "a//b", "host:port/x", "a" * 600]
)
def test_an_image_that_no_kubernetes_accepts_is_called_so(root: Path, command: Run, image: str) -> None:
    edit(ir_file(root), "image: steps", f"image: {image}")
    assert (
        f"image '{image}' is not a valid reference" in command("render", "--root", root, "--env", "dev").err
    )


@pytest.mark.parametrize(
    "image",
    [
        "localhost:5000/a_b/c__d:v1-x",
        "HOST.example/x",
        "x",
        "'[::1]:80/x'",
        "\"{{$.inputs.parameters['a']}}\"",
    ],
)
def test_an_image_that_is_a_reference_is_only_not_by_digest(root: Path, command: Run, image: str) -> None:
    edit(ir_file(root), "image: steps", f"image: {image}")
    warned = command("render", "--root", root, "--env", "dev").err
    assert f"{yaml.safe_load(image)!r} is neither by digest" in warned
