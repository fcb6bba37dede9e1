"""What runs and what each task receives, construct by construct, of manifests compiled as they are for KFP.

Each row is worked out by hand from KFP's semantics (DSL documentation; driver/resolve.go and argocompiler/dag.go for
types and dependencies). A task that is not named in a row did not start.
"""
# ruff: noqa: E501 - a node of a manifest stays on one line

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import semantics_components
import yaml
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.devserver import argonodes, taskdetails
from kfp_gitops.kfpserver.runtree import Record, View, of_events, of_records
from kfp_gitops.kfpserver.runtree.events import last
from kfp_gitops.local.localrun import TaskEvent, execute
from kfp_gitops.local.localrun.events import as_json
from kfp_gitops.rendering.rendered import RenderedPipeline
from localrun_kit import context

_TIME = "2026-01-01T00:00:00Z"
_HEAD = {"apiVersion": "kfp-gitops/v1", "kind": "PipelineManifest"}


@dataclass(frozen=True)
class Case:
    """A `spec`, the parameters of the run, and for each task that starts what it receives."""

    name: str
    spec: str
    received: dict[str, Any]
    parameters: dict[str, Any] = field(default_factory=dict)
    state: str = "SUCCEEDED"
    outputs: dict[str, Any] = field(default_factory=dict)
    inner: dict[str, str] = field(default_factory=dict)


def _said(text: str, number: int = 0) -> dict[str, Any]:
    return {"text": text, "number": number}


_COMPARISONS = """
parameters: {n: {type: int}, r: {type: float}, s: {type: str}, b: {type: bool}}
tasks:
  eq-int: {if: {eq: [{param: n}, 3]}, tasks: {is-3: {component: say}}}
  ne-text: {if: {ne: [{param: s}, "a b"]}, tasks: {is-not-a-b: {component: say}}}
  lt-mixed: {if: {lt: [{param: r}, 3]}, tasks: {real-below-3: {component: say}}}
  le-mixed: {if: {le: [{param: n}, 2.5]}, tasks: {at-most-2-5: {component: say}}}
  gt-params: {if: {gt: [{param: n}, {param: r}]}, tasks: {int-above-real: {component: say}}}
  ge-mirrored: {if: {ge: [3, {param: n}]}, tasks: {at-most-3: {component: say}}}
  is-true: {if: {eq: [{param: b}, true]}, tasks: {true-it-is: {component: say}}}
"""
_BRANCHES = """
parameters: {n: {type: int}}
tasks:
  first: {component: say, arguments: {text: abc, number: {param: n}}}
  which:
    if: {gt: [{task: first, output: length}, {param: n}]}
    tasks: {longer: {component: say, arguments: {text: longer}}}
    elif:
    - {if: {eq: [{task: first, output: length}, {param: n}]}, tasks: {same: {component: say, arguments: {text: same}}}}
    else: {tasks: {shorter: {component: say, arguments: {text: shorter}}}}
  last:
    component: say
    arguments: {text: {oneOf: [{task: longer, output: said}, {task: same, output: said}, {task: shorter, output: said}]}}
"""


def _branch(taken: str, n: int) -> Case:
    received = {"first": _said("abc", n), taken: _said(taken), "last": _said(taken)}
    return Case(f"if, elif, else and one of parameters: {taken}", _BRANCHES, received, {"n": n})


