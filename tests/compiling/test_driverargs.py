"""What KFP's compiler puts into one argument of its driver is measured as that compiler writes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kfp_gitops.base import gojson
from kfp_gitops.base.errors import InputError
from kfp_gitops.checking import limits
from kfp_gitops.compiling import driverargs
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.rendering.rendered import RenderedPipeline
from language import HEAD, SPECS, refusals

_MOST = limits.ARGUMENT.maximum


def _documents(**parts: Any) -> list[dict[str, Any]]:
    spec: dict[str, Any] = {
        "root": {"dag": {"tasks": {"a": {"componentRef": {"name": "comp-a"}}}}},
        "components": {"comp-a": {"executorLabel": "exec-a"}},
        "deploymentSpec": {"executors": {"exec-a": {"container": parts.get("container", {})}}},
    }
    spec["root"].update(parts.get("root", {}))
    settings = {"deploymentSpec": {"executors": {"exec-a": parts.get("settings", {})}}}
    return [spec, {"platforms": {"kubernetes": settings}}]


def _padded(value: dict[str, Any], size: int, path: list[str]) -> dict[str, Any]:
    """The value with a text so long that all of it is `size` bytes of JSON."""
    inner: Any = value
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = "x" * (size - gojson.size({**value}) - len(json.dumps(path[-1])) - 3 - bool(inner))
    return value


@pytest.mark.parametrize(
    ("text", "size"),
    [("x", 3), ("a\n", 5), ('"', 4), ("<&>", 20), ("é", 4), ("\u2028", 8), ("\x01", 8), (60.0, 2), (0.5, 3)],
)
def test_json_is_as_long_as_go_writes_it(text: object, size: int) -> None:
    assert gojson.size(text) == size


@pytest.mark.parametrize(
    ("part", "path", "at", "what"),
    [
        ("container", ["image"], ("components", "comp-a"), "its container is"),
        ("settings", ["podMetadata"], ("components", "comp-a"), "the settings of its pod are"),
    ],
)
def test_one_byte_more_than_linux_takes_is_told_at_its_task(
    part: str, path: list[str], at: tuple[str, ...], what: str
) -> None:
    assert list(driverargs.findings(_documents(**{part: _padded({}, _MOST, path)}), 200_000)) == []
    (finding,) = driverargs.findings(_documents(**{part: _padded({}, _MOST + 1, path)}), 200_000)
    assert finding.at == at
    assert finding.what.startswith(f"{what} {_MOST + 1} bytes of JSON")


def test_defaults_of_all_parameters_are_one_argument() -> None:
    def root(size: int) -> dict[str, Any]:
        return {"inputDefinitions": {"parameters": {"p": {"defaultValue": "x" * size}}}}

    around = gojson.size({"parameterValues": {"p": ""}})
    found = list(driverargs.findings(_documents(root=root(_MOST - around + 1)), 200_000))
    assert "the defaults of its parameters are" in " ".join(one.what for one in found)
    assert not list(driverargs.findings(_documents(root=root(1000)), 200_000))


def test_many_small_tasks_are_one_argument_and_two_dags_are_two() -> None:
    step = "    task-{}: {{component: say, arguments: {{text: " + "x" * 900 + "}}}}\n"
    few, many = ("spec:\n  tasks:\n" + "".join(map(step.format, range(count))) for count in (60, 125))
    compile_pipeline(RenderedPipeline("p", "sha256:0", HEAD + few, SPECS), "m")
    with pytest.raises(InputError, match="125 tasks that run in one DAG are") as refused:
        compile_pipeline(RenderedPipeline("p", "sha256:0", HEAD + many, SPECS), "m")
    assert refused.value.problems[0].line == HEAD.count("\n") + 2
    inner = "".join("    " + step.replace("task-", "other-").format(index) for index in range(60))
    parted = few + "    rest:\n      finally: {end: {component: take}}\n      tasks:\n" + inner
    compile_pipeline(RenderedPipeline("p", "sha256:0", HEAD + parted, SPECS), "m")


def test_parameters_of_a_schedule_that_are_too_long_together_are_refused_when_rendered() -> None:
    def body(size: int) -> str:
        return (
            "spec:\n  parameters: {x: {type: str, default: y}, z: {type: str, default: "
            + "z" * 70_000
            + "}}\n"
            "  tasks:\n    a: {component: say, arguments: {text: {param: x}}}\n"
            "schedules:\n- {name: s, cron: '0 0 4 * * *', enabled: true, maxConcurrency: 1, catchup: false,\n"
            f"   parameters: {{x: {'x' * size}}}}}\n"
        )

    assert refusals(body(50_000)) == []
    (found,) = refusals(body(70_000))
    assert found.startswith("7:4: the parameters of its runs are 14")
