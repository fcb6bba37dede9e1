"""One template, many pipelines: what they share is read once and told once, what is their own stays their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml
from fleet_kit import CUSTOMERS, SCHEMA, TEMPLATE, VALUES, fleet, replace
from kfp_gitops.base.errors import Problem
from kfp_gitops.base.places import WorkTree
from kfp_gitops.checking import check
from kfp_gitops.language.manifest import Manifest
from kfp_gitops.rendering import manifests
from kfp_gitops.rendering.render import render
from kfp_gitops.sources import environment, released
from kfp_gitops.sources.components import Interface
from project import Outcome, snapshot

Command = Callable[..., Outcome]


@pytest.fixture
def customers(repository: Path) -> Path:
    return fleet(repository, 3)


def _render(command: Command, root: Path, *arguments: str) -> Outcome:
    return command("render", "--root", root, "--env", "dev", *arguments)


def test_each_pipeline_has_its_own_name_values_and_schedule_and_one_release(customers: Path) -> None:
    found = {pipeline.name: pipeline for pipeline in render(customers, "dev").pipelines}
    assert list(found) == ["hello", "acme", "birch", "cedar"]
    assert len({pipeline.release for pipeline in found.values()}) == 1, "no name is in it"
    manifests = {name: yaml.safe_load(pipeline.manifest) for name, pipeline in found.items()}
    assert {name: one["metadata"]["name"] for name, one in manifests.items()} == {
        name: name for name in found
    }
    crons = {name: one["schedules"][0]["cron"] for name, one in manifests.items()}
    assert crons["acme"] == "0 0 3 * * 1"
    assert crons["birch"] == "0 1 3 * * 1"
    assert "templates/pipelines/hello/pipeline.yaml.j2" in found["acme"].manifest.splitlines()[0]


def test_environment_yaml_says_of_what_a_pipeline_is_made_where_that_has_another_name(
    customers: Path, command: Command
) -> None:
    assert _render(command, customers).code == 0
    head = yaml.safe_load((customers / "manifests/dev/environment.yaml").read_text())
    assert {entry["name"]: entry.get("template") for entry in head["pipelines"]} == {
        "hello": None,
        **dict.fromkeys(CUSTOMERS, "hello"),
    }


def test_files_of_a_template_and_of_its_components_are_read_once(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(repository, 12)
    read: list[str] = []
    original = WorkTree.read_text

    def spy(tree: WorkTree, relative: str) -> str:
        read.append(relative)
        return original(tree, relative)

    monkeypatch.setattr(WorkTree, "read_text", spy)
    monkeypatch.setattr("kfp_gitops.base.processes.cores", lambda: 1)
    assert len(render(repository, "dev").pipelines) == 13
    assert sorted(read) == sorted(set(read))
    read.clear()
    assert len(released.releases(repository, environment.load(repository, "dev"))) == 13
    assert sorted(read) == sorted(set(read))


def test_a_template_may_differ_between_environments(customers: Path) -> None:
    replace(customers, VALUES, "  acme:\n    template: hello\n", "  acme:\n    template: newer\n")
    (customers / "templates/pipelines/newer").mkdir()
    for path in (customers / "templates/pipelines/hello").iterdir():
        text = path.read_text().replace("owner: tests", "owner: others")
        (customers / "templates/pipelines/newer" / path.name).write_text(text)
    found = {pipeline.name: pipeline for pipeline in render(customers, "dev").pipelines}
    assert "owner: others" in found["acme"].manifest
    assert "owner: tests" in found["birch"].manifest
    assert found["acme"].release != found["birch"].release


def test_an_environment_takes_the_template_of_base_unless_it_names_another(customers: Path) -> None:
    base, over = customers / "environments/base.yaml", customers / VALUES
    base.write_text(base.read_text() + "  dora:\n    template: hello\n    values: {name: dora}\n")
    own = "{threshold: 1, items: [a], schedule: {cron: '0 0 3 * * 1', enabled: false}}"
    over.write_text(over.read_text() + f"  dora:\n    values: {own}\n")
    assert environment.load(customers, "dev").template_of("dora") == "hello"
    (found,) = (each for each in render(customers, "dev").pipelines if each.name == "dora")
    assert "name: dora" in found.manifest
    over.write_text(over.read_text().replace("  dora:\n", "  dora:\n    template: newer\n"))
    assert environment.load(customers, "dev").template_of("dora") == "newer"
    over.write_text(over.read_text().replace("template: newer", "template: null"))
    assert environment.load(customers, "dev").template_of("dora") == "dora", "null removes, as everywhere"


# What is wrong ------------------------------------------------------------------------------------------------------

RENDERED = "templates/pipelines/hello/pipeline.yaml.j2"


@pytest.mark.parametrize(
    ("path", "old", "new", "says"),
    [
        pytest.param(
            TEMPLATE,
            "values.threshold }}",
            "values.treshold }}",
            "templates/pipelines/hello/pipeline.yaml.j2:10:1: template: 'dict object' has no attribute 'treshold' (for "
            "pipelines 'hello', 'acme', 'birch' and 1 more pipeline); define it in values.yaml or base.yaml, or "
            "correct the name; braces that are text stand between {% raw %} and {% endraw %}",
            id="undefined",
        ),
        pytest.param(
            TEMPLATE,
            "name: {param: name}",
            "name: {param: nam}",
            f"{RENDERED}:15:15: unknown parameter 'nam' (rendered for dev: line 15 `name: {{param: nam}}`) "
            "(for pipelines 'hello', 'acme', 'birch' and 1 more pipeline); declare it, or choose one of: "
            "name, threshold",
            id="a fault of the manifest",
        ),
        pytest.param(
            TEMPLATE,
            "name: {{ pipeline }}",
            "name: hello",
            f"{RENDERED}:4:9: the name is 'hello' (rendered for dev: line 4 `name: hello`) (for "
            "pipelines 'acme', 'birch' and 'cedar'); write `name: {{ pipeline }}`: this template is there for "
            "pipelines of other names",
            id="the name stands in the template",
        ),
        pytest.param(
            VALUES,
            "  birch:\n    template: hello\n",
            "  birch:\n    template: helo\n",
            "environments/dev/values.yaml:14:15: no template 'helo' for pipeline 'birch'; did you mean 'hello'? "
            "Otherwise create templates/pipelines/helo/, or choose one of: hello",
            id="an instance names no template",
        ),
        pytest.param(
            VALUES,
            "      name: birch\n",
            "      name: 5\n",
            "environments/dev/values.yaml:16:13: pipelines.birch.values.name is 5, not a text; write it in quotes: '5'",
            id="a value of an instance",
        ),
        pytest.param(
            VALUES,
            "  birch:\n    template: hello\n",
            "  birch:\n    template: ../hello\n",
            'environments/dev/values.yaml:14:15: pipelines.birch.template is "../hello"; by default the one of its own '
            "name; else, as may others, a folder of templates/pipelines/ (a-z 0-9 -), such as churn-daily",
            id="a template elsewhere",
        ),
        pytest.param(
            SCHEMA,
            '"threshold",',
            '"threshold", "more",',
            None,
            id="a new value is wanted of each",
        ),
    ],
)
def test_a_fault_is_told_once_at_the_file_that_has_it(
    path: str, old: str, new: str, says: str | None, customers: Path, command: Command
) -> None:
    replace(customers, path, old, new)
    before = snapshot(customers)
    outcome = _render(command, customers)
    assert outcome.code == 2
    if says is None:
        lines = outcome.err.splitlines()
        assert [line.partition(": ")[2] for line in lines] == [
            f"pipelines.{name}.values lacks 'more'; add `more:`" for name in ("hello", *CUSTOMERS)
        ]
        assert len({line.partition(": ")[0] for line in lines}) == 4
    else:
        assert outcome.err.splitlines() == [says]
    assert snapshot(customers) == before


def test_five_hundred_pipelines_with_the_same_fault_have_one_line(repository: Path, command: Command) -> None:
    fleet(repository, 500)
    replace(repository, TEMPLATE, "name: {param: name}", "name: {param: nam}")
    (said,) = _render(command, repository).err.splitlines()
    assert "(for pipelines 'hello', 'acme', 'birch' and 498 more pipelines)" in said


def test_faults_of_one_line_that_quote_each_their_own_value_are_some_and_a_number(
    repository: Path, command: Command
) -> None:
    fleet(repository, 20)
    replace(repository, TEMPLATE, "default: {{ values.threshold }}", "default: {{ pipeline }}")
    said = _render(command, repository).err.splitlines()
    assert len(said) == 3
    assert all(line.startswith(f"{RENDERED}:10:37: ") and "is not an int" in line for line in said)
    assert "; as wrong in its own way for 18 more pipelines)" in said[-1]


def test_a_fault_of_one_instance_in_a_shared_template_says_whose_it_is(
    customers: Path, command: Command
) -> None:
    replace(
        customers, TEMPLATE, "owner: tests", "owner: {{ 1 // (pipeline | length - 5) }}"
    )  # birch, cedar, hello
    replace(customers, VALUES, "  cedar:", "  cedar-tree:")
    replace(
        customers,
        VALUES,
        "  hello:",
        "  hello-all:\n    template: hello\n    values:\n      name: dev\n  hello:",
    )
    outcome = _render(command, customers)
    (said,) = (line for line in outcome.err.splitlines() if "division" in line)
    assert "(for pipelines 'hello' and 'birch')" in said


def test_a_warning_that_many_pipelines_have_is_told_once(customers: Path, command: Command) -> None:
    replace(customers, TEMPLATE, "kfp-gitops/v1\n", "kfp-gitops/v1alpha1\n")
    said = [line for line in _render(command, customers).err.splitlines() if "warning" in line]
    assert len(said) == 1
    assert "and 1 more pipeline" in said[0]


@pytest.mark.parametrize("check", [[], ["--check"]], ids=["render", "check"])
def test_a_template_that_no_environment_uses_is_told_with_the_way_out(
    check: list[str], customers: Path, command: Command
) -> None:
    replace(customers, TEMPLATE, "owner: tests", "owner: tests  # as before")
    command("render", "--root", customers, "--all", "--lock")
    left = customers / "templates/pipelines/left"
    left.mkdir()
    for path in (customers / "templates/pipelines/hello").iterdir():
        (left / path.name).write_bytes(path.read_bytes())
    outcome = command("render", "--root", customers, "--all", *check)
    assert outcome.code == 0
    assert (
        "templates/pipelines/left/pipeline.yaml.j2:1:1: warning: no environment has a pipeline of this template; "
        "remove templates/pipelines/left/, or make a pipeline from it: `python scripts/new.py pipeline NAME "
        "--template left`"
    ) in outcome.err.splitlines()
    assert "templates/pipelines/hello" not in outcome.err


def test_pipelines_of_one_shape_are_checked_once_and_stand_in_the_order_of_the_values(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet(repository, 60)
    checked: list[str] = []
    original = check.findings

    def spy(
        manifest: Manifest, *others: Mapping[str, Interface], nested: bool
    ) -> tuple[list[Problem], list[Problem]]:
        checked.append(manifest.name)
        return original(manifest, *others, nested=nested)

    monkeypatch.setattr(check, "findings", spy)
    monkeypatch.setattr("kfp_gitops.base.processes.cores", lambda: 1)
    monkeypatch.setattr(manifests, "_PASSED", {})
    env = environment.load(repository, "dev")
    assert [one.name for one in render(repository, "dev").pipelines] == list(env.pipelines)
    assert len(env.pipelines) == 61
    assert len(checked) == len(set(checked)) <= 3


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("cron: '0 58 3 * * 1'", "cron: '0 58 3 31 2 *'", "never fires"),
        ("name: customer-0055", "name: '{{workflow.uid}}'", "Argo takes '{{workflow.uid}}'"),
    ],
)
def test_what_only_the_last_of_many_has_wrong_is_told(
    repository: Path, command: Command, old: str, new: str, told: str
) -> None:
    fleet(repository, 60)
    replace(repository, VALUES, old, new)
    done = _render(command, repository)
    assert done.code == 2
    assert told in done.err
