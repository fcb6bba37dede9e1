"""Limits of teams: judged by what is rendered, told in the team's file with the limit that is passed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp_gitops.base.yamltext import Document
from kfp_gitops.checking import named
from kfp_gitops.language import cron, waits
from project import PROJECT, Outcome
from rich_ir import documents
from team_kit import VALUES, reviewed, team, template, write

Command = Callable[..., Outcome]
TEAM = "environments/dev/teams/churn.yaml"


@pytest.fixture
def render(repository: Path, command: Command) -> Callable[..., Outcome]:
    """What `render` says of a team with limits."""

    def run(limits: Mapping[str, Any], *pipelines: str, **values: Any) -> Outcome:
        reviewed(repository, {"churn": {"limits": dict(limits)}})
        team(repository, "churn", *(pipelines or ("churn-a",)), **values)
        return command("render", "--root", repository, "--env", "dev")

    return run


def _edit(repository: Path, name: str, old: str, new: str) -> None:
    """The template of a pipeline says something else: nothing of it stands in any value."""
    path = template(repository, name) / "pipeline.yaml.j2"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


GREET = "      component: greet\n"
BEYOND = [
    ({"secrets": ["churn-*"]}, "env: {DB: {secret: fraud-db, key: url}}", "uses the Secret 'fraud-db' (task greet)"),
    ({"secrets": []}, "env: {DB: {secret: churn-db, key: url}}", "limited by secrets: none"),
    ({"secrets": ["churn-*"]}, "image: {pullSecrets: [fraud-registry]}", "the Secret 'fraud-registry' (task greet)"),
    ({"secrets": ["churn-*"]}, "volumes: {/keys: {secret: fraud-keys}}", "the Secret 'fraud-keys'"),
    ({"configMaps": ["churn-*"]}, "env: {A: {configMap: fraud-a, key: a}}", "uses the ConfigMap 'fraud-a'"),
    ({"volumeClaims": ["churn-*"]}, "volumes: {/data: {pvc: fraud-data}}", "uses the volume claim 'fraud-data'"),
    (
        {"secrets": ["*"]}, "env: {DB: {secret: {param: name}, key: url}}",
        "uses the Secret that is named only when it runs (task greet)",
    ),
]  # fmt: skip


DELIVERED = "delivery: {data: {}}\n"
ON_DATA = "triggers: [{name: news, runOn: {data: {uri: s3://lake/fraud/, changes: newest-key}}}]\n"


@pytest.mark.parametrize("allowed", [["s3://lake/churn/*"], []])
def test_at_which_data_a_trigger_looks_is_limited(
    render: Callable[..., Outcome], repository: Path, allowed: list[str]
) -> None:
    path = template(repository, "churn-a") / "pipeline.yaml.j2"
    path.write_text(path.read_text("utf-8").rstrip() + f"\n{ON_DATA}", "utf-8")
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text("utf-8") + DELIVERED, "utf-8")
    done = render({"data": allowed})
    assert done.code == 2
    assert "uses the data at 's3://lake/fraud/' (trigger news)" in done.err
    assert render({"data": ["s3://lake/fraud/*"]}).code == 0


@pytest.mark.parametrize(("limits", "setting", "said"), BEYOND)
def test_what_a_template_takes_from_the_cluster_is_limited(
    repository: Path, render: Callable[..., Outcome], limits: Mapping[str, Any], setting: str, said: str
) -> None:
    _edit(repository, "churn-a", GREET, f"{GREET}      {setting}\n")
    found = render(limits)
    assert found.code == 2
    (line,) = found.err.splitlines()
    assert line.startswith(f"{TEAM}:2:3: 'churn-a' ")
    assert said in line
    (key,) = limits
    assert f"and team churn is limited by {key}: " in line
    assert "(environments/teams.yaml:6:" in line or "(environments/teams.yaml:7:" in line


@pytest.mark.parametrize(("limits", "setting"), [(limits, setting) for limits, setting, _ in BEYOND[1:-1]])
def test_what_is_not_limited_or_allowed_is_rendered(
    repository: Path, render: Callable[..., Outcome], limits: Mapping[str, Any], setting: str
) -> None:
    _edit(repository, "churn-a", GREET, f"{GREET}      {setting}\n")
    assert render({}).code == 0
    assert render({key: ["fraud-*", "churn-*"] for key in limits}).code == 0


def test_what_stands_deep_inside_is_seen(repository: Path, render: Callable[..., Outcome]) -> None:
    """In an arm of a condition, in a loop."""
    for task in ("{name: few}", "{name: {item: each}}"):
        path = template(repository, "churn-a") / "pipeline.yaml.j2"
        (line,) = [
            line for line in path.read_text("utf-8").splitlines() if line.endswith(f"arguments: {task}")
        ]
        indent = line.partition("a")[0]
        _edit(
            repository,
            "churn-a",
            f"{line}\n",
            f"{line}\n{indent}env: {{DB: {{secret: fraud-db, key: url}}}}\n",
        )
    found = render({"secrets": ["churn-*"]})
    assert [line.partition("(task ")[2].partition(")")[0] for line in found.err.splitlines()] == [
        "greet-few", "greet-item",
    ]  # fmt: skip


def test_the_registry_of_a_components_image_is_limited(render: Callable[..., Outcome]) -> None:
    """A beginning ends at a /: registry.example.com/step is none of registry.example.com/steps."""
    assert render({"registries": ["registry.example.com"]}).code == 0
    found = render({"registries": ["registry.example.com/steps/", "registry.example.com/step"]})
    assert found.code == 2
    assert "'registry.example.com/steps@sha256:1111" in found.err
    assert "(component greet)" in found.err
    assert "(component count_words)" in found.err


def test_what_was_compiled_elsewhere_is_limited_too(repository: Path, render: Callable[..., Outcome]) -> None:
    folder = template(repository, "churn-a")
    head = (folder / "pipeline.yaml.j2").read_text("utf-8").partition("spec:")[0]
    (folder / "pipeline.yaml.j2").write_text(
        f"{head}spec:\n  ir: rich.yaml\n  parameters: {{uri: {{default: gs://x/y}}}}\n", "utf-8"
    )
    (folder / "rich.yaml").write_text(_with_secret(), "utf-8")
    found = render({"secrets": ["churn-*"], "registries": ["registry.example.com/churn"]})
    assert found.code == 2
    assert "uses the Secret 'fraud-db' (rich.yaml)" in found.err
    assert "uses the Secret that is named only when it runs (rich.yaml)" in found.err
    assert "uses the image 'registry.example.com/steps@" in found.err


@pytest.mark.parametrize(
    "names", ["as in the .proto", "an executor called root", "a key root beside platforms"]
)
def test_no_name_in_what_was_compiled_elsewhere_hides_what_it_uses(names: str) -> None:
    spec, platform = documents()
    settings = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    source = {"secretName": "fraud-db", "keyToEnv": [{"secretKey": "url", "envVar": "DB"}]}
    given: dict[str, Any] = {"secretAsEnv": [source], "pvcMount": [{"constant": "fraud-data"}]}
    if names == "as in the .proto":
        source["secret_name"] = source.pop("secretName")
        given = {"secret_as_env": given["secretAsEnv"], "pvc_mount": given["pvcMount"]}
    settings["root" if names == "an executor called root" else next(iter(settings))] = given
    if names == "a key root beside platforms":
        platform["root"] = {}
    found = named.uses([], {"rich.yaml": [_document(spec), _document(platform)]}, {})
    assert {("secrets", "fraud-db"), ("volumeClaims", "fraud-data")} <= {
        (use.kind, use.name) for use in found
    }


def _document(value: Any) -> Document:
    return Document("rich.yaml", value, {}, {})


def _with_secret() -> str:
    import yaml

    spec, platform = documents()
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    first = next(iter(executors))
    source = {"secretName": "fraud-db", "keyToEnv": [{"secretKey": "url", "envVar": "DB"}]}
    executors[first] = {**executors[first], "secretAsEnv": [*executors[first]["secretAsEnv"], source]}
    return str(yaml.safe_dump_all([spec, platform], sort_keys=False))


@pytest.mark.parametrize("allowed", [["churn-*"], ["churn-a", "other"]])
def test_templates_are_limited(render: Callable[..., Outcome], allowed: list[str]) -> None:
    assert render({"templates": allowed}, "churn-a").code == 0
    found = render({"templates": ["training-*"]}, "churn-a")
    assert (
        "'churn-a' is of the template 'churn-a', and team churn is limited by templates: 'training-*'"
        in found.err
    )


def test_namespaces_and_service_accounts_are_the_environments(
    repository: Path, render: Callable[..., Outcome]
) -> None:
    limits = {"namespaces": ["churn"], "serviceAccounts": ["churn-runner"]}
    found = render(limits).err.splitlines()
    assert ["limited by serviceAccounts" in found[0], "limited by namespaces" in found[1]] == [True, True]
    assert "runs as whom KFP decides (no kfp.serviceAccount)" in found[0]
    base = repository / "environments/base.yaml"
    base.write_text(
        base.read_text().replace("  namespace: ''", "  namespace: churn\n  serviceAccount: churn-runner")
    )
    assert render(limits).code == 0


def test_a_service_account_of_what_was_made_in_kfp_is_given_to_a_team_and_never_taken(
    repository: Path, command: Command
) -> None:
    """Whoever may change the team's file alone would else run as whomever they like."""
    adopts = {
        "pipeline": "By hand",
        "schedules": {"weekly": {"recurringRun": "R", "serviceAccount": "admin"}},
    }

    def told(**limits: Any) -> str:
        reviewed(repository, {"churn": {"limits": limits}} if limits else {"churn": {}})
        team(repository, "churn", "churn-a")
        path = repository / TEAM
        found = yaml.safe_load(path.read_text())
        found["pipelines"]["churn-a"]["adopts"] = adopts
        path.write_text(yaml.safe_dump(found))
        return " ".join(command("render", "--root", repository, "--env", "dev").err.split())

    account = "takes over the schedule 'weekly' with the service account 'admin'"
    assert f"{account}, which team churn was not given; take `serviceAccount` out" in told()
    base = repository / "environments/base.yaml"
    base.write_text(
        base.read_text().replace("  namespace: ''", "  namespace: ''\n  serviceAccount: churn-runner")
    )
    assert f"{account}, and team churn is limited by serviceAccounts" in told(serviceAccounts=["churn-*"])
    assert account not in told(serviceAccounts=["churn-*", "admin"])


