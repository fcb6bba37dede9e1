"""What a policy looks at: pipelines inside others, what comes compiled, every container, and no step of KFP's own."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from kfp_gitops.review import policy
from kfp_gitops.review.policy.subjects import subjects
from project import PROJECT

SHIPPED = policy.read(PROJECT)
NESTED = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: inner, description: Stands inside another one., owner: tests}
spec:
  tasks:
    hidden:
      component: greet
      arguments: {name: x, api_token: abc, many: {list: [{password: p}]}}
      env: {DB_PASSWORD: hunter2}
      retry: {count: 9}
schedules:
- {name: daily, cron: '0 0 4 * * *', enabled: true, maxConcurrency: 9, catchup: false, parameters: {password: p}}
"""


def _names(root: Path, check: str) -> list[str]:
    shipped = policy.read(PROJECT)
    (found,) = (one for one in shipped.checks if one.id == check)
    looked_at = [one for one in subjects(root, "dev") if one.kind == found.select and found.is_about("dev")]
    return [one.name for one in looked_at if not found.validator.is_valid(one.value)]


def test_pipelines_inside_pipelines_and_literal_arguments_are_looked_at(tmp_path: Path) -> None:
    inner = tmp_path / "manifests/dev/pipelines/outer/pipelines/inner.yaml"
    inner.parent.mkdir(parents=True)
    inner.write_text(NESTED, "utf-8")
    assert _names(tmp_path, "resource-limits") == ["dev/outer/inner/hidden"]
    assert _names(tmp_path, "retries-bounded") == ["dev/outer/inner/hidden"]
    assert _names(tmp_path, "secret-in-variable") == ["dev/outer/inner/hidden/DB_PASSWORD"]
    assert _names(tmp_path, "schedule-concurrency") == ["dev/outer/inner/daily"]
    assert _names(tmp_path, "secret-in-parameter") == [
        "dev/outer/inner/hidden/api_token",
        "dev/outer/inner/hidden/many/list/list[0]/password",
        "dev/outer/inner/daily/password",
    ]


def test_a_compiled_pipeline_that_was_brought_is_looked_at(tmp_path: Path) -> None:
    from compiled_pipeline import brought
    from kfp import compiler

    path = tmp_path / "manifests/dev/pipelines/brought/brought.yaml"
    path.parent.mkdir(parents=True)
    compiler.Compiler().compile(brought, str(path))
    assert _names(tmp_path, "resource-limits") == ["dev/brought/step-2", "dev/brought/step-3"]
    assert _names(tmp_path, "retries-bounded") == ["dev/brought/step"]
    assert _names(tmp_path, "loop-parallelism") == ["dev/brought/for-loop-1"]
    assert _names(tmp_path, "image-by-digest") == []


def test_steps_that_kfp_does_itself_have_no_image_and_no_resources(tmp_path: Path) -> None:
    from compiled_pipeline import with_a_claim
    from kfp import compiler

    path = tmp_path / "manifests/dev/pipelines/claims/claims.yaml"
    path.parent.mkdir(parents=True)
    compiler.Compiler().compile(with_a_claim, str(path))
    assert path.read_text().count("image: argostub/") == 2
    for check in ("image-by-digest", "image-registry", "resource-limits"):
        assert _names(tmp_path, check) == []
    path.write_text(path.read_text().replace("argostub/createpvc", "argostub/miner"))
    assert _names(tmp_path, "image-by-digest") == ["dev/pipelines/claims/claims"]
    assert _names(tmp_path, "resource-limits") == ["dev/claims/createpvc"]


def test_whether_a_pipeline_promises_anything_is_looked_at(tmp_path: Path) -> None:
    for name, more in (("promises", "slo: {fresh: 26h}\n"), ("does-not", "")):
        path = tmp_path / f"manifests/dev/pipelines/{name}/pipeline.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(NESTED.replace("name: inner", f"name: {name}") + more)
    found = {one.name: one.value.get("slo") for one in subjects(tmp_path, "dev") if one.kind == "pipeline"}
    assert found == {"dev/promises": {"fresh": "26h"}, "dev/does-not": None}


@pytest.mark.parametrize(
    "spec",
    [
        "spec: {initContainers: [{name: a, image: argostub/createpvc}]}",
        "spec: {templates: [{name: main, container: {image: argostub/createpvc}}]}",
    ],
)
def test_a_pod_that_has_the_image_of_such_a_step_is_looked_at(tmp_path: Path, spec: str) -> None:
    pod = tmp_path / "manifests/dev/pod.yaml"
    pod.parent.mkdir(parents=True)
    pod.write_text(f"{spec}\n")
    assert _names(tmp_path, "image-by-digest") == ["dev/pod"]


def test_an_image_that_is_no_text_stops_no_policy(tmp_path: Path) -> None:
    path = tmp_path / "manifests/dev/pipelines/odd/odd.yaml"
    path.parent.mkdir(parents=True)
    executor = "deploymentSpec: {executors: {e: {container: {image: {a: b}}}}}\n"
    task = "root: {dag: {tasks: {t: {componentRef: {name: c}}}}}\n"
    path.write_text(f"components: {{c: {{executorLabel: e}}}}\n{executor}{task}schemaVersion: 2.1.0\n")
    assert _names(tmp_path, "image-by-digest") == []
    assert _names(tmp_path, "resource-limits") == ["dev/odd/t"]


def test_what_comes_compiled_is_mended_in_its_source(tmp_path: Path) -> None:
    from compiled_pipeline import brought
    from kfp import compiler

    path = tmp_path / "manifests/dev/pipelines/brought/brought.yaml"
    path.parent.mkdir(parents=True)
    compiler.Compiler().compile(brought, str(path))
    problems = policy.judge(SHIPPED, subjects(tmp_path, "dev"), date(2026, 1, 1), whole=False)
    advice = {re.findall(r"policy ([a-z-]+):", one.what)[0]: one.todo for one in problems}
    assert advice.keys() == {"resource-limits", "retries-bounded", "loop-parallelism"}
    assert set(advice.values()) == {"set it in the pipeline's source and compile it anew, or waive it"}


def test_the_image_of_any_container_of_a_pod_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "manifests/dev/job.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("spec: {initContainers: [{image: a:1}], ephemeralContainers: [{image: b:1}]}\n")
    assert [one.value for one in subjects(tmp_path, "dev") if one.kind == "image"] == ["a:1", "b:1"]
