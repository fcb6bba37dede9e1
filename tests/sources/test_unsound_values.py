"""What KFP mishandles though it compiles: quotes in JSON, collecting over nothing, volume claims and the cache."""
# ruff: noqa: E501 - manifests of one line each

from __future__ import annotations

import pytest
import rich_ir
from kfp_gitops.checking import check
from kfp_gitops.language import irlint
from kfp_gitops.language.manifest import reader
from kfp_gitops.sources import brought
from language import COMPONENTS, HEAD, refusals, warnings

_TEXT = "spec:\n  parameters: {{x: {{type: {}, default: {}}}}}\n  tasks:\n    a: {{component: say, arguments: {{text: {}}}}}\n"
_PART = "{concat: [hello, {param: x}]}"
_SCHEDULE = (
    "schedules:\n- {{name: s, cron: '0 0 4 * * *', enabled: true, maxConcurrency: 1, catchup: false,\n"
    "   parameters: {{x: {}}}}}\n"
)


@pytest.mark.parametrize("value", ["'say \"hi\"'", "'C:\\dir'", '"a\\nb"', '"\\t"'])
def test_a_default_with_a_quote_is_refused_where_it_would_be_part_of_json(value: str) -> None:
    (found,) = refusals(_TEXT.format("str", value, _PART))
    assert found.startswith("2:40: ") and "breaks task 'a'" in found
    assert refusals(_TEXT.format("str", value, "{param: x}")) == []
    assert refusals(_TEXT.format("str", '"it\'s {fine}, é"', _PART)) == []


def test_what_a_schedule_gives_and_items_of_a_loop_are_looked_at_too() -> None:
    (found,) = refusals(_TEXT.format("str", "y", _PART) + _SCHEDULE.format("'\"'"))
    assert found.startswith("7:20: ")
    loop = "spec:\n  tasks:\n    l:\n      loop: {items: [a, 'b\"']}\n      tasks:\n        a: {component: say, arguments: {text: {concat: [x, {item: l}]}}}\n"
    (found,) = refusals(loop)
    assert found.startswith("4:25: ")


_TAKE = "spec:\n  parameters: {{x: {{type: {}, default: {}}}}}\n  tasks:\n    a: {{component: take, arguments: {{fields: {{k: {{param: x}}}}}}}}\n"


def test_lists_and_maps_inside_json() -> None:
    assert refusals(_TAKE.format("list", "[1, 2]")) == []
    assert "breaks task" in refusals(_TAKE.format("list", "[a]"))[0]
    assert any("a dict stands inside" in one for one in refusals(_TAKE.format("dict", "{}")))


@pytest.mark.parametrize(
    ("argument", "what"),
    [
        (
            "{concat: [x, {task: b, output: said}]}",
            "a double quote, backslash or line break in it breaks the step",
        ),
        ("{concat: [{run: workspace}, /x]}", ""),
        ("{task: b, output: said}", ""),
        ("{run: id}", ""),
    ],
)
def test_what_only_a_run_tells_is_warned_of(argument: str, what: str) -> None:
    body = f"spec:\n  workspace: {{size: 1Gi}}\n  tasks:\n    a: {{component: say, arguments: {{text: {argument}}}}}\n    b: {{component: take}}\n"
    body = body.replace("b: {component: take}", "b: {component: say, arguments: {text: y}}")
    found = warnings(body)
    assert [what in one for one in found] == ([True] if what else [])


@pytest.mark.parametrize(
    ("argument", "what"),
    [
        ("{concat: [x, {run: id}]}", "{run: id} as a whole argument only"),
        ("{run: pipeline-root}", "{run: pipeline-root} nowhere"),
        ("{concat: [x, {run: pipeline-root}]}", "{run: pipeline-root} nowhere"),
    ],
)
def test_facts_that_stay_placeholders_are_refused(argument: str, what: str) -> None:
    (found,) = refusals(f"spec:\n  tasks:\n    a: {{component: say, arguments: {{text: {argument}}}}}\n")
    assert found.startswith("3:")
    assert f"KFP 2.17 replaces {what}; this stays a placeholder" in found


