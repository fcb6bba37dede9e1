"""Rows of the table in test_localrun_semantics.py: values, conditions and loops."""
# ruff: noqa: E501 - a node of a manifest stays on one line

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


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


def said(text: str, number: int = 0) -> dict[str, Any]:
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
    received = {"first": said("abc", n), taken: said(taken), "last": said(taken)}
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
            "default": said("unsaid"),
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
            "one": said('it\'s "one"'),
            "two": said('it\'s "one"/7', 10),
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
            name: said("unsaid")
            for name in ("is-not-a-b", "real-below-3", "at-most-2-5", "int-above-real", "at-most-3")
        },
        {"n": 2, "r": 1.5, "s": "it's", "b": False},
    ),
    Case(
        "six comparisons: at the bounds",
        _COMPARISONS,
        {name: said("unsaid") for name in ("is-3", "at-most-3", "true-it-is")},
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
        {"made": said("' || true == 'x"), "is-other": said("' || true == 'x")},
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
        {"is-small": said("unsaid", 5)},
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
            "each #0 / say": said("b"),
            "each #1 / say": said("a"),
            "each-number #0 / count": said("unsaid", 2),
            "each-number #1 / count": said("unsaid", 1),
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
            "each #0 / say": said("a", 1),
            "each #1 / say": said("b", 2),
            "each #1 / is-b": said("b"),
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
            "each-word #0 / say": said("y"),
            "each-word #1 / say": said("z"),
            "each-made #0 / again": said("p"),
            "each-made #1 / again": said("q"),
        },
        {"words": ["y", "z"]},
    ),
]