def _schedule(text: str = "0 0 4 * * *", **more: object) -> dict[str, object]:
    return {"cron": text, "enabled": True, **more}


def test_schedules_that_are_on_are_counted_over_the_team(render: Callable[..., Outcome]) -> None:
    assert render({"schedules": {"most": 2}}, "churn-a", "churn-b").code == 0
    found = render({"schedules": {"most": 1}}, "churn-a", "churn-b")
    assert found.code == 2
    assert f"{TEAM}:11:3: 'churn-b' has a schedule that is one of 2 that are on in dev" in found.err
    off = render({"schedules": {"most": 0}}, "churn-a", "churn-b", schedule=_schedule(enabled=False))
    assert off.code == 0


@pytest.mark.parametrize(
    ("text", "every", "fits"),
    [
        ("0 0 4 * * *", "1d", True), ("0 0 4 * * 1", "1d", True), ("0 0 4,16 * * *", "1d", False),
        ("0 */15 * * * *", "15m", True), ("0 */15 * * * *", "1h", False), ("0 59 23 1 6 *", "7d", True),
        ("0 0,1 3 1 6 *", "1h", False),
    ],
)  # fmt: skip
def test_how_often_a_schedule_fires_is_limited(
    render: Callable[..., Outcome], text: str, every: str, fits: bool
) -> None:
    found = render({"schedules": {"every": every}}, schedule=_schedule(text))
    assert found.code == (0 if fits else 2)
    assert fits or f"limited by schedules.every: {every}" in found.err