@pytest.mark.parametrize(
    ("constant", "fact"),
    [
        ("{{$.pipeline_root}}", "pipeline_root"),
        ("a {{$.pipeline_job_uuid}}", "pipeline_job_uuid"),
        (["{{$.pipeline_job_name}}"], "pipeline_job_name"),
        ("{{$.pipeline_job_uuid}}", ""),
        ("{{$.workspace_path}}/x", ""),
    ],
)
def test_facts_in_a_compiled_pipeline(constant: object, fact: str) -> None:
    documents = rich_ir.documents()
    given = documents[0]["root"]["dag"]["tasks"]["use-2"]["inputs"]["parameters"]
    given["text"] = {"runtimeValue": {"constant": constant}}
    found = [one.what for one in irlint.findings(documents) if "does not replace it" in one.what]
    assert [f"{{{{$.{fact}}}}}" in one for one in found] == ([True] if fact else [])


def test_parts_for_a_pipeline_inside_or_a_volume_claim_are_told() -> None:
    inner = reader.read(HEAD.replace("name: p", "name: i") + _TEXT.format("str", "y", "{param: x}"), "i.yaml")
    interfaces = {"i": check.interface(inner, COMPONENTS, {})}
    body = "spec:\n  parameters: {x: {type: str, default: y}}\n  tasks:\n    a: {pipeline: i, arguments: {x: {concat: [z, {param: x}]}}}\n"
    outer = reader.read(HEAD + body, "m.yaml")
    assert "replaces no part of what a pipeline inside is given" in str(
        check.warnings(outer, COMPONENTS, interfaces)
    )
    claim = "{createPvc: {accessModes: [ReadWriteOnce], size: 1Gi, nameSuffix: {concat: [-, {param: x}]}}}"
    (found,) = refusals(f"spec:\n  parameters: {{x: {{type: str, default: y}}}}\n  tasks:\n    c: {claim}\n")
    assert "KFP's driver does the step itself" in found


_LOOP = (
    "spec:\n  parameters: {{x: {{type: list, default: {}}}}}\n  tasks:\n    l:\n      loop: {{items: {}}}\n      tasks:\n"
    "        a: {{component: say, arguments: {{text: z}}}}\n    j: {{component: join, arguments: {{texts: {}}}}}\n"
)
_COLLECT = "{collect: {task: a, output: said}}"


def test_collecting_over_an_empty_list_is_refused() -> None:
    (found,) = refusals(_LOOP.format("[]", "{param: x}", _COLLECT))
    assert found.startswith("2:41: the list is empty, and what 'l' makes of its items is collected")
    assert refusals(_LOOP.format("[]", "{param: x}", "[b]")) == []
    assert refusals(_LOOP.format("[c]", "{param: x}", _COLLECT)) == []
    (found,) = refusals(_LOOP.format("[c]", "{param: x}", _COLLECT) + _SCHEDULE.format("[]"))
    assert found.startswith("11:20: ")
    output = (
        _LOOP.format("[]", "{param: x}", "[b]") + "  outputs: {all: {collect: {task: a, output: said}}}\n"
    )
    assert len(refusals(output)) == 1


def test_collecting_over_a_list_that_only_a_run_tells_is_warned_of() -> None:
    body = _LOOP.format("[c]", "{task: n, output: names}", _COLLECT) + "    n: {component: list_names}\n"
    assert refusals(body) == []
    assert ["if this list is ever empty" in one for one in warnings(body)] == [True]
    assert warnings(body.replace(_COLLECT, "[b]")) == []