CASES = [
    Case(
        "types of parameters, defaults and optional ones",
        """
parameters:
  real: {type: float, default: 2}
  flag: {type: bool, default: true}
  items: {type: list, default: [1, two, 2.5, {three: 3}]}
  fields: {type: dict, default: {a: 1, b: [true]}}
  none: {type: str, optional: true}
tasks:
  take: {component: take, arguments: {real: {param: real}, flag: {param: flag}, items: {param: items}, fields: {param: fields}}}
  maybe: {component: maybe, arguments: {text: {param: none}}}
  nothing: {component: maybe}
  default: {component: say}
""",
        {
            "take": {
                "real": 2,
                "flag": False,
                "items": [1, "two", 2.5, {"three": 3}],
                "fields": {"a": 1, "b": [True]},
            },
            "maybe": {"text": None, "data": None},
            "nothing": {"text": None, "data": None},
            "default": _said("unsaid"),
        },
        {"flag": False},
    ),
    Case(
        "outputs, lists and maps of references, texts of parts",
        """
parameters: {n: {type: int, default: 7}}
tasks:
  one: {component: say, arguments: {text: "it's \\"one\\""}}
  two: {component: say, arguments: {text: {concat: [{task: one, output: said}, /, {param: n}]}, number: {task: one, output: length}}}
  many:
    component: take
    arguments:
      items: [{param: n}, {task: one, output: said}, plain]
      fields: {n: {param: n}, deep: {said: [{task: one, output: said}]}}
""",
        {
            "one": _said('it\'s "one"'),
            "two": _said('it\'s "one"/7', 10),
            "many": {
                "real": 0.5,
                "flag": False,
                "items": ["7", 'it\'s "one"', "plain"],
                "fields": {"n": "7", "deep": {"said": ['it\'s "one"']}},
            },
        },
    ),
    Case(
        "six comparisons: below",
        _COMPARISONS,
        {
            name: _said("unsaid")
            for name in ("is-not-a-b", "real-below-3", "at-most-2-5", "int-above-real", "at-most-3")
        },
        {"n": 2, "r": 1.5, "s": "it's", "b": False},
    ),
    Case(
        "six comparisons: at the bounds",
        _COMPARISONS,
        {name: _said("unsaid") for name in ("is-3", "at-most-3", "true-it-is")},
        {"n": 3, "r": 3.0, "s": "a b", "b": True},
    ),
    _branch("longer", 2),
    _branch("same", 3),
    _branch("shorter", 4),
    Case(
        "condition on a text that no expression could hold",
        """
parameters: {s: {type: str}}
tasks:
  made: {component: say, arguments: {text: {param: s}}}
  plain: {if: {eq: [{task: made, output: said}, plain]}, tasks: {is-plain: {component: say}}}
  other: {if: {ne: [{task: made, output: said}, plain]}, tasks: {is-other: {component: say, arguments: {text: {task: made, output: said}}}}}
""",
        {"made": _said("' || true == 'x"), "is-other": _said("' || true == 'x")},
        {"s": "' || true == 'x"},
    ),
    Case(
        "nested conditions",
        """
parameters: {n: {type: int, default: 5}}
tasks:
  positive:
    if: {gt: [{param: n}, 0]}
    tasks:
      large:
        if: {gt: [{param: n}, 10]}
        tasks: {is-large: {component: say}}
        else: {tasks: {is-small: {component: say, arguments: {number: {param: n}}}}}
""",
        {"is-small": _said("unsaid", 5)},
    ),
    Case(
        "one of artifacts",
        """
parameters: {big: {type: bool, default: false}}
tasks:
  which:
    if: {eq: [{param: big}, true]}
    tasks: {save-big: {component: save, arguments: {text: big}}}
    else: {tasks: {save-small: {component: save, arguments: {text: small}}}}
  read: {component: read, arguments: {data: {oneOf: [{task: save-big, output: data}, {task: save-small, output: data}]}}}
""",
        {"save-small": {"text": "small"}, "read": {"data": "small"}},
    ),
    Case(
        "loop over constants",
        """
tasks:
  each: {loop: {items: [b, a]}, tasks: {say: {component: say, arguments: {text: {item: each}}}}}
  each-number: {loop: {items: [2, 1]}, tasks: {count: {component: say, arguments: {number: {item: each-number}}}}}
""",
        {
            "each #0 / say": _said("b"),
            "each #1 / say": _said("a"),
            "each-number #0 / count": _said("unsaid", 2),
            "each-number #1 / count": _said("unsaid", 1),
        },
    ),
    Case(
        "loop over maps, their fields, and a condition on a field",
        """
tasks:
  each:
    loop: {items: [{word: a, n: 1}, {word: b, n: 2}]}
    tasks:
      say: {component: say, arguments: {text: {item: each, field: word}, number: {item: each, field: n}}}
      second: {if: {eq: [{item: each, field: word}, b]}, tasks: {is-b: {component: say, arguments: {text: {item: each, field: word}}}}}
""",
        {
            "each #0 / say": _said("a", 1),
            "each #1 / say": _said("b", 2),
            "each #1 / is-b": _said("b"),
        },
    ),
    Case(
        "loop over a parameter and over an output, one at a time",
        """
parameters: {words: {type: list, default: [x]}}
tasks:
  made: {component: take, arguments: {items: [p, q]}}
  each-word: {loop: {items: {param: words}, parallelism: 1}, tasks: {say: {component: say, arguments: {text: {item: each-word}}}}}
  each-made: {loop: {items: {task: made, output: items}, parallelism: 1}, tasks: {again: {component: say, arguments: {text: {item: each-made}}}}}
""",
        {
            "made": {"real": 0.5, "flag": False, "items": ["p", "q"], "fields": {}},
            "each-word #0 / say": _said("y"),
            "each-word #1 / say": _said("z"),
            "each-made #0 / again": _said("p"),
            "each-made #1 / again": _said("q"),
        },
        {"words": ["y", "z"]},
    ),
    Case(
        "loop over an empty list, and collecting nothing",
        """
parameters: {words: {type: list, default: []}}
tasks:
  each: {loop: {items: {param: words}}, tasks: {say: {component: say, arguments: {text: {item: each}}}}}
  all: {component: take, arguments: {items: {collect: {task: say, output: said}}}}
""",
        {"all": {"real": 0.5, "flag": False, "items": [], "fields": {}}},
    ),
    Case(
        "nested loops, and collecting into one list",
        """
tasks:
  outer:
    loop: {items: [a, b]}
    tasks:
      inner:
        loop: {items: [1, 2]}
        tasks: {say: {component: say, arguments: {text: {item: outer}, number: {item: inner}}}}
  all: {component: take, arguments: {items: {collect: {task: say, output: said}}}}
""",
        {
            "outer #0 / inner #0 / say": _said("a", 1),
            "outer #0 / inner #1 / say": _said("a", 2),
            "outer #1 / inner #0 / say": _said("b", 1),
            "outer #1 / inner #1 / say": _said("b", 2),
            "all": {"real": 0.5, "flag": False, "items": ["a", "a", "b", "b"], "fields": {}},
        },
    ),
    Case(
        "collecting artifacts",
        """
tasks:
  each: {loop: {items: [b, a]}, tasks: {save: {component: save, arguments: {text: {item: each}}}}}
  all: {component: read_all, arguments: {data: {collect: {task: save, output: data}}}}
""",
        {"each #0 / save": {"text": "b"}, "each #1 / save": {"text": "a"}, "all": {"data": ["b", "a"]}},
    ),
    Case(
        "exit task after success",
        """
tasks:
  all:
    finally: {tell: {component: report, arguments: {text: team}}}
    tasks: {say: {component: say}}
""",
        {"say": _said("unsaid"), "tell": {"state": "SUCCEEDED", "text": "team"}},
    ),
    Case(
        "exit task after a failure",
        """
tasks:
  all:
    finally: {tell: {component: report}}
    tasks:
      fail: {component: fail}
      after: {component: say, arguments: {text: {task: fail, output: Output}}}
  beyond: {component: say, after: [all]}
""",
        {"fail": {"text": "broken"}, "tell": {"state": "FAILED", "text": ""}},
        state="FAILED",
    ),
    Case(
        "ignoring that what is before failed",
        """
tasks:
  fail: {component: fail}
  anyway: {component: maybe, arguments: {text: {task: fail, output: Output}}, ignoreUpstreamFailure: true}
  not: {component: say, arguments: {text: {task: fail, output: Output}}}
  apart: {component: say}
""",
        {"fail": {"text": "broken"}, "anyway": {"text": None, "data": None}, "apart": _said("unsaid")},
        state="FAILED",
    ),
    Case(
        "pipelines in pipelines, in a loop, with artifacts and optional inputs",
        """
tasks:
  each:
    loop: {items: [a, b]}
    tasks:
      part: {pipeline: part, arguments: {word: {item: each}}}
      read: {component: read, arguments: {data: {task: part, output: data}}}
  whole: {pipeline: part, arguments: {word: c, note: given}}
  last: {component: say, arguments: {text: {task: whole, output: last}}}
""",
        {
            "each #0 / save": {"text": "a"},
            "each #1 / save": {"text": "b"},
            "each #0 / note": {"text": None, "data": "a"},
            "each #1 / note": {"text": None, "data": "b"},
            "each #0 / read": {"data": "a"},
            "each #1 / read": {"data": "b"},
            "save": {"text": "c"},
            "note": {"text": "given", "data": "c"},
            "last": _said("c"),
        },
        inner={
            "part": """
parameters: {word: {type: str}, note: {type: str, optional: true}}
tasks:
  save: {component: save, arguments: {text: {param: word}}}
  note: {component: maybe, arguments: {text: {param: note}, data: {task: save, output: data}}}
outputs:
  data: {task: save, output: data}
  last: {task: save, output: Output}
"""
        },
    ),
    Case(
        "outputs of the pipeline",
        """
tasks:
  each: {loop: {items: [a, b]}, tasks: {say: {component: say, arguments: {text: {item: each}}}}}
  one: {component: say, arguments: {number: 5}}
outputs:
  all: {collect: {task: say, output: said}}
  length: {task: one, output: length}
""",
        {"each #0 / say": _said("a"), "each #1 / say": _said("b"), "one": _said("unsaid", 5)},
        outputs={"all": ["a", "b"], "length": 6},
    ),
    Case(
        "facts of the run, environment variables, and settings that only a cluster has",
        """
workspace: {size: 1Gi, pvcSpecPatch: {accessModes: [ReadWriteOnce]}}
config: {deadlineSeconds: 60}
tasks:
  name: {component: say, arguments: {text: {run: name}}}
  created: {component: say, arguments: {text: {run: create-time}}}
  scheduled: {component: say, arguments: {text: {run: schedule-time}}}
  id: {component: say, arguments: {text: {run: id}}}
  env:
    component: variables
    arguments: {names: [LEVEL, MISSING]}
    env: {LEVEL: debug}
    retry: {count: 2, backoff: 1s}
    cache: false
    resources: {cpu: {request: 250m, limit: '1'}, memory: {request: 512Mi, limit: 1Gi}}
""",
        {
            "name": _said("My run"),
            "created": _said("2026-01-02T03:04:05Z"),
            "scheduled": _said("2026-01-02T03:00:00Z"),
            "id": _said("run-1"),
            "env": {"LEVEL": "debug", "MISSING": None},
        },
    ),
    Case(
        "explicit order, and an importer of a file given as a parameter",
        """
parameters: {uri: {type: str}}
tasks:
  data: {importer: {uri: {param: uri}, type: Dataset}}
  read: {component: read, arguments: {data: {task: data, output: artifact}}}
  later: {component: say, after: [read]}
""",
        {"read": {"data": "on disk"}, "later": _said("unsaid")},
        {"uri": "FILE"},
    ),
]


