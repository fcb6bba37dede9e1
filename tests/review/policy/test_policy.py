"""Policy: what is refused, where it stands, who is excused and for how long."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.base import bounds
from kfp_gitops.review import policy
from kfp_gitops.review.policy.subjects import subjects
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
SHIPPED = policy.read(PROJECT)
DIGEST = "@sha256:" + "a" * 64
KEY = "-----BEGIN RSA PRIVATE KEY-----"

# check → (objects that it lets pass, objects that it refuses)
EXAMPLES: dict[str, tuple[list[Any], list[Any]]] = {
    "image-by-digest": (["ghcr.io/example/a" + DIGEST], ["ghcr.io/example/a:1.2", "ghcr.io/example/a"]),
    "image-registry": (
        ["ghcr.io/example/a" + DIGEST, "registry.example.com/team/a" + DIGEST],
        ["docker.io/library/python" + DIGEST, "python:3.11", "registry.example.com.evil.org/a" + DIGEST],
    ),
    "secret-in-variable": (
        [
            {"name": "LOG_LEVEL", "value": "debug"},
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
            {"name": "KF_PIPELINES_SA_TOKEN_PATH", "value": "/var/run/secrets/kubeflow/pipelines/token"},
            {"name": "TOKEN_URL", "value": "https://login.example.com/token"},
            {"name": "API_KEY", "value": ""},
        ],
        [
            {"name": "DB_PASSWORD", "value": "hunter2"},
            {"name": "apiKey", "value": "abc"},
            {"name": "EXTRA", "value": f"x {KEY}"},
            {"name": "AWS", "value": "AKIA" + "ABCD" * 4},
            {"name": "DATABASE", "value": "postgres://user:pw@db/name"},
        ],
    ),
    "secret-in-parameter": (
        [{"name": "source", "value": "s3://bucket/x"}, {"name": "api_token", "value": None}],
        [{"name": "api_token", "value": "abc"}, {"name": "text", "value": KEY}],
    ),
    "resource-limits": (
        [
            {
                "resources": {
                    "cpu": {"request": "1", "limit": "1"},
                    "memory": {"request": "1Gi", "limit": "1Gi"},
                }
            }
        ],
        [
            {},
            {"resources": {"cpu": {"request": "1", "limit": "1"}}},
            {"resources": {"cpu": {}, "memory": {}}},
        ],
    ),
    "retries-bounded": ([{}, {"retry": {"count": 5}}], [{"retry": {"count": 6}}]),
    "loop-parallelism": ([{"parallelism": 20}], [{"parallelism": None}, {"parallelism": 21}]),
    "schedule-allowed": ([{"enabled": False}], [{"enabled": True}]),
    "schedule-moves": ([{"idle": False}], [{"idle": True, "enabled": False}]),
    "schedule-concurrency": ([{"maxConcurrency": 1}], [{"maxConcurrency": 4}]),
    "owner-set": ([{"owner": "team-a"}], [{"owner": ""}, {"owner": "todo"}, {}]),
    "task-count": ([{"tasks": 100}], [{"tasks": 101}]),
}


def test_every_shipped_check_has_examples_of_both_kinds() -> None:
    assert set(EXAMPLES) == {check.id for check in SHIPPED.checks}


@pytest.mark.parametrize("check", SHIPPED.checks, ids=lambda check: str(check.id))
def test_a_shipped_check_tells_good_from_bad(check: Any) -> None:
    good, bad = EXAMPLES[check.id]
    assert [value for value in good if not check.validator.is_valid(value)] == []
    assert [value for value in bad if check.validator.is_valid(value)] == []


def test_schedules_run_in_prod_alone() -> None:
    (check,) = (check for check in SHIPPED.checks if check.id == "schedule-allowed")
    assert [env for env in ("dev", "staging", "prod") if check.is_about(env)] == ["dev", "staging"]


def test_everything_that_is_shipped_is_looked_at() -> None:
    found = [subject for env in ("dev", "prod") for subject in subjects(PROJECT, env)]
    assert {subject.kind for subject in found} == {check.select for check in SHIPPED.checks}
    text = "".join(path.read_text("utf-8") for path in (PROJECT / "manifests").rglob("*.yaml"))
    # Only kustomize's literal of the stamp is written otherwise, and it repeats the image of the Job.
    images = [subject for subject in found if subject.kind == "image"]
    assert len(images) == len(re.findall(r"^ *(?:- )?image: ", text, re.MULTILINE))


@pytest.fixture
def judged(repository: Path, command: Command) -> Callable[..., Outcome]:
    """`judged(checks, waivers)`: the small repository, rendered and judged by a policy."""

    def run(checks: str, waivers: str = "", *options: str) -> Outcome:
        text = f"apiVersion: kfp-gitops/v1alpha1\nkind: Policy\nchecks:\n{checks}\n{waivers}\n"
        (repository / "environments/policy.yaml").write_text(text, "utf-8")
        assert command("render", "--root", repository, "--all").code == 0
        return command("policy", "--root", repository, *options)

    return run


ONE = """- id: first-team
  select: pipeline
  reason: only the first team may own one
  fix: set metadata.owner
  schema: {properties: {owner: {const: first}}}"""


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


def test_a_refused_object_is_named_with_the_line_of_its_rendered_file(judged: Callable[..., Outcome]) -> None:
    outcome = judged(ONE)
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        f"manifests/{env}/pipelines/hello/pipeline.yaml:7:10: policy first-team: {env}/hello: "
        "only the first team may own one; set metadata.owner"
        for env in ("dev", "prod")
    ]


def _waiver(until: str, name: str = "dev/hello", check: str = "first-team") -> str:
    return f"- {{check: {check}, object: {name}, reason: soon, until: '{until}'}}"


def test_a_waiver_excuses_its_object_until_its_day(judged: Callable[..., Outcome]) -> None:
    waivers = f"waivers:\n{_waiver('2030-01-31')}\n{_waiver('2030-02-28', 'prod/hello')}"
    assert judged(ONE, waivers, "--on", "2030-01-31").code == 0
    late = judged(ONE, waivers, "--on", "2030-02-01")
    assert late.code == 2
    assert late.err.splitlines() == [
        "environments/policy.yaml:10:63: the waiver of first-team for dev/hello ended on 2030-01-31; "
        "mend what it excused, or have a new date reviewed"
    ]


def test_a_waiver_that_excuses_nothing_is_an_error(judged: Callable[..., Outcome]) -> None:
    waivers = "\n".join(
        ["waivers:", *(_waiver("2030-01-31", name) for name in ("dev/hello", "prod/hello", "dev/gone"))]
    )
    outcome = judged(ONE, waivers, "--on", "2030-01-01")
    assert outcome.code == 2
    assert "dev/gone excuses nothing" in outcome.err
    # One environment's objects cannot tell that another's waiver is useless.
    assert judged(ONE, waivers, "--on", "2030-01-01", "--env", "dev").code == 0


@pytest.mark.parametrize(
    ("checks", "waivers", "says"),
    [
        (ONE.replace("const: first", "type: txt"), "", "environments/policy.yaml:8:39: not a JSON Schema"),
        (
            ONE.replace("{const: first}", "{pattern: '('}"),
            "",
            "environments/policy.yaml:8:42: not a JSON Schema",
        ),
        (
            ONE.replace("{const: first}", "{$ref: 'http://127.0.0.1:9/x'}"),
            "",
            "environments/policy.yaml:8:39: a check's schema refers to nothing",
        ),
        (ONE.replace("{const: first}", "{$ref: '#'}"), "", "refers to nothing; write it out"),
        (
            ONE.replace("select: pipeline", "select: pipline"),
            "",
            'environments/policy.yaml:5:11: checks.0.select is "pipline"; choose one of',
        ),
        (f"{ONE}\n{ONE}", "", "environments/policy.yaml:9:7: check 'first-team' is there twice"),
        (ONE, f"waivers:\n{_waiver('2030-02-30')}", "'2030-02-30' is no date"),
        (
            ONE,
            f"waivers:\n{_waiver('2030-01-31', check='frist-team')}",
            "no check 'frist-team'; name one of: first-team",
        ),
        (ONE.replace("  fix: set metadata.owner\n", ""), "", "lacks 'fix'"),
        (
            ONE.replace("{const: first}", "{not: {minimun: 3}}"),
            "",
            "environments/policy.yaml:8:39: 'minimun' is no keyword of JSON Schema; did you mean 'minimum'?",
        ),
        (
            ONE.replace("  fix:", "  environments: {only: [prod, stagin]}\n  fix:"),
            "",
            "environments/policy.yaml:7:31: no environment 'stagin'; name one of: dev, prod, or take it out",
        ),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused_with_its_place(
    judged: Callable[..., Outcome], checks: str, waivers: str, says: str
) -> None:
    outcome = judged(checks, waivers)
    assert outcome.code == 2
    assert says in outcome.err
    assert "Traceback" not in outcome.err


def test_a_pattern_that_takes_for_ever_is_stopped(
    judged: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds.bounded.__wrapped__, "__defaults__", (0.3, 256))  # type: ignore[attr-defined]  # of contextlib
    checks = ONE.replace("{const: first}", f"{{pattern: '^(.+)+{chr(1062)}$'}}")
    outcome = judged(checks.replace("owner:", "description:"))
    assert outcome.code == 2
    assert outcome.err.startswith("environments/policy.yaml: takes more than 0.3 s")


def test_the_image_of_any_container_of_a_pod_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "manifests/dev/job.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("spec: {initContainers: [{image: a:1}], ephemeralContainers: [{image: b:1}]}\n")
    assert [one.value for one in subjects(tmp_path, "dev")] == ["a:1", "b:1"]


def test_an_unknown_environment_or_day_is_bad_usage(judged: Callable[..., Outcome]) -> None:
    assert judged(ONE, "", "--env", "nowhere").code == 2
    assert judged(ONE, "", "--on", "soon").code == 2


def test_the_shipped_manifests_keep_the_shipped_policy(command: Command) -> None:
    assert command("policy", "--root", PROJECT).code == 0


def test_a_violation_in_a_shipped_manifest_is_seen(tmp_path: Path, command: Command) -> None:
    for folder in ("manifests", "environments"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    job = tmp_path / "manifests/prod/apply-job.yaml"
    job.write_text(
        re.sub(r"image: \S+", "image: docker.io/me/reconciler:latest", job.read_text("utf-8")), "utf-8"
    )
    outcome = command("policy", "--root", tmp_path)
    assert outcome.code == 2
    lines = outcome.err.splitlines()
    assert [line.split(": ")[1] for line in lines] == ["policy image-by-digest", "policy image-registry"]
    assert all(line.startswith("manifests/prod/apply-job.yaml:") for line in lines)


def test_the_document_s_check_and_waiver_are_valid_and_do_what_it_says(
    tmp_path: Path, command: Command
) -> None:
    check, waiver = re.findall(
        r"```yaml\n(.*?)```", (PROJECT / "docs/policy.md").read_text("utf-8"), re.DOTALL
    )
    for folder in ("manifests", "environments"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    path = tmp_path / "environments/policy.yaml"
    path.write_text(path.read_text("utf-8") + check, "utf-8")
    assert [found.id for found in policy.read(tmp_path).checks][-1] == "description-set"
    assert command("policy", "--root", tmp_path).code == 0
    path.write_text(path.read_text("utf-8").replace("minLength: 20", "minLength: 2000"), "utf-8")
    assert "policy description-set: prod/predictive-scaling" in command("policy", "--root", tmp_path).err
    path.write_text(path.read_text("utf-8").replace("minLength: 2000", "minLength: 20") + waiver, "utf-8")
    assert "excuses nothing" in command("policy", "--root", tmp_path, "--on", "2030-01-31").err
