"""The structure of compiled pipelines: names, numbers, orders and conditions come back as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest
from compiled_kit import SPECS, compiled
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.importing import comparisons, numbered
from kfp_gitops.importing.imported import imported
from kfp_gitops.rendering.rendered import RenderedPipeline


def test_components_of_a_pipeline_inside_keep_their_numbers() -> None:
    """The SDK names the inner ones first where the inner pipeline was made first, though it comes later in the file."""
    head = "apiVersion: kfp-gitops/v1\nkind: PipelineManifest\nmetadata: {name: %s, description: A., owner: t}\nspec:\n"
    inner = head % "prepare" + "  tasks:\n    add: {component: add, arguments: {a: 1, b: 2}}\n"
    outer = (
        head % "outer"
        + "  tasks:\n    prepare: {pipeline: prepare}\n"
        + inner.splitlines()[-1].replace("2", "3")
    )
    rendered = RenderedPipeline("outer", "sha256:0", outer, SPECS, inner={"prepare": inner})
    text = compile_pipeline(rendered, "m").text
    assert ir.documents(text)[0]["root"]["dag"]["tasks"]["add"]["componentRef"] == {"name": "comp-add-2"}
    assert imported(text, "trainer.yaml", {}, None, "dev").told == ()


def test_what_is_used_on_several_levels_is_one_template_and_one_component() -> None:
    """The SDK numbers the components of a pipeline inside anew with each level around it: `comp-say-2-2`."""
    head = "apiVersion: kfp-gitops/v1\nkind: PipelineManifest\nmetadata: {name: %s, description: A., owner: t}\nspec:\n"
    innermost = head % "innermost" + "  tasks: {say: {component: say, arguments: {text: a}}}\n"
    middle = head % "middle" + "  tasks: {innermost: {pipeline: innermost}, other: {pipeline: innermost}}\n"
    outer = head % "outer" + "  tasks: {middle: {pipeline: middle}, again: {pipeline: middle}}\n"
    inner = {"innermost": innermost, "middle": middle}
    text = compile_pipeline(RenderedPipeline("outer", "sha256:0", outer, SPECS, inner=inner), "m").text
    assert "comp-say-2-2" in text
    found = imported(text, "trainer.yaml", {}, None, "dev")
    assert found.told == ()
    assert list(found.specs) == ["say"]
    assert sorted(found.template)[:3] == [
        "innermost.pipeline.yaml.j2",
        "middle.pipeline.yaml.j2",
        "pipeline.yaml.j2",
    ]


@pytest.mark.parametrize("order", [("say", "say_2", "say"), ("say_2", "say", "say"), ("say", "say", "say_2")])
def test_a_component_may_be_called_as_a_number_of_another(order: tuple[str, ...]) -> None:
    """The SDK numbers the tasks of `say` as it would call those of `say_2`."""
    other = (
        SPECS["say"]
        .replace("name: say", "name: say 2")
        .replace("type: String}", "type: String, default: q}", 1)
    )
    given = ["a", "{task: t0, output: said}", "{task: t1, output: said}"]  # each after the one before
    tasks = "".join(
        f"    t{i}: {{component: {name}, arguments: {{text: {given[i]}}}}}\n" for i, name in enumerate(order)
    )
    head = "apiVersion: kfp-gitops/v1\nkind: PipelineManifest\nmetadata: {name: p, description: A., owner: t}\nspec:\n"
    rendered = RenderedPipeline("p", "sha256:0", f"{head}  tasks:\n{tasks}", {**SPECS, "say_2": other})
    found = imported(compile_pipeline(rendered, "m").text, "trainer.yaml", {}, None, "dev")
    assert found.told == ()
    assert len(found.specs) == 2


def test_the_only_values_of_a_parameter_stay() -> None:
    documents = ir.documents(compiled("comparisons"))
    parameters = documents[0]["root"]["inputDefinitions"]["parameters"]
    name = next(name for name, one in parameters.items() if one["parameterType"] == "NUMBER_INTEGER")
    parameters[name]["literals"] = [parameters[name]["defaultValue"], 77.0]
    found = imported(dump_all(documents), "trainer.yaml", {}, None, "dev")
    assert found.told == ()
    schema = json.loads(found.template["values.schema.json"])
    wanted = [int(parameters[name]["defaultValue"]), 77]
    assert schema["properties"]["parameters"]["properties"][name]["enum"] == wanted


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("int(inputs.parameter_values['n']) > 3", {"gt": [{"param": "n"}, 3]}),
        ("double(int(inputs.parameter_values['n'])) <= 2.5", {"le": [{"param": "n"}, 2.5]}),
        ("inputs.parameter_values['n'] == 'it's == a'", {"eq": [{"param": "n"}, "it's == a"]}),
        ("inputs.parameter_values['n'] != true", {"ne": [{"param": "n"}, True]}),
        ("int(inputs.parameter_values['n']) < inputs.parameter_values['m']", {"lt": [{"param": "n"}, {"item": "l"}]}),
        ("inputs.parameter_values['other'] == 1", None),
        ("size(inputs.parameter_values['n']) == 1", None),
    ],
)  # fmt: skip
def test_conditions_are_read_as_the_sdk_writes_them(text: str, asked: dict[str, Any] | None) -> None:
    assert comparisons.comparison(text, {"n": {"param": "n"}, "m": {"item": "l"}}) == asked


def test_a_branch_asks_what_those_before_it_did_not() -> None:
    assert comparisons.own("a == 1", ()) == "a == 1"
    assert comparisons.own("!(a == 1) && b == 2", ("a == 1",)) == "b == 2"
    assert comparisons.own("!(a == 1) && !(b == 2)", ("a == 1", "b == 2")) == ""
    assert comparisons.own("b == 2", ("a == 1",)) is None


def test_tasks_are_made_in_the_order_of_their_numbers() -> None:
    siblings = {"a-group": ["condition-1", "say-2"], "say": ["say"], "say-3": ["say-3"], "other": ["other"]}
    keys = {"say", "say-2", "say-3", "other", "condition-1"}
    named = numbered.names(keys, lambda one, other: True)
    found = numbered.order(siblings, {"say": ["other"]}, numbered.counts(siblings, named.__getitem__))
    assert found == ["other", "say", "a-group", "say-3"]
    assert numbered.counted("step-2", {"step-2"}) == ("step-2", 1)


def test_other_numbers_of_components_inside_are_told() -> None:
    """The SDK gives them as they come up; the file's are those of another run of it."""
    head = "apiVersion: kfp-gitops/v1\nkind: PipelineManifest\nmetadata: {name: %s, description: A., owner: t}\nspec:\n"
    inner = head % "inner" + "  tasks:\n    a: {component: say, arguments: {text: a}}\n"
    inner += "    b: {component: say, arguments: {text: b}, env: {A: {secret: s, key: k}}}\n"
    outer = (
        head % "outer" + "  tasks: {o: {component: say, arguments: {text: o}}, inner: {pipeline: inner}}\n"
    )
    rendered = RenderedPipeline("outer", "sha256:0", outer, SPECS, inner={"inner": inner})
    text = compile_pipeline(rendered, "m").text
    assert "comp-say-3" in text
    other = text.replace("comp-say-3", "comp-say-2-2").replace("exec-say-3", "exec-say-9")
    found = imported(other, "trainer.yaml", {}, None, "dev")
    assert [one.split(" as ")[0] for one in found.told] == ["components inside of pipelines are numbered"]
    assert found.digest == ir.digest(ir.documents(text))
    shared = other.replace(
        "executorLabel: exec-say-9", "executorLabel: exec-say-2"
    )  # as the SDK may leave it
    found = imported(shared, "trainer.yaml", {}, None, "dev")
    assert found.template["inner.pipeline.yaml.j2"].count("secret: s") == 2
    with pytest.raises(InputError, match="would be left out"):
        imported(text.replace("comp-say-3", "comp-tell"), "trainer.yaml", {}, None, "dev", strict=True)