@pytest.fixture(scope="module")
def specs() -> dict[str, str]:
    return semantics_components.specs()


def _manifest(name: str, spec: str) -> str:
    metadata = {"name": name, "description": "d", "owner": "o"}
    return yaml.safe_dump({**_HEAD, "metadata": metadata, "spec": yaml.safe_load(spec)}, sort_keys=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_ran_and_what_each_task_received(case: Case, specs: dict[str, str], tmp_path: Path) -> None:
    inner = {name: _manifest(name, spec) for name, spec in case.inner.items()}
    rendered = RenderedPipeline("case", "sha256:0", _manifest("case", case.spec), specs, inner=inner)
    documents = ir.documents(compile_pipeline(rendered, "m").text)
    parameters = dict(case.parameters)
    if parameters.get("uri") == "FILE":
        (tmp_path / "file").write_text("on disk")
        parameters["uri"] = str(tmp_path / "file")
    events: list[TaskEvent] = []

    def take(event: Any) -> None:
        if isinstance(event, TaskEvent):
            events.append(event)

    outcome = execute(documents, parameters, context(tmp_path), take)
    logs = {
        _label(event, events): tmp_path / "run" / event.log
        for event in events
        if event.kind == "task" and event.state == "RUNNING"
    }
    assert {name: _received(path.read_text()) for name, path in logs.items()} == case.received
    assert outcome.state == case.state
    assert outcome.parameters == case.outputs
    assert _here(documents[0], events) == _on_a_server(documents[0], events, case.state)


def _label(event: TaskEvent, events: Sequence[TaskEvent]) -> str:
    """A task's display name, after those of the iterations around it."""
    by_id = {one.task_id: one for one in events}
    parts, around = [event.display_name], by_id.get(event.parent_task_id or "")
    while around is not None:
        parts += [around.display_name] if around.kind == "iteration" else []
        around = by_id.get(around.parent_task_id or "")
    return " / ".join(reversed(parts))


def _here(spec: Mapping[str, Any], events: Sequence[TaskEvent]) -> list[Any]:
    """How `run.py --local` shows the run."""
    told = last(as_json(event, _TIME) for event in events)
    return _plain(of_events(spec, {}, told, "SUCCEEDED"))


def _on_a_server(spec: Mapping[str, Any], events: Sequence[TaskEvent], state: str) -> list[Any]:
    """How a run of the development server is shown, whose details are Argo's nodes."""
    tasks = taskdetails.folded(as_json(event, _TIME) for event in events)
    nodes = argonodes.Workflow("case-abcde", spec, tasks).make(argonodes.Span(state, _TIME, _TIME))
    moment = datetime.fromisoformat(_TIME)
    ids = {node.name: argonodes.node_id("case-abcde", node.name) for node in nodes}
    records = [
        Record(node.display, node.state, moment, moment, tuple(ids[child] for child in node.children))
        for node in nodes
    ]
    return _plain(of_records(spec, {}, records, state))


def _plain(views: Sequence[View]) -> list[Any]:
    return [(view.id, view.state, view.done, view.total, view.retries, _plain(view.inside)) for view in views]


def _received(log: str) -> Any:
    (line,) = [line for line in log.splitlines() if line.startswith("RECEIVED ")]
    return json.loads(line.removeprefix("RECEIVED "))


def test_what_waits_for_a_skipped_condition_does_not_run_and_nothing_fails(
    specs: dict[str, str], tmp_path: Path
) -> None:
    """No DSL writes such a dependency, but IR may hold it: `depends: condition-1.Succeeded` in Argo."""
    spec = """
parameters: {go: {type: bool, default: false}}
tasks:
  maybe: {if: {eq: [{param: go}, true]}, tasks: {inside: {component: say}}}
  after: {component: say}
  anyway: {component: say, arguments: {text: x}}
"""
    rendered = RenderedPipeline("case", "sha256:0", _manifest("case", spec), specs)
    documents = ir.documents(compile_pipeline(rendered, "m").text)
    tasks = documents[0]["root"]["dag"]["tasks"]
    tasks["say-2"]["dependentTasks"] = ["condition-1"]
    tasks["say-3"] |= {
        "dependentTasks": ["say-2"],
        "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
    }
    last: dict[str, str] = {}

    def take(event: Any) -> None:
        if isinstance(event, TaskEvent):
            last[event.task_id] = event.state

    assert execute(documents, {}, context(tmp_path), take).state == "SUCCEEDED"
    assert last == {"condition-1": "SKIPPED", "say-2": "SKIPPED", "say-3": "SUCCEEDED"}
