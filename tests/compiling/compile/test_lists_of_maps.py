"""Loops over maps, items in texts, groups in loops: what the SDK cannot compile becomes a parameter."""

from pathlib import Path
from typing import Any

import pytest
from kfp import compiler as kfp_compiler
from kfp import components, dsl
from kfp_gitops.compiling import ir
from kfp_gitops.language import irlint
from language import SPECS, compiled, tree


def _sound(pipeline: Any, folder: Path) -> bool:
    """Whether the SDK alone compiles a pipeline to IR whose references hold."""
    path = folder / "direct.yaml"
    try:
        kfp_compiler.Compiler().compile(dsl.pipeline(name="p")(pipeline), str(path))
    except (AssertionError, TypeError, dsl.types.type_utils.InconsistentTypeException):
        return False
    return not list(irlint.findings(ir.documents(path.read_text())))


SAY, ADD, TAKE = (components.load_component_from_text(SPECS[name]) for name in ("say", "add", "take"))
MAPS = [{"a": "x", "b": "y"}]


def _loop():
    with dsl.ParallelFor(MAPS) as item:
        SAY(text=item.a)


def _if_loop(s: str = "x"):
    with dsl.If(s == "x"), dsl.ParallelFor(MAPS) as item:
        SAY(text=item.a)


def _exit_loop():
    with dsl.ExitHandler(SAY(text="e")), dsl.ParallelFor(MAPS) as item:
        SAY(text=item.a)


def _loop_if():
    with dsl.ParallelFor(MAPS) as item, dsl.If(item.a == "x"):
        SAY(text=item.b)


def _loop_if_alone(s: str = "x"):
    with dsl.ParallelFor(MAPS) as item, dsl.If(item.a == "x"):
        SAY(text=s)


def _loop_if_else_alone(s: str = "x"):
    with dsl.ParallelFor(MAPS) as item:
        with dsl.If(item.a == "x"):
            SAY(text=s)
        with dsl.Else():
            SAY(text=s)


def _loop_if_if_alone(s: str = "x"):
    with dsl.ParallelFor(MAPS) as item, dsl.If(s == "x"), dsl.If(item.a == "x"):
        SAY(text=s)


def _loop_if_other(s: str = "x"):
    with dsl.ParallelFor(MAPS) as item:
        SAY(text=item.a)
        with dsl.If(s == "x"):
            SAY(text="z")


def _loop_if_whole(s: str = "x"):
    with dsl.ParallelFor(MAPS) as item, dsl.If(s == "x"):
        TAKE(fields=item)


def _if_loop_whole(s: str = "x"):
    with dsl.If(s == "x"), dsl.ParallelFor(MAPS) as item:
        TAKE(fields=item)


def _loop_loop():
    with dsl.ParallelFor(MAPS) as item, dsl.ParallelFor([1, 2]) as number:
        SAY(text=item.a)
        ADD(a=number)


def _loop_of_maps_in_a_loop():
    with dsl.ParallelFor([1, 2]), dsl.ParallelFor(MAPS) as item:
        SAY(text=item.a)


def _loop_of_maps_in_a_loop_in_if(s: str = "x"):
    with dsl.If(s == "x"), dsl.ParallelFor([1, 2]), dsl.ParallelFor(MAPS) as item:
        SAY(text=item.a)


def _loops_of_maps():
    with dsl.ParallelFor(MAPS) as outer, dsl.ParallelFor(MAPS) as item:
        SAY(text=item.a)
        SAY(text=outer.b)


def _mixed():
    with dsl.ParallelFor([{"a": "x", "n": 1}]) as item:
        SAY(text=item.a)
        ADD(a=item.n)


def _taken_name():
    with dsl.ParallelFor([{"name": "x"}]) as item:
        SAY(text=item.name)


def _loop_over_field():
    with dsl.ParallelFor([{"a": [1, 2]}]) as item, dsl.ParallelFor(item.a) as number:
        ADD(a=number)