def test_what_a_loop_takes_comes_before_it_though_the_sdk_has_it_not_wait() -> None:
    """As it does of a list of whose items nothing is used."""
    tasks = "    a: {component: list_names}\n    b: {component: list_names}\n"
    loop = "    l: {loop: {items: {task: b, output: names}}, tasks: {s: {component: say, arguments: {text: a}}}}\n"
    head = "apiVersion: kfp-gitops/v1\nkind: PipelineManifest\nmetadata: {name: p, description: A., owner: t}\nspec:\n"
    rendered = RenderedPipeline("p", "sha256:0", f"{head}  tasks:\n{tasks}{loop}", SPECS)
    documents = ir.documents(compile_pipeline(rendered, "m").text)
    assert documents[0]["root"]["dag"]["tasks"]["for-loop-1"].pop("dependentTasks") == ["list-names-2"]
    with pytest.raises(InputError) as error:
        imported(dump_all(documents), "trainer.yaml", {}, None, "dev", strict=True)
    said = [one.what for one in error.value.problems]
    assert len(said) == 1, said
    assert 'root.dag.tasks.for-loop-1.dependentTasks: ["list-names-2"] would be added' in said[0]


def test_an_importer_keeps_the_name_with_which_nothing_finds_its_artifact() -> None:
    """As `.set_display_name` of the DSL gives it; the fault is accepted, and goes with the name."""
    head = "apiVersion: kfp-gitops/v1\nkind: PipelineManifest\nmetadata: {name: p, description: A., owner: t}\nspec:\n"
    body = "  parameters: {s: {type: str, default: x}}\n  tasks:\n    g:\n      if: {eq: [{param: s}, x]}\n"
    body += "      tasks:\n"
    body += "        i: {importer: {uri: gs://b/x, type: Dataset}}\n"
    documents = ir.documents(
        compile_pipeline(RenderedPipeline("p", "sha256:0", head + body, SPECS), "m").text
    )
    documents[0]["components"]["comp-condition-1"]["dag"]["tasks"]["importer"]["taskInfo"]["name"] = "Get it"
    found = imported(dump_all(documents), "trainer.yaml", {}, None, "dev", strict=True)
    assert (found.told, found.accepted) == ((), ("importer-name",))
    assert "displayName: Get it" in found.template["pipeline.yaml.j2"]
