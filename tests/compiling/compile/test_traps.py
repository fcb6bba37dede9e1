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
        "8:20: items of this list are compared as texts, so 10 comes before 9; use eq or ne, or hand the item to a"
        " task that compares it",
    ),
    "a float among items that are compared as texts": (
        "spec:\n  parameters: {l: {type: list, default: [1]}}\n  tasks:\n    g:\n      loop: {items: {param: l}}\n"
        "      tasks:\n        c:\n          if: {eq: [{item: g}, 1.0]}\n"
        "          tasks: {t: {component: say, arguments: {text: x}}}\n",
        "8:20: items of this list are compared as texts, and a float has more than one; compare it in a task",
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
        "5:11: spec.tasks.g.if: {'eq': [{'param': 'n'}, 1], 'ne': [{'param': 'n'}, 2]} has too many properties;"
        " one comparison of two operands",
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
    "a number as environment variable": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: x}, env: {A: 3}}\n",
        "3:56: spec.tasks.a.env.A is 3, not a text; write it in quotes: '3'",
    ),
    "a number as cpu": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: x}, resources: {cpu: {limit: 2}}}\n",
        "3:72: spec.tasks.a.resources.cpu.limit is 2, not a text; write it in quotes: '2'",
    ),
    "memory in a format that KFP does not read": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: x}, resources: {memory: {limit: 1.5Gi}}}\n",
        '3:75: spec.tasks.a.resources.memory.limit is "1.5Gi"; a whole number with a unit, such as 512Mi or 2Gi',
    ),
    "a back-off without unit": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: x}, retry: {count: 1, backoff: '30'}}\n",
        '3:74: spec.tasks.a.retry.backoff is "30"; first wait, such as 30s or 5m',
    ),
    "a negative number of retries": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: x}, retry: {count: -1}}\n",
        "3:62: spec.tasks.a.retry.count is -1; minimum is 0",
    ),
    "a loop over nothing": (
        "spec:\n  tasks:\n    g: {loop: {items: []}, tasks: {a: {component: say, arguments: {text: x}}}}\n",
        "3:23: the list is empty; give at least one item: KFP refuses an empty list",
    ),
    "an empty branch": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n    g: {if: {eq: [{param: n}, 1]}, tasks: {}}\n",
        "4:43: spec.tasks.g.tasks: {} should be non-empty; tasks and groups of tasks by id; they run as soon as what"
        " they refer to is there",
    ),
    "items of mixed types": (
        "spec:\n  tasks:\n    g: {loop: {items: [1, a]}, tasks: {a: {component: say, arguments: {text: x}}}}\n",
        "3:27: 'a' is of another type; KFP takes the first one's type for all: write an int",
    ),
    "a loop over an item that KFP takes for a text": (
        "spec:\n  parameters: {l: {type: list, default: [[a]]}}\n  tasks:\n    g:\n      loop: {items: {param: l}}\n"
        "      tasks:\n        h:\n          loop: {items: {item: g}}\n"
        "          tasks: {t: {component: say, arguments: {text: {item: h}}}}\n",
        "8:25: KFP cannot loop over this item; make the outer list one of maps, and name the field that holds the inner"
        " list",
    ),
    "the list of a loop in a group inside that loop": (
        "spec:\n  parameters: {l: {type: list, default: [a]}, s: {type: str, default: a}}\n  tasks:\n    g:\n"
        "      loop: {items: {param: l}}\n      tasks:\n        c:\n          if: {eq: [{param: s}, a]}\n"
        "          tasks: {t: {component: take, arguments: {items: {param: l}}}}\n",
        "9:59: the list of 'g' is used in a group inside that loop; give it to a task before the loop that passes it on",
    ),
    "a list of artifacts that is collected into a group": (
        "spec:\n  parameters: {s: {type: str, default: a}}\n  tasks:\n    l: {component: load}\n"
        "    g: {loop: {items: [a]}, tasks: {t: {component: train, arguments: {data: {task: l, output: data}}}}}\n"
        "    c:\n      if: {eq: [{param: s}, a]}\n"
        "      tasks: {m: {component: merge, arguments: {models: {collect: {task: t, output: model}}}}}\n",
        "8:57: a list of artifacts cannot be handed into a group; collect it in a task beside the loop",
    ),
    "a task that comes after an exit task": (
        "spec:\n  tasks:\n    h:\n      finally: {e: {component: say, arguments: {text: x}}}\n"
        "      tasks: {t: {component: say, arguments: {text: x}}}\n"
        "    b: {component: say, arguments: {text: x}, after: [e]}\n",
        "6:55: task 'e' runs at the very end; nothing can come after it",
    ),
    "a loop over one value": (
        "spec:\n  parameters: {s: {type: str, default: a}}\n  tasks:\n"
        "    g: {loop: {items: {param: s}}, tasks: {a: {component: say, arguments: {text: x}}}}\n",
        "4:23: a str is no list; refer to a list",
    ),
    "a loop over what another loop collects": (
        "spec:\n  tasks:\n    g: {loop: {items: [a]}, tasks: {a: {component: say, arguments: {text: x}}}}\n"
        "    h: {loop: {items: {collect: {task: a, output: said}}}, tasks: {b: {component: say, arguments: {text: x}}}}\n",
        "4:23: KFP cannot loop over this; give constants, or one reference to a list",
    ),
    "a constant of the wrong type": (
        "spec:\n  tasks:\n    a: {component: add, arguments: {a: '3'}}\n",
        "3:40: '3' is not an int; write an int",
    ),
    "true as a whole number": (
        "spec:\n  tasks:\n    a: {component: add, arguments: {a: true}}\n",
        "3:40: True is not an int; write an int",
    ),
    "a parameter of the wrong type": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n"
        "    a: {component: say, arguments: {text: {param: n}}}\n",
        "4:43: an int is given where 'text' takes a str; refer to another output",
    ),
    "an output of the wrong type": (
        "spec:\n  tasks:\n    l: {component: load}\n    a: {component: say, arguments: {text: {task: l, output: data}}}\n",
        "4:43: a Dataset artifact is given where 'text' takes a str; refer to another output",
    ),
    "an artifact where a list of them is taken": (
        "spec:\n  tasks:\n    l: {component: load}\n    t: {component: train, arguments: {data: {task: l, output: data}}}\n"
        "    m: {component: merge, arguments: {models: {task: t, output: model}}}\n",
        "5:47: a Model artifact is given where 'models' takes a list of Model artifacts; refer to another output",
    ),
    "null as an argument": (
        "spec:\n  tasks:\n    a: {component: take, arguments: {items: [1, null]}}\n",
        "3:49: null is no value for KFP; leave it out, or write '' or 0",
    ),
    "a whole number that a double cannot hold": (
        "spec:\n  parameters: {n: {type: int, default: 9007199254740993}}\n  tasks:\n"
        "    a: {component: say, arguments: {text: x}}\n",
        "2:40: 9007199254740993 is not exact in KFP; give it as a text: the IR keeps numbers as doubles",
    ),
    "a schedule's number that a double cannot hold": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n    a: {component: say, arguments: {text: x}}\n"
        "schedules:\n- {name: s, cron: 0 0 3 * * *, enabled: true, maxConcurrency: 1, catchup: false,"
        " parameters: {n: 9007199254740993}}\n",
        "6:98: 9007199254740993 is not exact in KFP; give it as a text: the IR keeps numbers as doubles",
    ),
    "a text that the SDK takes for a reference": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: '{{channel:task=;name=n;type=String;}}'}}\n",
        "3:43: '{{channel:task=;name=n;type=String;}}' holds a placeholder of KFP; write {run: …} or {param: …}, inside"
        " {concat: […]} when it is part of a text",
    ),
    "a text that KFP takes for a reference": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: 'x-{{$.pipeline_job_name}}'}}\n",
        "3:43: 'x-{{$.pipeline_job_name}}' holds a placeholder of KFP; write {run: …} or {param: …}, inside {concat:"
        " […]} when it is part of a text",
    ),
    "a text whose parts make a reference": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: {concat: [x, '{', '{$.pipeline_job_name}}']}}}\n",
        "3:43: 'x{{$.pipeline_job_name}}' holds a placeholder of KFP; write {run: …} or {param: …}, inside {concat:"
        " […]} when it is part of a text",
    ),
    "a key that the SDK takes for a reference": (
        "spec:\n  tasks:\n    a: {component: take, arguments: {items: [{'{{channel:task=;name=n;type=String;}}': 1}]}}\n",
        "3:47: '{{channel:task=;name=n;type=String;}}' holds a placeholder of KFP; give the key another name",
    ),
    "a key of a map of references that KFP takes for one": (
        "spec:\n  tasks:\n    a: {component: take, arguments: {items: [{'{{$.x}}': {task: b, output: said}}]}}\n"
        "    b: {component: say, arguments: {text: x}}\n",
        "3:45: '{{$.x}}' holds a placeholder of KFP; give the key another name",
    ),
    "a parameter that begins with an underscore": (
        "spec:\n  parameters: {_n: {type: int, default: 1}}\n  tasks:\n    a: {component: say, arguments: {text: x}}\n",
        "2:16: unknown key 'spec.parameters._n'; remove it; known are: names like ^[a-z][a-zA-Z0-9_]*$",
    ),
    "an output that begins with an underscore": (
        "spec:\n  outputs: {_n: {task: a, output: text}}\n  tasks:\n    a: {component: say, arguments: {text: x}}\n",
        "2:13: unknown key 'spec.outputs._n'; remove it; known are: names like ^[a-zA-Z][a-zA-Z0-9_]*$",
    ),
    "a field of an item inside a text": (
        "spec:\n  parameters: {l: {type: list, default: [{a: x}]}}\n  tasks:\n    g:\n      loop: {items: {param: l}}\n"
        "      tasks: {a: {component: say, arguments: {text: {concat: [x, {item: g, field: a}]}}}}\n",
        "6:53: a field of an item stands inside a list, map or text; give it as an argument",
    ),
    "a field of an item as the name of a secret": (
        "spec:\n  parameters: {l: {type: list, default: [{a: x}]}}\n  tasks:\n    g:\n      loop: {items: {param: l}}\n"
        "      tasks:\n        a:\n          component: say\n          arguments: {text: x}\n"
        "          env: {A: {secret: {item: g, field: a}, key: k}}\n",
        "10:29: only a constant or one whole reference can stand here; compute it in a task before",
    ),
    "an importer's URI out of parts": (
        "spec:\n  parameters: {b: {type: str, default: x}}\n  tasks:\n"
        "    i: {importer: {uri: {concat: ['s3://', {param: b}]}, type: Dataset}}\n",
        "4:25: KFP's importer takes no text that is put together from parts, nor a field of an item; give the whole URI"
        " as one parameter or output",
    ),
    "the workspace's path without a workspace": (
        "spec:\n  tasks:\n    a: {component: say, arguments: {text: {run: workspace}}}\n",
        "3:5: 'a' uses the workspace, and there is none; add `spec.workspace`",
    ),
    "a parameter that is a word of Python": (
        "spec:\n  parameters: {class: {type: str, default: a}}\n  tasks:\n    a: {component: say, arguments: {text: x}}\n",
        "2:16: parameter 'class' is a word of Python; choose another name",
    ),
    "an output that is a parameter": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n    a: {component: say, arguments: {text: x}}\n"
        "  outputs: {o: {param: n}}\n",
        "5:16: a pipeline gives outputs of its tasks only; refer to an output, {collect: …} or {oneOf: …}",
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