ITEMS = "{loop: {items: [{a: x, b: y}]}, tasks: "
T = "t: {component: say, arguments: {text: {item: l, field: a}}}"
S = "t: {component: say, arguments: {text: {param: s}}}"
IF = "{if: {eq: [{param: s}, x]}, tasks: "
MAP_LOOPS = {
    "loop": (_loop, f"l: {ITEMS}{{{T}}}}}"),
    "loop in if": (_if_loop, f"g: {IF}{{l: {ITEMS}{{{T}}}}}}}}}"),
    "loop in exit handler": (
        _exit_loop,
        f"g: {{finally: {{e: {{component: say, arguments: {{text: e}}}}}}, tasks: {{l: {ITEMS}{{{T}}}}}}}}}",
    ),
    "if in loop, over a field": (
        _loop_if,
        f"l: {ITEMS}{{g: {{if: {{eq: [{{item: l, field: a}}, x]}}, "
        f"tasks: {{{T.replace('field: a', 'field: b')}}}}}}}}}",
    ),
    "if in loop, which alone asks for the field": (
        _loop_if_alone,
        f"l: {ITEMS}{{g: {{if: {{eq: [{{item: l, field: a}}, x]}}, tasks: {{{S}}}}}}}}}",
    ),
    "if and else in loop, which alone ask for the field": (
        _loop_if_else_alone,
        f"l: {ITEMS}{{g: {{if: {{eq: [{{item: l, field: a}}, x]}}, tasks: {{{S}}}, "
        f"else: {{tasks: {{{S.replace('t:', 'u:', 1)}}}}}}}}}}}",
    ),
    "if in if in loop, which alone asks for the field": (
        _loop_if_if_alone,
        f"l: {ITEMS}{{h: {IF}{{g: {{if: {{eq: [{{item: l, field: a}}, x]}}, tasks: {{{S}}}}}}}}}}}}}",
    ),
    "if in loop, over something else": (
        _loop_if_other,
        f"l: {ITEMS}{{{T}, g: {IF}{{u: {{component: say, arguments: {{text: z}}}}}}}}}}}}",
    ),
    "if in loop, with the whole item": (
        _loop_if_whole,
        f"l: {ITEMS}{{g: {IF}{{t: {{component: take, arguments: {{fields: {{item: l}}}}}}}}}}}}}}",
    ),
    "loop in if, with the whole item": (
        _if_loop_whole,
        f"g: {IF}{{l: {ITEMS}{{t: {{component: take, arguments: {{fields: {{item: l}}}}}}}}}}}}}}",
    ),
    "loop in loop": (
        _loop_loop,
        f"l: {ITEMS}{{m: {{loop: {{items: [1, 2]}}, "
        f"tasks: {{{T}, u: {{component: add, arguments: {{a: {{item: m}}}}}}}}}}}}}}",
    ),
    "loop of maps in a loop": (
        _loop_of_maps_in_a_loop,
        f"m: {{loop: {{items: [1, 2]}}, tasks: {{l: {ITEMS}{{{T}}}}}}}}}",
    ),
    "loop of maps in a loop in if": (
        _loop_of_maps_in_a_loop_in_if,
        f"g: {IF}{{m: {{loop: {{items: [1, 2]}}, tasks: {{l: {ITEMS}{{{T}}}}}}}}}}}}}",
    ),
    "loop of maps in another, whose field it takes": (
        _loops_of_maps,
        f"l: {ITEMS}{{m: {ITEMS}{{{T.replace('l,', 'm,')}, u: {{component: say, "
        "arguments: {text: {item: l, field: b}}}}}}}",
    ),
    "a loop over a field": (
        _loop_over_field,
        "l: {loop: {items: [{a: [1, 2]}]}, tasks: {m: {loop: {items: {item: l, field: a}},"
        " tasks: {u: {component: add, arguments: {a: {item: m}}}}}}}",
    ),
    "fields of mixed types": (
        _mixed,
        "l: {loop: {items: [{a: x, n: 1}]}, tasks: {t: {component: say, arguments: {text: {item: l, field: a}}},"
        " u: {component: add, arguments: {a: {item: l, field: n}}}}}",
    ),
    "a field with a name that the SDK has": (
        _taken_name,
        "l: {loop: {items: [{name: x}]}, tasks: {t: {component: say, arguments: {text: {item: l, field: name}}}}}",
    ),
}


