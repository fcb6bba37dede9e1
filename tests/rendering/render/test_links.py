"""Pipelines that start each other: whether they are there, go round, and give what is handed over; told all at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from kfp_gitops.base import memo
from kfp_gitops.checking import produced
from kfp_gitops.rendering import links
from project import Outcome

Command = Callable[..., Outcome]
DEV = "environments/dev/values.yaml"
_MANIFEST = """\
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: {{ pipeline }}, description: d, owner: o}
spec:
  parameters:
    text: {type: str, default: x}
    words: {type: int, default: 1}
    ratio: {type: float, default: 1.0}
  tasks:
    greet: {component: greet, arguments: {name: {param: text}}}
    count: {component: count_words, arguments: {text: {task: greet, output: greeting}}}
    many:
      if: {gt: [{task: count, output: words}, 2]}
      tasks: {more: {component: count_words, arguments: {text: {param: text}}}}
      else: {tasks: {less: {component: count_words, arguments: {text: {param: text}}}}}
    each:
      loop: {items: [a, b]}
      tasks: {item: {component: count_words, arguments: {text: {item: each}}}}
  outputs:
    total: {task: count, output: words}
    either: {oneOf: [{task: more, output: words}, {task: less, output: words}]}
    all: {collect: {task: item, output: words}}
"""


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def adds(root: Path, **triggers: str) -> None:
    """Pipelines beside `hello` in dev; each with the items of `triggers`, in YAML."""
    said = ""
    for name, text in triggers.items():
        template = _MANIFEST + (f"triggers: {text}\n" if text else "")
        folder = root / f"templates/pipelines/{name}"
        write_text(folder / "pipeline.yaml.j2", template)
        write_text(folder / "values.schema.json", json.dumps({"type": "object", "properties": {}}))
        said += f"  {name}: {{values: {{}}}}\n"
    values = root / DEV
    text = values.read_text("utf-8")
    assert "pipelines:\n" in text
    write_text(values, text.replace("pipelines:\n", f"pipelines:\n{said}"))


def after(upstream: str, more: str = "", name: str = "t") -> str:
    return f"[{{name: {name}, runOn: {{pipeline: {upstream}}}{more}}}]"


def told(root: Path, command: Command) -> Outcome:
    return command("render", "--root", root, "--env", "dev")


def test_a_chain_is_rendered(repository: Path, command: Command) -> None:
    given = ", parameters: {text: {run: id}, words: {output: count.words}, ratio: {output: total}}"
    adds(repository, a="", b=after("a", given), c=after("b", ", parameters: {words: {output: either}}"))
    values = repository / DEV
    store = "kfp: {metadata: 'http://metadata-envoy-service.kubeflow.svc:9090'}\n"
    write_text(values, store + values.read_text("utf-8"))
    outcome = told(repository, command)
    assert (outcome.code, outcome.err.count("trigger")) == (0, 0), outcome.err


def test_an_upstream_must_be_there(repository: Path, command: Command) -> None:
    adds(repository, aaaa="", b=after("aaab"), c=after("gone"), d=after("elsewhere"))
    values = repository / DEV
    write_text(
        values, values.read_text("utf-8").replace("pipelines:\n", "pipelines:\n  gone: {state: absent}\n")
    )
    outcome = told(repository, command)
    assert outcome.code == 2
    for said in (
        "trigger 't' of 'b' runs after 'aaab', which is no pipeline of dev; did you mean 'aaaa'? "
        "(the trigger is in templates/pipelines/b/pipeline.yaml.j2)",
        "trigger 't' of 'c' runs after 'gone', which is a tombstone in dev and never runs; take the trigger out, "
        "or the tombstone (the trigger is in templates/pipelines/c/pipeline.yaml.j2)",
        "trigger 't' of 'd' runs after 'elsewhere', which is no pipeline of dev; add it to the pipelines of dev",
    ):
        assert said in outcome.err
    assert outcome.err.count("trigger 't'") == 3


@pytest.mark.parametrize(
    ("triggers", "circle"),
    [
        ({"a": after("a")}, "a → a"),
        ({"a": after("c"), "b": after("a"), "c": after("b"), "d": after("a")}, "a → b → c → a"),
        ({"a": after("b"), "b": "[{name: t, runOn: {pipeline: a, state: FAILED}}]"}, "a → b → a"),
    ],
)
def test_circles_are_refused_once(
    repository: Path, command: Command, triggers: dict[str, str], circle: str
) -> None:
    adds(repository, **triggers)
    outcome = told(repository, command)
    assert outcome.code == 2
    assert (
        f"trigger 't' of 'a' closes a circle, in which runs start each other for ever: {circle};"
        in outcome.err
    )
    assert outcome.err.count("circle") == 1


def test_a_circle_with_a_trigger_that_is_off_is_none(repository: Path, command: Command) -> None:
    adds(repository, a=after("b", ", enabled: false"), b=after("a"))
    assert told(repository, command).code == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("words: {output: words}", "say of which task: count.words, item.words, less.words, more.words"),
        ("text: {output: greeting}", "has no such output; did you mean 'greet.greeting'?"),
        ("text: {output: count.word}", "has no such output; did you mean 'count.words'?"),
        (
            "text: {output: count.words}",
            "for 'text', which is a str; it is an int; take a str, of which there are: greet.greeting",
        ),
        (
            "words: {output: greet.greeting}",
            "takes 'greet.greeting' for 'words', which is an int; it is a str",
        ),
        ("words: {output: item.words}", "takes 'item.words' for 'words', of which a run of 'a' has many"),
        ("words: {output: all}", "takes 'all' for 'words', of which a run of 'a' has many"),
    ],
)
def test_outputs_are_those_of_the_upstream(repository: Path, command: Command, given: str, said: str) -> None:
    adds(repository, a="", b=after("a", f", parameters: {{{given}}}"))
    outcome = told(repository, command)
    assert outcome.code == 2
    (line,) = (one for one in outcome.err.splitlines() if said in one)
    assert line.endswith("(the trigger is in templates/pipelines/b/pipeline.yaml.j2)")


def test_what_may_start_nothing_is_warned_of(repository: Path, command: Command) -> None:
    adds(repository, a="", b=after("a", ", parameters: {words: {output: more.words}}"))
    values = repository / DEV
    paused = "  a: {state: paused, until: '2999-01-01T00:00:00Z', values: {}}\n"
    write_text(values, values.read_text("utf-8").replace("  a: {values: {}}\n", paused))
    outcome = told(repository, command)
    assert outcome.code == 0
    assert (
        "trigger 't' of 'b' runs after 'a', which is paused; resume it, or pause this one, too" in outcome.err
    )
    assert "trigger 't' of 'b' takes 'more.words' of a run of 'a', which not each has" in outcome.err


def test_of_an_upstream_that_does_not_render_nothing_more_is_told(repository: Path, command: Command) -> None:
    adds(repository, a="", b=after("a", ", parameters: {words: {output: count.words}}"))
    template = repository / "templates/pipelines/a/pipeline.yaml.j2"
    write_text(template, template.read_text("utf-8").replace("component: greet", "component: grete"))
    outcome = told(repository, command)
    assert outcome.code == 2
    assert "trigger" not in outcome.err


def test_what_is_remembered_is_not_read_again(
    repository: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ", parameters: {words: {output: count.words}}"
    adds(repository, a="", b=after("a", given))
    monkeypatch.setattr(memo, "FEWEST", 1)
    assert told(repository, command).code == 0
    for name in ("_links_of", "_outputs_of"):
        monkeypatch.setattr(links, name, lambda pipeline: pytest.fail(f"{pipeline.name} is read again"))
    assert told(repository, command).code == 0


_IR = """\
components:
  comp-train:
    executorLabel: exec-train
    outputDefinitions:
      artifacts: {model: {artifactType: {schemaTitle: system.Model, schemaVersion: 0.0.1}}}
      parameters: {loss: {parameterType: NUMBER_DOUBLE}}
  comp-condition-1: {dag: {tasks: {tune: {componentRef: {name: comp-train}, taskInfo: {name: shown tune}}}}}
  comp-for-loop-2:
    inputDefinitions: {parameters: {item: {parameterType: STRING}}}
    dag: {tasks: {score: {componentRef: {name: comp-train}, taskInfo: {name: score}}}}