def test_an_empty_list_for_a_pipeline_inside_that_collects_is_refused() -> None:
    inside = _LOOP.format("[c]", "{param: x}", _COLLECT)
    inner = reader.read(HEAD.replace("name: p", "name: i") + inside, "i.yaml")
    interfaces = {"i": check.interface(inner, COMPONENTS, {})}
    outer = reader.read(HEAD + "spec:\n  tasks:\n    a: {pipeline: i, arguments: {x: []}}\n", "m.yaml")
    (found,) = check.problems(outer, COMPONENTS, interfaces)
    assert "the list is empty, and what 'a' makes" in found.what


_MADE = "make: {createPvc: {accessModes: [ReadWriteOnce], size: 1Gi, nameSuffix: -x}}"
_CLAIM = "volumes: {/d: {pvc: {task: make, output: name}}}"
_GONE = "deletePvc: {name: {task: make, output: name}}"


def _claims(*tasks: str) -> list[str]:
    return refusals(
        "spec:\n  parameters: {n: {type: str, default: x}}\n  tasks:\n"
        + "".join(f"    {task}\n" for task in tasks)
    )


@pytest.mark.parametrize(
    ("name", "cache", "refused"),
    [
        ("name: shared", "", True),
        ("name: {param: n}", "", True),
        ("name: {run: name}", "", True),
        ("name: shared", ", cache: true", True),
        ("name: shared", ", cache: {key: k}", True),
        ("name: shared", ", cache: false", False),
        ("name: {run: id}", "", False),
        ("nameSuffix: -x", "", False),
    ],
)
def test_a_claim_that_the_cache_would_not_make_again(name: str, cache: str, refused: bool) -> None:
    found = _claims(f"make: {{createPvc: {{accessModes: [ReadWriteOnce], size: 1Gi, {name}}}{cache}}}")
    assert ["KFP's cache answers" in one for one in found] == ([True] if refused else [])


@pytest.mark.parametrize(
    ("tasks", "what"),
    [
        ([f"use: {{component: take, {_CLAIM}}}", f"gone: {{{_GONE}}}"], "wait for 'use', which mounts the claim"),
        ([f"use: {{component: take, {_CLAIM}}}", f"gone: {{{_GONE}, after: [use]}}"], ""),
        (
            [f"use: {{component: take, {_CLAIM}}}", "then: {component: take, after: [use]}", f"gone: {{{_GONE}, after: [then]}}"],
            "",
        ),
        ([f"use: {{component: take, {_CLAIM}, after: [gone]}}", f"gone: {{{_GONE}}}"], "comes after it"),
        (
            [f"l: {{loop: {{items: [1]}}, tasks: {{use: {{component: take, {_CLAIM}}}}}}}", f"gone: {{{_GONE}}}"],
            "wait for 'use'",
        ),
        (
            [f"l: {{loop: {{items: [1]}}, tasks: {{use: {{component: take, {_CLAIM}}}}}}}", f"gone: {{{_GONE}, after: [use]}}"],
            "",
        ),
        (
            ["l:", "  loop: {items: [1]}", "  tasks:", f"    use: {{component: take, {_CLAIM}}}", f"    gone: {{{_GONE}, after: [use]}}"],
            "each iteration of 'l' removes the claim",
        ),
        (
            ["l:", "  loop: {items: [1]}", "  tasks:", f"    {_MADE}", f"    use: {{component: take, {_CLAIM}}}", f"    gone: {{{_GONE}, after: [use]}}"],
            "",
        ),
        (["use: {component: take, volumes: {/d: {pvc: c}}}", "gone: {deletePvc: {name: c}}"], "wait for 'use'"),
        (["use: {component: take, volumes: {/d: {pvc: other}}}", "gone: {deletePvc: {name: c}}"], ""),
        (["use: {component: take, volumes: {/d: {pvc: {param: n}}}}", "gone: {deletePvc: {name: {param: n}}}"], "wait for 'use'"),
        (
            ["g:", "  finally: {end: {component: take}}", f"  tasks: {{use: {{component: take, {_CLAIM}}}}}", f"gone: {{{_GONE}, after: [g]}}"],
            "",
        ),
        (
            [
                "one: {createPvc: {accessModes: [ReadWriteOnce], size: 1Gi, name: c}, cache: false}",
                "gone: {deletePvc: {name: c}}",
            ],
            "wait for 'one', which makes the claim",
        ),
    ],
)  # fmt: skip
def test_a_claim_is_removed_after_everything_that_uses_it(tasks: list[str], what: str) -> None:
    made = [] if any("make:" in task for task in tasks) else [_MADE]
    found = _claims(*made, *tasks)
    assert [what in one for one in found] == ([True] if what else []), found


