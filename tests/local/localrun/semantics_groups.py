"""Rows of the table in test_localrun_semantics.py: what is collected, exit tasks, pipelines in pipelines, facts of the run."""
# ruff: noqa: E501 - a node of a manifest stays on one line

from __future__ import annotations

from semantics_values import Case, said

CASES = [
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
            "outer #0 / inner #0 / say": said("a", 1),
            "outer #0 / inner #1 / say": said("a", 2),
            "outer #1 / inner #0 / say": said("b", 1),
            "outer #1 / inner #1 / say": said("b", 2),
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
        {"say": said("unsaid"), "tell": {"state": "SUCCEEDED", "text": "team"}},
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
        {"fail": {"text": "broken"}, "anyway": {"text": None, "data": None}, "apart": said("unsaid")},
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
            "last": said("c"),
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
        {"each #0 / say": said("a"), "each #1 / say": said("b"), "one": said("unsaid", 5)},
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
            "name": said("My run"),
            "created": said("2026-01-02T03:04:05Z"),
            "scheduled": said("2026-01-02T03:00:00Z"),
            "id": said("run-1"),
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
        {"read": {"data": "on disk"}, "later": said("unsaid")},
        {"uri": "FILE"},
    ),
]