deploymentSpec: {executors: {exec-train: {container: {image: i, command: ["{{$}}"]}}}}
pipelineInfo: {name: a}
root:
  outputDefinitions: {parameters: {loss: {parameterType: NUMBER_DOUBLE}}}
  dag:
    outputs: {parameters: {loss: {valueFromParameter: {producerSubtask: train, outputParameterKey: loss}}}}
    tasks:
      train: {componentRef: {name: comp-train}, taskInfo: {name: Train it}}
      condition-1: {componentRef: {name: comp-condition-1}, taskInfo: {name: c}, triggerPolicy: {condition: 'true'}}
      for-loop-2:
        componentRef: {name: comp-for-loop-2}
        taskInfo: {name: l}
        parameterIterator: {itemInput: item, items: {raw: '[1]'}}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
"""


def test_outputs_of_what_was_compiled_elsewhere() -> None:
    found = produced.of_ir(yaml.safe_load(_IR))
    assert found["train.model"] == produced.Produced("str", artifact=True)
    assert found["train.loss"] == found["Train it.loss"] == found["loss"] == produced.Produced("float")
    assert found["tune.loss"].maybe and not found["tune.loss"].many
    assert found["score.loss"].many and not found["score.loss"].maybe
    assert "condition-1.loss" not in found


def test_an_output_of_a_compiled_pipeline_is_handed_over(repository: Path, command: Command) -> None:
    adds(
        repository,
        a="",
        b=after("a", ", parameters: {ratio: {output: train.loss}, text: {output: train.model}}"),
    )
    folder = repository / "templates/pipelines/a"
    write_text(folder / "a.yaml", _IR)
    head = _MANIFEST.partition("spec:")[0]
    write_text(folder / "pipeline.yaml.j2", f"{head}spec: {{ir: a.yaml}}\n")
    assert told(repository, command).code == 0
    template = repository / "templates/pipelines/b/pipeline.yaml.j2"
    write_text(template, template.read_text("utf-8").replace("output: train.loss", "output: train.model"))
    outcome = told(repository, command)
    assert "for 'ratio', which is a float; it is the URI of an artifact, a str; take a float" in outcome.err


def test_an_output_of_a_pipeline_inside_is_that_of_its_task(repository: Path, command: Command) -> None:
    adds(repository, a="", b=after("a", ", parameters: {words: {output: inside.total}}"))
    folder = repository / "templates/pipelines/a"
    template = (folder / "pipeline.yaml.j2").read_text("utf-8")
    write_text(folder / "inner.pipeline.yaml.j2", template.replace("{{ pipeline }}", "inner"))
    outer = template.partition("  tasks:")[0] + "  tasks: {inside: {pipeline: inner}}\n"
    write_text(folder / "pipeline.yaml.j2", outer)
    outcome = told(repository, command)
    assert outcome.code == 0, outcome.err
    write_text(folder / "pipeline.yaml.j2", outer.replace("inside", "within"))
    assert "did you mean 'within.total'?" in told(repository, command).err