def test_runs_at_once_are_summed_over_the_team(repository: Path, render: Callable[..., Outcome]) -> None:
    for name in ("churn-a", "churn-b", "churn-c"):
        _edit(repository, name, "maxConcurrency: 1", "maxConcurrency: 3")
    names = ("churn-a", "churn-b", "churn-c")
    assert render({"parallelRuns": 9}, *names).code == 0
    (line,) = render({"parallelRuns": 5}, *names).err.splitlines()
    assert line.startswith(
        f"{TEAM}:11:3: 'churn-b' has the schedule 'weekly', with which 9 runs may be under way"
    )


def test_triggers_count_as_well_for_runs_at_once_and_not_as_schedules(
    repository: Path, render: Callable[..., Outcome]
) -> None:
    names = ("churn-a", "churn-b")
    assert render({}, *names).code == 0
    always, after = "- {name: always, runOn: change}\n", "- {name: after, runOn: {pipeline: churn-a}, SAID}\n"
    said = after.replace("SAID", "maxConcurrency: 4, enabled: true")
    _edit(repository, "churn-b", "schedules:\n", f"triggers:\n{always}{said}schedules:\n")
    assert render({"parallelRuns": 6, "schedules": {"most": 2, "every": "1h"}}, *names).code == 0
    (line,) = render({"parallelRuns": 5}, *names).err.splitlines()
    assert "'churn-b' has the trigger 'after', with which 6 runs may be under way at once in dev" in line
    _edit(repository, "churn-b", "4, enabled: true", "4, enabled: false")
    assert render({"parallelRuns": 5}, *names).code == 0