def test_a_brought_ir_whose_claim_the_cache_would_not_make_again() -> None:
    task = {"componentRef: {name: comp-c}, taskInfo: {name: c}, cachingOptions: {enableCache: CACHE}"}
    text = (
        "components: {comp-c: {executorLabel: exec-c, inputDefinitions: {parameters: {pvc_name: {parameterType: STRING}}}}}\n"
        "deploymentSpec: {executors: {exec-c: {container: {image: argostub/createpvc}}}}\npipelineInfo: {name: p}\n"
        "root: {dag: {tasks: {c: {TASK, inputs: {parameters: {pvc_name: {runtimeValue: {constant: NAME}}}}}}}}\n"
        "schemaVersion: 2.1.0\nsdkVersion: kfp-2.17.0\n"
    ).replace("TASK", task.pop())
    cached = brought.read(text.replace("CACHE", "true").replace("NAME", "shared"), "p.yaml")
    assert [
        ("makes a claim of the same name in each run" in one.what, one.fault) for one in cached.faults
    ] == [(True, "claim-cached")]
    uncached = text.replace("enableCache: CACHE", "").replace("NAME", "shared")
    other = text.replace("CACHE", "true").replace("NAME", "'{{$.pipeline_job_uuid}}'")
    assert [brought.read(one, "p.yaml").faults for one in (uncached, other)] == [(), ()]


def _retry(retry: str, more: str = "") -> str:
    return f"spec:\n  tasks:\n    a: {{component: take, retry: {{{retry}}}{more}}}\n"


@pytest.mark.parametrize(
    ("retry", "more", "what"),
    [
        ("count: 3, backoff: 90s, maxBackoff: 2h", "", "a step that ran 2h is never retried"),
        ("count: 3, backoff: 90s", "", ""),
        ("count: 0, maxBackoff: 2h", "", ""),
        ("count: 2, backoff: 1m, factor: 1, maxBackoff: 1h", ", timeoutSeconds: 600", ""),
        ("count: 2, maxBackoff: 10m", ", timeoutSeconds: 600", "only 1 of 2 retries begins"),
        ("count: 2, backoff: 1s, maxBackoff: 10m", ", timeoutSeconds: 600", "none of 2 retries begins"),
        ("count: 2", ", timeoutSeconds: 7200", "KFP's default maxBackoff of 1h counts"),
        ("count: 5, backoff: 10m", "", "by the waits alone, only 2 of 5 retries begins"),
    ],
)
def test_retries_that_max_backoff_voids_are_warned_of(retry: str, more: str, what: str) -> None:
    assert refusals(_retry(retry, more)) == []
    assert [what in one for one in warnings(_retry(retry, more))] == ([True] if what else [])


def test_a_factor_that_argo_cannot_read_is_refused() -> None:
    (found,) = refusals(_retry("count: 3, backoff: 1m, factor: 1.5"))
    assert "Argo takes no factor of 1.5" in found
    assert refusals(_retry("count: 3, backoff: 1m, factor: 2.0")) == []


def test_a_loop_over_artifacts_is_refused_at_its_items() -> None:
    body = "spec:\n  tasks:\n    s: {component: split, arguments: {parts: 2}}\n    l:\n      loop: {items: {task: s, output: pieces}}\n"
    body += "      tasks: {t: {component: train, arguments: {data: {item: l}}}}\n"
    (found,) = refusals(body)
    assert found.startswith("5:21: no KFP can loop over artifacts yet")
