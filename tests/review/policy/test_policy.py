"""Policy: what is refused, where it stands, who is excused and for how long."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
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
    "retries-bounded": ([{}, {"count": 5}], [{"count": 6}]),
    "secret-in-text": (
        ["load", "python train.py", "https://login.example.com/token"],
        [f"x {KEY}", "curl https://user:pw@db/name", "AKIA" + "ABCD" * 4],
    ),
    "installs-nothing": ([], ["pip install pandas", "apt-get -y install git"]),
    "loop-parallelism": ([{"parallelism": 20}], [{"parallelism": None}, {"parallelism": 21}]),
    "schedule-allowed": ([{"enabled": False}], [{"enabled": True}]),
    "trigger-moves": ([{"idle": False}], [{"idle": True}]),
    "trigger-concurrency": ([{"maxConcurrency": 1}, {"maxConcurrency": 3}], [{"maxConcurrency": 4}]),
    "schedule-moves": ([{"idle": False}], [{"idle": True, "enabled": False}]),
    "schedule-concurrency": ([{"maxConcurrency": 1}], [{"maxConcurrency": 4}]),
    "owner-set": ([{"owner": "team-a"}], [{"owner": ""}, {"owner": "todo"}, {}]),
    "task-count": ([{"tasks": 100}], [{"tasks": 101}]),
    "promotion-committed": (
        [{"release": DIGEST[1:]}, {"release": DIGEST[1:], "commit": "a" * 40}],
        [{"commit": f"{'a' * 40}+changes"}, {"commit": "none"}],
    ),
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
    kinds, selected = {subject.kind for subject in found}, {check.select for check in SHIPPED.checks}
    assert kinds == selected - {"install"}, "nothing installs"
    text = "".join(path.read_text("utf-8") for path in (PROJECT / "manifests").rglob("*.yaml"))
    # Only kustomize's literal of the stamp is written otherwise, and it repeats the image of the Job.
    images = [subject for subject in found if subject.kind == "image"]
    assert len(images) == len(re.findall(r"^ *(?:- )?image: ", text, re.MULTILINE))


@pytest.fixture
def judged(repository: Path, command: Command) -> Callable[..., Outcome]:
    """`judged(checks, waivers)`: the small repository, rendered and judged by a policy."""

    prod = repository / "environments/prod/values.yaml"
    prod.write_text(f"kfp: {{host: 'http://ml-pipeline.prod.svc:8888'}}\n{prod.read_text('utf-8')}", "utf-8")

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
    check, accepted, of_triggers, waiver = re.findall(
        r"```yaml\n(.*?)```", (PROJECT / "docs/policy.md").read_text("utf-8"), re.DOTALL
    )
    for folder in ("manifests", "environments"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    path = tmp_path / "environments/policy.yaml"
    path.write_text(path.read_text("utf-8") + check + accepted + of_triggers, "utf-8")
    known = [found.id for found in policy.read(tmp_path).checks]
    assert known[-5:-2] == ["description-set", "no-faults-in-prod", "no-raced-claims"]
    assert known[-2:] == ["data-in-prod-alone", "after-registered-versions"]
    assert command("policy", "--root", tmp_path).code == 0
    path.write_text(path.read_text("utf-8").replace("minLength: 20", "minLength: 2000"), "utf-8")
    assert "policy description-set: prod/predictive-scaling" in command("policy", "--root", tmp_path).err
    path.write_text(path.read_text("utf-8").replace("minLength: 2000", "minLength: 20") + waiver, "utf-8")
    assert "excuses nothing" in command("policy", "--root", tmp_path, "--on", "2030-01-31").err


@pytest.mark.parametrize(
    ("check", "trigger", "refused"),
    [
        ("data-in-prod-alone", {"runOn": {"data": {"uri": "s3://lake/a", "changes": "etag"}}}, True),
        ("data-in-prod-alone", {"runOn": {"pipeline": "q"}}, False),
        ("data-in-prod-alone", {"runOn": "change"}, False),
        ("after-registered-versions", {"runOn": {"pipeline": "q", "versions": "any"}}, True),
        ("after-registered-versions", {"runOn": {"pipeline": "q"}}, False),
        ("trigger-concurrency", {"runOn": {"pipeline": "q"}, "maxConcurrency": 4}, True),
        ("trigger-concurrency", {"runOn": {"pipeline": "q"}}, False),
    ],
)
def test_triggers_are_judged_as_they_are_written(
    tmp_path: Path, check: str, trigger: dict[str, Any], refused: bool
) -> None:
    of_triggers = re.findall(
        r"```yaml\n(.*?)```", (PROJECT / "docs/policy.md").read_text("utf-8"), re.DOTALL
    )[2]
    for name, text in (
        ("environments/dev/values.yaml", ""),
        ("environments/policy.yaml", (PROJECT / "environments/policy.yaml").read_text("utf-8") + of_triggers),
        ("manifests/dev/pipelines/p/pipeline.yaml", yaml.safe_dump(_manifest([{"name": "t", **trigger}]))),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    found = policy.judge(policy.read(tmp_path), [*subjects(tmp_path, "dev")], date(2026, 1, 1), whole=False)
    assert [f"policy {check}: dev/p/t" in problem.what for problem in found] == [True] * refused


def _manifest(triggers: list[Any]) -> dict[str, Any]:
    return {
        "apiVersion": "kfp-gitops/v1",
        "kind": "PipelineManifest",
        "metadata": {"name": "p", "description": "Nothing else.", "owner": "tests"},
        "spec": {"tasks": {"t": {"pipeline": "q"}}},
        "triggers": triggers,
    }
