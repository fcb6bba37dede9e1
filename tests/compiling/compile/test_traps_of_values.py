"""Traps of the kfp SDK's compiler in values and settings; those of groups are in test_traps.py."""

import pytest
from language import refusals

REFUSED = {
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
        "3:62: spec.tasks.a.retry.count is -1; write 0 or more",
    ),
    "a loop over nothing": (
        "spec:\n  tasks:\n    g: {loop: {items: []}, tasks: {a: {component: say, arguments: {text: x}}}}\n",
        "3:23: the list is empty; give at least one item: KFP refuses an empty list",
    ),
    "an empty branch": (
        "spec:\n  parameters: {n: {type: int, default: 1}}\n  tasks:\n    g: {if: {eq: [{param: n}, 1]}, tasks: {}}\n",
        "4:43: spec.tasks.g.tasks is empty; write at least 1 key (tasks and groups of tasks by id; they run as soon as what"
        " they refer to is there)",
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
        "9:59: the list of 'g' is used in a group inside that loop, where KFP takes it away; give it to a task before the loop that passes it on",
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
        "2:13: unknown key 'spec.outputs._n'; remove it; known are: names like ^[a-zA-Z][a-zA-Z0-9_-]*$",
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
