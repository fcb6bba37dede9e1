"""Tasks that run whatever happened: KFP attaches them to the end of containers and groups, one to each."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import rich_ir
from kfp_gitops.language import irlint
from language import refusals, warnings

HEAD = "spec:\n  tasks:\n    a: {component: say, arguments: {text: a}}\n    b: {component: say, arguments: {text: b}}\n"
LOOP = "    l:\n      loop: {items: [1]}\n      tasks: {i: {component: say, arguments: {text: x}}}\n"
NEVER = {
    "nothing before it": "    z: {component: tolerate, ignoreUpstreamFailure: true}\n",
    "a loop": LOOP + "    z: {component: tolerate, after: [i], ignoreUpstreamFailure: true}\n",
    "an importer": (
        "    i: {importer: {uri: s3://b/x, type: Dataset}}\n"
        "    z: {component: tolerate, after: [i], ignoreUpstreamFailure: true}\n"
    ),
    "a claim": (
        "    i: {createPvc: {accessModes: [ReadWriteOnce], size: 1Gi, nameSuffix: -x}, cache: false}\n"
        "    z: {component: tolerate, after: [i], ignoreUpstreamFailure: true}\n"
    ),
    "what is outside of its group": (
        "    l:\n      loop: {items: [1]}\n"
        "      tasks: {z: {component: tolerate, after: [a], ignoreUpstreamFailure: true}}\n"
    ),
    "another one": (
        "    y: {component: tolerate, after: [a], ignoreUpstreamFailure: true}\n"
        "    z: {component: tolerate, after: [y], ignoreUpstreamFailure: true}\n"
    ),
}


@pytest.mark.parametrize("case", NEVER)
def test_what_would_never_run_is_refused_at_its_line(case: str) -> None:
    body = HEAD + NEVER[case]
    line = next(n for n, text in enumerate(body.splitlines(), 1) if "z: {" in text)
    found = refusals(body)
    assert any(one.startswith(f"{line}:") and "it never runs: KFP starts" in one for one in found), found


def test_of_two_after_the_same_one_is_forgotten() -> None:
    two = "    {}: {{component: tolerate, after: [a], ignoreUpstreamFailure: true}}\n"
    (found,) = refusals(HEAD + two.format("y") + two.format("z"))
    assert found.startswith("6:")
    assert "KFP starts one task at the end of 'a' whatever happened, and 'y' is another" in found
    guarded = (
        "    g:\n      finally: {e: {component: tolerate}}\n      tasks: {i: {component: say, arguments: {text: x}}}\n"
        "    z: {component: tolerate, after: [g], ignoreUpstreamFailure: true}\n"
    )
    (found,) = refusals(HEAD + guarded)
    assert found.startswith("8:")
    assert "at the end of 'g' whatever happened, and 'e' is another" in found


def test_nothing_can_wait_for_one() -> None:
    rest = "    y: {component: tolerate, after: [a], ignoreUpstreamFailure: true}\n"
    rest += "    z: {component: say, arguments: {text: z}, after: [y]}\n"
    (found,) = refusals(HEAD + rest)
    assert found.startswith("6:")
    assert "it waits for 'y', which has `ignoreUpstreamFailure`" in found


def test_what_works_is_let_be_and_what_does_not_wait_is_told() -> None:
    one = HEAD + "    z: {component: tolerate, after: [a], ignoreUpstreamFailure: true}\n"
    assert (refusals(one), warnings(one)) == ([], [])
    two = one.replace("[a]", "[a, b]")
    assert refusals(two) == []
    assert "at the end of each of a, b: 2 times" in str(warnings(two))
    mixed = HEAD + LOOP + "    z: {component: tolerate, after: [a, i], ignoreUpstreamFailure: true}\n"
    assert refusals(mixed) == []
    assert "at the end of a, without waiting for l" in str(warnings(mixed))


_ANYWAY = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}


def _findings(**tasks: Any) -> list[str]:
    documents = rich_ir.documents()
    dag = documents[0]["root"]["dag"]["tasks"]
    for key, before in tasks.items():
        dag[key] = copy.deepcopy(dag["use-2"]) | {"dependentTasks": before, "triggerPolicy": _ANYWAY}
        dag[key]["taskInfo"] = {"name": key}
    return [f"{'.'.join(map(str, one.at))}: {one.what}" for one in irlint.findings(documents)]


def test_a_compiled_pipeline_is_looked_at_in_the_same_way() -> None:
    assert _findings(z=["container"]) == []
    for before in (["importer"], ["for-loop-5"], []):
        (found,) = _findings(z=before)
        assert found.startswith("root.dag.tasks.z: task 'z' ignores failures and never runs")
    (found,) = _findings(y=["container"], z=["container"])
    assert found.startswith("root.dag.tasks.y: KFP starts one task at the end of 'container'")
    found_all = _findings(y=["container"], z=["y"])
    assert any("task 'z' ignores failures and never runs" in one for one in found_all)


def test_a_compiled_task_that_waits_for_one_is_refused() -> None:
    documents = rich_ir.documents()
    dag = documents[0]["root"]["dag"]["tasks"]
    dag["use-2"]["triggerPolicy"] = _ANYWAY
    dag["use-2"]["dependentTasks"] = ["container"]
    dag["read"]["dependentTasks"] = ["use-2", *dag["read"]["dependentTasks"]]
    assert "task 'read' waits for 'use-2', which ignores failures" in str(irlint.findings(documents))


@pytest.mark.parametrize("node", ["deletePvc: {name: x}", "importer: {uri: s3://b/x, type: Dataset}"])
def test_what_cannot_stand_in_finally_is_told_so(node: str) -> None:
    rest = f"    g:\n      finally: {{z: {{{node}}}}}\n"
    rest += "      tasks: {i: {component: say, arguments: {text: x}}}\n"
    (found,) = refusals(HEAD + rest)
    assert found.startswith("6:20: spec.tasks.g.finally.z runs neither a component nor a pipeline")
    assert "put deletePvc after the users of the claim in `tasks`" in found