def test_another_team_and_the_platform_are_not_limited(
    repository: Path, render: Callable[..., Outcome]
) -> None:
    nothing = {"templates": ["churn-*"], "schedules": {"most": 1}, "registries": ["registry.example.com"]}
    assert render(nothing).code == 0
    reviewed(repository, {"churn": {"limits": nothing}, "fraud": {}})
    team(repository, "fraud", "fraud-a", "fraud-b")
    assert render(nothing).code == 2  # `reviewed` without fraud
    write(repository, "environments/dev/teams/fraud.yaml", {})


def test_policy_judges_what_stands_in_manifests(
    repository: Path, command: Command, render: Callable[..., Outcome]
) -> None:
    """By hand, or rendered before the limit came: nobody need render for it."""
    (repository / "environments/policy.yaml").write_text((PROJECT / "environments/policy.yaml").read_text())
    team(repository, "churn", "churn-a")
    assert render({}).code == 0
    before = command("policy", "--root", repository, "--env", "dev").err
    assert "limited by" not in before
    manifest = repository / "manifests/dev/pipelines/churn-a/pipeline.yaml"
    text = manifest.read_text("utf-8")
    manifest.write_text(
        text.replace(
            "component: greet\n", "component: greet\n      env: {DB: {secret: fraud-db, key: url}}\n", 1
        ),
        "utf-8",
    )
    limits = {
        "secrets": ["churn-*"], "registries": ["elsewhere"], "schedules": {"most": 0}, "namespaces": ["churn"],
    }  # fmt: skip
    reviewed(repository, {"churn": {"limits": limits}})
    found = command("policy", "--root", repository, "--env", "dev")
    assert found.code == 2
    lines = [line for line in found.err.splitlines() if "limited by" in line]
    assert all(line.startswith(f"{TEAM}:2:3: 'churn-a'") for line in lines)
    assert sorted({line.partition("limited by ")[2].partition(":")[0] for line in lines}) == [
        "namespaces", "registries", "schedules.most", "secrets",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "a: b\n", "name: greet\nimplementation: {container: {}}\n"])
def test_policy_says_which_spec_is_none(
    repository: Path, command: Command, render: Callable[..., Outcome], text: str
) -> None:
    (repository / "environments/policy.yaml").write_text((PROJECT / "environments/policy.yaml").read_text())
    assert render({"secrets": ["churn-*"]}).code == 0
    (spec,) = (repository / "manifests/dev/components").glob("greet-*.yaml")
    new = spec.with_name(f"greet-{hashlib.sha256(text.encode()).hexdigest()[:8]}.yaml")
    head = repository / "manifests/dev/environment.yaml"
    head.write_text(head.read_text("utf-8").replace(spec.stem[-8:], new.stem[-8:]), "utf-8")
    new.write_text(text, "utf-8")
    found = command("policy", "--root", repository, "--env", "dev")
    assert found.code == 2
    assert f"manifests/dev/components/{new.name}:" in found.err


def test_a_limit_that_came_later_is_seen_though_the_rendering_is_remembered(
    repository: Path, command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from kfp_gitops.base import memo

    monkeypatch.setattr(memo, "FEWEST", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    reviewed(repository, {"churn": {}})
    team(repository, "churn", "churn-a", "churn-b")
    for limits, code in (({}, 0), ({"schedules": {"most": 2}}, 0), ({"schedules": {"most": 1}}, 2),
                         ({"parallelRuns": 2}, 0), ({"registries": ["elsewhere"]}, 2), ({}, 0)):  # fmt: skip
        reviewed(repository, {"churn": {"limits": limits}})
        assert command("render", "--root", repository, "--env", "dev").code == code, limits


def test_starts_go_through_a_text() -> None:
    found = [named.Start("a", 60.0, 3), named.Start("b", 0.0, 1, "trigger")]
    assert named.from_text(named.to_text(found)) == found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0 0 3 * * 1", 604_800),
        ("*/20 * * * * *", 20),
        ("@every 90s", 90),
        ("0 0 3 29 2 *", 0),
        ("0 0,59 0,23 1,10,11 * *", 60),
        ("0 0,59 0,23 1,10,12 * *", 59 * 60),
        ("0 59,0 23,0 31,1 12,1 *", 60),
    ],
)
def test_the_shortest_time_between_firings(text: str, seconds: int) -> None:
    found = waits.shortest(cron.parse(text))
    assert found == timedelta(seconds=seconds) or (not seconds and found > timedelta(days=365))


def test_limits_are_checked_by_their_schema(repository: Path, command: Command) -> None:
    reviewed(
        repository, {"churn": {"limits": {"secret": ["a"], "schedules": {"every": "often"}}}, "release": {}}
    )
    found = command("render", "--root", repository, "--env", "dev")
    assert found.code == 2
    assert "did you mean 'secrets'?" in found.err
    assert "such as 15m" in found.err
    assert "no team can be called `release`" in found.err
    assert VALUES
