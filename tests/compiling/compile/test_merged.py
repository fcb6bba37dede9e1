"""A pipeline inside another one, with the same components: the same IR each time, and each task with its own settings.

Of that the SDK does none for sure: it goes through maps in the order of a hash that is another one in each process.
"""

from __future__ import annotations

from typing import Any

from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.rendering.rendered import RenderedPipeline
from language import SPECS

HEAD = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: %s, description: A test., owner: tests}
spec:
  tasks:
"""
SAY = (
    "    t%d: {component: say, arguments: {text: a}, resources: {cpu: {limit: '%d'}}, "
    "env: {A: {secret: s%d, key: k}}}\n"
)
INNER = HEAD % "inner" + "".join(SAY % (n, n, n) for n in range(1, 7))
OUTER = HEAD % "outer" + "".join(f"    o{n}: {{component: say, arguments: {{text: o}}}}\n" for n in range(3))
DEEP = HEAD % "middle" + "    inner: {pipeline: inner}\n" + "".join(SAY % (n, n, n) for n in range(7, 9))


def _documents(outer: str, inner: dict[str, str]) -> list[dict[str, Any]]:
    rendered = RenderedPipeline("outer", "sha256:0", outer, SPECS, inner=inner)
    return ir.documents(compile_pipeline(rendered, "m").text)


def _named(spec: dict[str, Any], component: str) -> dict[str, str]:
    """Display name → component of the tasks in a component."""
    tasks = spec["components"][component]["dag"]["tasks"].values()
    return {task["taskInfo"]["name"]: task["componentRef"]["name"] for task in tasks}


def test_components_inside_have_the_same_numbers_each_time() -> None:
    spec = _documents(f"{OUTER}    i: {{pipeline: inner}}\n", {"inner": INNER})[0]
    assert _named(spec, "comp-inner") == {
        "t6": "comp-say-6",
        "t5": "comp-say-5",
        "t4": "comp-say-4",
        "t3": "comp-say-3-2",
        "t2": "comp-say-2-2",
        "t1": "comp-say-7",
    }


def test_each_task_inside_keeps_what_is_said_of_it() -> None:
    for outer, inner in (
        (f"{OUTER}    i: {{pipeline: inner}}\n", {"inner": INNER}),
        (
            f"{OUTER}    m: {{pipeline: middle}}\n    n: {{pipeline: middle}}\n",
            {"inner": INNER, "middle": DEEP},
        ),
    ):
        spec, platform = _documents(outer, inner)
        asked = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        executors = spec["deploymentSpec"]["executors"]
        seen = 0
        for part in (spec["root"], *spec["components"].values()):
            for task in part.get("dag", {}).get("tasks", {}).values():
                label = spec["components"][task["componentRef"]["name"]].get("executorLabel")
                number = task["taskInfo"]["name"].removeprefix("t")
                if label and number.isdigit():
                    assert executors[label]["container"]["resources"]["resourceCpuLimit"] == number
                    (secret,) = asked[label]["secretAsEnv"]
                    assert secret["secretNameParameter"]["runtimeValue"]["constant"] == f"s{number}"
                    seen += 1
                elif label:
                    assert label not in asked
        assert seen == len(asked)
