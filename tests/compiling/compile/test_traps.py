"""One test for each trap of the kfp SDK's compiler: it is refused with its place and a remedy, or worked around.

What the SDK itself does there is shown beside the workarounds, so that they go when it gets better.
"""

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.language.manifest import reader
from language import HEAD, refusals

REFUSED = {
    "an unescaped text in a condition": (
        "spec:\n  parameters: {s: {type: str, default: a}}\n  tasks:\n    g:\n      if: {eq: [{param: s}, it's]}\n"
        "      tasks: {t: {component: say, arguments: {text: x}}}\n",
        '5:29: "it\'s" cannot be compared; use a number, true, false, or a text without quotes and backslashes'
        " (KFP does not escape them)",
    ),
    "operands of different types": (
        "spec:\n  parameters: {s: {type: str, default: a}}\n  tasks:\n    g:\n      if: {gt: [{param: s}, 3]}\n"
        "      tasks: {t: {component: say, arguments: {text: x}}}\n",
        "5:16: a str is compared with 3; compare values of the same type; quote a number that stands for a text",
    ),
    "a number compared with true, which the SDK turns round": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n    g:\n      if: {eq: [{param: n}, true]}\n"
        "      tasks: {t: {component: say, arguments: {text: x}}}\n",
        "5:16: an int is compared with True; compare values of the same type; quote a number that stands for a text",
    ),
    "a list in a condition": (
        "spec:\n  parameters: {n: {type: list, default: []}}\n  tasks:\n    g:\n      if: {eq: [{param: n}, a]}\n"
        "      tasks: {t: {component: say, arguments: {text: x}}}\n",
        "5:17: a list cannot be compared; compare a number, a text, true or false",
    ),
    "the order of items that are compared as texts": (
        "spec:\n  parameters: {l: {type: list, default: [1]}}\n  tasks:\n    g:\n      loop: {items: {param: l}}\n"
        "      tasks:\n        c:\n          if: {gt: [{item: g}, 9]}\n"
        "          tasks: {t: {component: say, arguments: {text: x}}}\n",
        "8:20: items of this list are compared as texts, so 10 comes before 9; say in the loop what they are"
        " (`itemType`, `fieldType`), or use eq or ne",
    ),
    "a float among items that are compared as texts": (
        "spec:\n  parameters: {l: {type: list, default: [1]}}\n  tasks:\n    g:\n      loop: {items: {param: l}}\n"
        "      tasks:\n        c:\n          if: {eq: [{item: g}, 1.0]}\n"
        "          tasks: {t: {component: say, arguments: {text: x}}}\n",
        "8:20: items of this list are compared as texts, and a float has more than one; say in the loop what they"
        " are (`itemType`, `fieldType`), or compare it in a task",
    ),
    "a text compared with items that are numbers": (
        "spec:\n  parameters: {l: {type: list, default: [1]}}\n  tasks:\n    g:\n"
        "      loop: {items: {param: l}, itemType: int}\n      tasks:\n        c:\n"
        "          if: {eq: [{item: g}, '9']}\n          tasks: {t: {component: say, arguments: {text: x}}}\n",
        "8:20: an int is compared with '9'; compare values of the same type; quote a number that stands for a text",
    ),
    "types of items that stand there": (
        "spec:\n  tasks:\n    g:\n      loop: {items: [1, 2], itemType: int}\n"
        "      tasks: {t: {component: say, arguments: {text: x}}}\n",
        "4:29: itemType of items that stand here, whose types KFP sees; drop it",
    ),
    "types of fields of what has none": (
        "spec:\n  parameters: {l: {type: list, default: [1]}}\n  tasks:\n    g:\n"
        "      loop: {items: {param: l}, fieldType: int}\n"
        "      tasks: {t: {component: say, arguments: {text: x}}}\n",
        "5:33: fieldType of items that are no maps; add `itemType: dict`",
    ),
    "a field of a number": (
        "spec:\n  parameters: {l: {type: list, default: [1]}}\n  tasks:\n    g:\n"
        "      loop: {items: {param: l}, itemType: int}\n"
        "      tasks: {t: {component: say, arguments: {text: {item: g, field: a}}}}\n",
        "6:53: an item of 'g' is an int, which has no fields; leave `field` out, or correct `itemType` of the loop",
    ),
    "an item compared with a number that is no constant": (
        "spec:\n  parameters: {l: {type: list, default: [1]}, n: {type: int, default: 1}}\n  tasks:\n    g:\n"
        "      loop: {items: {param: l}}\n      tasks:\n        c:\n          if: {eq: [{item: g}, {param: n}]}\n"
        "          tasks: {t: {component: say, arguments: {text: x}}}\n",
        "8:20: an item that KFP takes for a text is compared with an int; compare it in a task",
    ),
    "the order of true and false": (
        "spec:\n  parameters: {b: {type: bool, default: true}}\n  tasks:\n    g:\n      if: {lt: [{param: b}, true]}\n"
        "      tasks: {t: {component: say, arguments: {text: x}}}\n",
        "5:16: true and false have no order; use eq or ne",
    ),
    "a condition of constants": (
        "spec:\n  tasks:\n    g:\n      if: {eq: [1, 1]}\n      tasks: {t: {component: say, arguments: {text: x}}}\n",
        "4:16: both operands are constants; compare a parameter or an output",
    ),
    "two comparisons in one condition": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n    g:\n"
        "      if: {eq: [{param: n}, 1], ne: [{param: n}, 2]}\n"
        "      tasks: {t: {component: say, arguments: {text: x}}}\n",
        "5:11: spec.tasks.g.if is too large; write at most 1 key (one comparison of two operands), such as "
        '{"eq": [{"task": "check", "output": "passed"}, true]}',
    ),
    "oneOf in a condition": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n    g:\n      if: {eq: [{param: n}, 1]}\n"
        "      tasks: {a: {component: say, arguments: {text: x}}}\n"
        "      else: {tasks: {b: {component: say, arguments: {text: x}}}}\n    h:\n"
        "      if: {eq: [{oneOf: [{task: a, output: said}, {task: b, output: said}]}, x]}\n"
        "      tasks: {c: {component: say, arguments: {text: x}}}\n",
        "9:17: KFP cannot compare this; hand {oneOf: …} to a task, and compare its output",
    ),
    "oneOf without else": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n    g:\n      if: {eq: [{param: n}, 1]}\n"
        "      tasks: {a: {component: say, arguments: {text: x}}}\n"
        "      elif: [{if: {eq: [{param: n}, 2]}, tasks: {b: {component: say, arguments: {text: x}}}}]\n"
        "    c: {component: say, arguments: {text: {oneOf: [{task: a, output: said}, {task: b, output: said}]}}}\n",
        "8:43: 'g' has no `else`, so maybe no branch is taken; add an `else` with a task",
    ),
    "oneOf that leaves a branch out": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n    g:\n      if: {eq: [{param: n}, 1]}\n"
        "      tasks: {a: {component: say, arguments: {text: x}}}\n"
        "      elif: [{if: {eq: [{param: n}, 2]}, tasks: {b: {component: say, arguments: {text: x}}}}]\n"
        "      else: {tasks: {d: {component: say, arguments: {text: x}}}}\n"
        "    c: {component: say, arguments: {text: {oneOf: [{task: a, output: said}, {task: d, output: said}]}}}\n",
        "9:43: oneOf names 2 of the 3 branches of 'g'; name exactly one output for each branch",
    ),
    "oneOf of different types": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n    g:\n      if: {eq: [{param: n}, 1]}\n"
        "      tasks: {a: {component: say, arguments: {text: x}}}\n"
        "      else: {tasks: {b: {component: add, arguments: {a: 1}}}}\n"
        "    c: {component: say, arguments: {text: {oneOf: [{task: a, output: said}, {task: b, output: sum}]}}}\n",
        "8:43: 'b' gives an int, 'a' a str; oneOf takes outputs of the same type",
    ),
    "a task that comes after one inside an if": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n    g:\n      if: {eq: [{param: n}, 1]}\n"
        "      tasks: {a: {component: say, arguments: {text: x}}}\n"
        "    b: {component: say, arguments: {text: x}, after: [a]}\n",
        "7:55: task 'a' runs in a group that this is not in; move this into the same group",
    ),
    "a task that comes after a group": (
        "spec:\n  tasks:\n    g:\n      loop: {items: [a]}\n"
        "      tasks: {a: {component: say, arguments: {text: x}}}\n"
        "    b: {component: say, arguments: {text: x}, after: [g]}\n",
        "6:55: 'g' is a group; KFP waits for tasks: choose one of: a, b",
    ),
    "an output that leaves its loop": (
        "spec:\n  tasks:\n    g:\n      loop: {items: [a]}\n"
        "      tasks: {a: {component: say, arguments: {text: x}}}\n"
        "    b: {component: say, arguments: {text: {task: a, output: said}}}\n",
        "6:43: task 'a' runs in a group that this is not in; use {collect: …} for a loop",
    ),
    "a collected loop inside an if": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n    c:\n      if: {eq: [{param: n}, 1]}\n"
        "      tasks:\n        g: {loop: {items: [a]}, tasks: {a: {component: say, arguments: {text: x}}}}\n"
        "    b: {component: join, arguments: {texts: {collect: {task: a, output: said}}}}\n",
        "8:45: the loop around 'a' is in a group that this is not in; move this into the same group",
    ),
    "collect inside a list": (
        "spec:\n  tasks:\n    g: {loop: {items: [a]}, tasks: {a: {component: say, arguments: {text: x}}}}\n"
        "    b: {component: join, arguments: {texts: [{collect: {task: a, output: said}}]}}\n",
        "4:45: collect and oneOf cannot stand inside a list, map or text; give it as an argument",
    ),
    "an exit handler inside a group": (
        "spec:\n  tasks:\n    g:\n      loop: {items: [a]}\n      tasks:\n        h:\n"
        "          finally: {e: {component: say, arguments: {text: x}}}\n"
        "          tasks: {t: {component: say, arguments: {text: x}}}\n",
        "6:9: `finally` inside a group; put it at the top: KFP allows it only there",
    ),
    "an exit task that depends on another": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: x}}\n    h:\n"
        "      finally: {e: {component: say, arguments: {text: {task: a, output: said}}}}\n"
        "      tasks: {t: {component: say, arguments: {text: x}}}\n",
        "5:20: exit task 'e' depends on another task; it may take parameters only",
    ),
    "an output of the pipeline from inside an exit handler": (
        "spec:\n  tasks:\n    h:\n      finally: {e: {component: say, arguments: {text: x}}}\n"
        "      tasks: {t: {component: say, arguments: {text: x}}}\n  outputs: {o: {task: t, output: said}}\n",
        "6:16: task 't' runs in a group that this is not in; move this into the same group",
    ),
    "an output of an exit task": (
        "spec:\n  tasks:\n    h:\n      finally: {e: {component: say, arguments: {text: x}}}\n"
        "      tasks: {t: {component: say, arguments: {text: x}}}\n"
        "    b: {component: say, arguments: {text: {task: e, output: said}}}\n",
        "6:43: task 'e' runs at the very end; nothing can take its outputs",
    ),
    "a final status where there is no exit task": (
        "spec:\n  tasks:\n    t: {component: report, arguments: {text: x}}\n",
        "3:5: component 'report' takes the final status 'status', but 't' is no exit task; put it into `finally`, or"
        " set `ignoreUpstreamFailure: true`",
    ),
    "tasks in a circle": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: x}, after: [b]}\n"
        "    b: {component: say, arguments: {text: x}, after: [a]}\n",
        "3:5: tasks wait for each other: a → b; break the circle",
    ),
    "a task that waits for itself": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: x}, after: [a]}\n",
        "3:5: tasks wait for each other: a; break the circle",
    ),
    "ignoring a failure whose output is needed": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: x}}\n"
        "    b: {component: say, arguments: {text: {task: a, output: said}}, ignoreUpstreamFailure: true}\n",
        "4:43: 'text' takes an output that is missing when the task before failed; give the component's input a"
        " default, or drop `ignoreUpstreamFailure`",
    ),
}


@pytest.mark.parametrize("trap", REFUSED)
def test_is_refused_with_its_place_and_a_remedy(trap: str) -> None:
    body, message = REFUSED[trap]
    assert refusals(body) == [message]


def test_a_name_that_the_sdk_would_change_is_refused() -> None:
    for name in ("Churn-Train", "churn_train", "a.b", "a" * 64):
        text = HEAD.replace("name: p,", f"name: {name},") + "spec: {tasks: {a: {component: say}}}\n"
        with pytest.raises(InputError, match="the pipeline's name in KFP: 1 to 63 of a-z 0-9 -"):
            reader.read(text, "m.yaml")
