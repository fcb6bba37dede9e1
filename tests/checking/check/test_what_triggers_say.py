"""What a trigger may say of when a run starts, and what it may hand to it: told at its line, all at once."""

from __future__ import annotations

import pytest
from kfp_gitops.checking import check
from kfp_gitops.language.manifest import reader
from language import COMPONENTS, HEAD, refusals

SPEC = """\
spec:
  parameters:
    text: {type: str, default: x}
    number: {type: int, default: 1}
    day: {type: str}
  tasks: {say: {component: say, arguments: {text: {param: text}}}}
triggers:
"""
AFTER = "runOn: {pipeline: q}"
DATA = "runOn: {data: {uri: s3://lake/a/, changes: newest-key}}"
FINE = {
    "after a run": f"{{name: t, {AFTER}, parameters: {{day: {{run: scheduledTime}}, text: {{output: a.b}}}}}}",
    "an output that only its pipeline knows": f"{{name: t, {AFTER}, parameters: {{day: x, number: {{output: n}}}}}}",
    "on data": f"{{name: t, {DATA}, parameters: {{day: {{data: modified}}, text: {{data: key}}}}}}",
    "all of a bucket": "{name: t, runOn: {data: {uri: s3://lake/, changes: newest-key}}, parameters: {day: x}}",
    "one object": "{name: t, runOn: {data: {uri: s3://lake/a.csv, changes: etag}}, parameters: {day: x}}",
    "over midnight": f"{{name: t, {AFTER}, parameters: {{day: x}}, onlyWithin: {{from: '22:00', to: '06:00'}}}}",
    "until midnight": f"{{name: t, {AFTER}, parameters: {{day: x}}, onlyWithin: {{from: '06:00', to: '00:00'}}}}",
    "days alone": f"{{name: t, {AFTER}, parameters: {{day: x}}, onlyWithin: {{days: [sat]}}}}",
    "a run on change that is off": "{name: t, runOn: change, enabled: false, parameters: {day: x}}",
    "a failed run's id": "{name: t, runOn: {pipeline: q, state: FAILED}, parameters: {day: {run: id}}}",
}
REFUSED = {
    "no value for a parameter": (f"{{name: t, {AFTER}}}", "trigger 't' does not give 'day'"),
    "a parameter that is not there": (
        f"{{name: t, {AFTER}, parameters: {{day: x, dya: {{run: id}}}}}}",
        "unknown parameter 'dya'; choose one of: text, number, day",
    ),
    "a constant of another type": (
        f"{{name: t, {AFTER}, parameters: {{day: x, number: {{constant: {{run: id}}}}}}}}",
        "{'run': 'id'} is not an int",
    ),
    "runs and data": (
        "{name: t, runOn: {pipeline: q, data: {uri: s3://lake/a, changes: etag}}, parameters: {day: x}}",
        "triggers.0.runOn has pipeline and data; keep one of pipeline and data",
    ),
    "a bucket that none can have": (
        "{name: t, runOn: {data: {uri: s3://x/a, changes: etag}}, parameters: {day: x}}",
        "a bucket's name has 3 to 63 characters",
    ),
    "a misspelt reference": (
        f"{{name: t, {AFTER}, parameters: {{day: {{outptu: a.b}}}}}}",
        "{'outptu': 'a.b'} is not a str; did you mean `output:`?",
    ),
    "an output as tasks refer to it": (
        f"{{name: t, {AFTER}, parameters: {{day: {{task: a, output: b}}}}}}",
        "{'task': 'a', 'output': 'b'} is not a str; of the run before it that is {output: a.b}",
    ),
    "an output as tasks refer to it, and no run": (
        f"{{name: t, {DATA}, parameters: {{day: {{task: a, output: b}}}}}}",
        "{'task': 'a', 'output': 'b'} is not a str; write a str",
    ),
    "a fact for a number": (
        f"{{name: t, {AFTER}, parameters: {{day: x, number: {{run: id}}}}}}",
        "'id' is a text, and 'number' is an int; hand it to a parameter that is a str",
    ),
    "data elsewhere": (
        "{name: t, runOn: {data: {uri: s3://lake/a/../b/, changes: newest-key}}, parameters: {day: x}}",
        "'s3://lake/a/../b/' has a part . or .., which a server may take for another place than was reviewed",
    ),
    "data after a run": (
        f"{{name: t, {AFTER}, parameters: {{day: {{data: key}}}}}}",
        "a run after another run is started by no data; take {run: …} or {output: …}",
    ),
    "a run's fact on data": (
        f"{{name: t, {DATA}, parameters: {{day: {{run: id}}}}}}",
        "a run on data comes after no run; take {data: uri}",
    ),
    "an output on data": (
        f"{{name: t, {DATA}, parameters: {{day: {{output: a.b}}}}}}",
        "a run on data comes after no run",
    ),
    "an output of a run that failed": (
        "{name: t, runOn: {pipeline: q, state: ENDED}, parameters: {day: {output: a.b}}}",
        "a run that did not succeed may have no 'b'; take {run: id}, or write `state: SUCCEEDED`",
    ),
    "a folder's etag": (
        "{name: t, runOn: {data: {uri: s3://lake/a/, changes: etag}}, parameters: {day: x}}",
        "'s3://lake/a/' is no single object, which alone has an ETag",
    ),
    "an object's newest key": (
        "{name: t, runOn: {data: {uri: s3://lake/a, changes: newest-key}}, parameters: {day: x}}",
        "'s3://lake/a' is one object, with no keys below it; end the prefix with /",
    ),
    "an empty window": (
        f"{{name: t, {AFTER}, parameters: {{day: x}}, onlyWithin: {{from: '06:00', to: '06:00'}}}}",
        "the window begins and ends at 06:00; drop from and to for whole days",
    ),
    "an instant of a run on change": (
        "{name: t, runOn: change, parameters: {day: x}, onlyWithin: {days: [sat]}}",
        "`onlyWithin` says nothing of a run on change",
    ),
    "a missed run on change": (
        "{name: t, runOn: change, parameters: {day: x}, onMissed: run, maxConcurrency: 2}",
        "`maxConcurrency` says nothing of a run on change",
    ),
    "braces of Argo": (
        f"{{name: t, {AFTER}, parameters: {{day: '{{{{inputs.x}}}}'}}}}",
        "{{inputs.x}}",
    ),
}


@pytest.mark.parametrize("trigger", FINE.values(), ids=FINE)
def test_what_a_trigger_may_say(trigger: str) -> None:
    assert refusals(f"{SPEC}- {trigger}\n") == []


@pytest.mark.parametrize(("trigger", "said"), REFUSED.values(), ids=REFUSED)
def test_what_a_trigger_may_not_say(trigger: str, said: str) -> None:
    found = refusals(f"{SPEC}- {trigger}\n")
    assert any(said in one and one.startswith("8:") for one in found), found


def test_macros_in_references_are_none_and_in_constants_are_told() -> None:
    text = (
        f"{HEAD}{SPEC}- {{name: t, {AFTER}, parameters: {{day: '[[ScheduledTime]]', text: {{run: id}}}}}}\n"
    )
    (found,) = check.warnings(reader.read(text, "m.yaml"), COMPONENTS)
    assert "the run of a trigger has no schedule" in str(found)