@pytest.mark.parametrize("shape", MAP_LOOPS)
def test_a_list_of_maps_becomes_a_parameter_exactly_where_the_sdk_cannot_compile_it(
    shape: str, tmp_path: Path
) -> None:
    """kubeflow/pipelines #13273, and its relatives."""
    direct, tasks = MAP_LOOPS[shape]
    text = compiled(f"spec:\n  parameters: {{s: {{type: str, default: x}}}}\n  tasks:\n    {tasks}\n")
    declared = ir.documents(text)[0]["root"]["inputDefinitions"]["parameters"]
    assert ("items_of_l" in declared) == (not _sound(direct, tmp_path))


def test_a_hidden_parameter_keeps_clear_of_the_pipelines_own() -> None:
    body = (
        "spec:\n  parameters: {s: {type: str, default: x}, items_of_l: {type: int, default: 1}}\n"
        f"  tasks:\n    {MAP_LOOPS['loop in if'][1]}\n"
    )
    declared = ir.documents(compiled(body))[0]["root"]["inputDefinitions"]["parameters"]
    assert declared["items_of_l_"]["defaultValue"] == MAPS


GROUP = "spec:\n  parameters: {service: {type: str, default: x}, services: {type: list, default: [a]}}\n  tasks:\n"


def test_a_parameter_whose_name_is_part_of_the_lists_name_reaches_groups_in_the_loop() -> None:
    """The SDK looks for the list of a loop by part of its name, and takes `service` for `services`."""
    inside = (
        "c: {if: {eq: [{item: l}, a]}, tasks: {t: {component: say, arguments: {text: {param: service}}}}}"
    )
    assert compiled(f"{GROUP}    l: {{loop: {{items: {{param: services}}}}, tasks: {{{inside}}}}}\n")


def test_what_an_if_around_the_loop_asks_is_handed_on_as_the_sdk_does(tmp_path: Path) -> None:
    """It takes `service` for `services` there, too, and nothing in the groups of the loop needs it."""

    def pipeline(service: str = "x", services: list = MAPS):
        with dsl.If(service == "x"), dsl.ParallelFor(services) as item, dsl.ParallelFor([1, 2]):
            SAY(text=item)

    path = tmp_path / "direct.yaml"
    kfp_compiler.Compiler().compile(dsl.pipeline(name="p")(pipeline), str(path))
    direct = ir.documents(path.read_text())[0]["components"]["comp-for-loop-4"]["inputDefinitions"]
    inside = "m: {loop: {items: [1, 2]}, tasks: {t: {component: say, arguments: {text: {item: l}}}}}"
    loop = f"l: {{loop: {{items: {{param: services}}}}, tasks: {{{inside}}}}}"
    text = compiled(f"{GROUP}    c: {{if: {{eq: [{{param: service}}, x]}}, tasks: {{{loop}}}}}\n")
    assert ir.documents(text)[0]["components"]["comp-for-loop-4"]["inputDefinitions"] == direct
    assert "pipelinechannel--service" not in direct["parameters"]


def test_a_loop_in_a_group_need_not_use_its_item() -> None:
    """The SDK hands the list into the group only when something in the loop uses the item."""
    loop = "l: {loop: {items: {param: services}}, tasks: {t: {component: say, arguments: {text: x}}}}"
    found = tree(compiled(f"{GROUP}    c: {{if: {{eq: [{{param: service}}, x]}}, tasks: {{{loop}}}}}\n"))
    assert set(found["condition-1"]["l"]) == {"t"}


def test_an_item_inside_a_text_is_still_the_item_in_an_inner_loop() -> None:
    """The SDK takes what it finds in a text for a parameter, which the pipeline has not."""
    inner = (
        "m: {loop: {items: [1]}, tasks: {t: {component: say, arguments: {text: {concat: [x-, {item: l}]}}}}}"
    )
    assert compiled(f"{GROUP}    l: {{loop: {{items: {{param: services}}}}, tasks: {{{inner}}}}}\n")
