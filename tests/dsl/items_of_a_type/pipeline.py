from typing import Dict, List  # noqa: UP035  # as the DSL reads them: `list[int]` is a list of anything to it

from dsl_components import add, say, take
from kfp import dsl


@dsl.pipeline(name="items-of-a-type", description="A test.")
def pipeline(
    sizes: List[int] = [1, 2],  # noqa: UP006
    rates: List[Dict[str, float]] = [{"low": 0.5}],  # noqa: UP006
    rows: List[Dict[str, List[int]]] = [{"cells": [1, 2]}],  # noqa: UP006
):
    with dsl.ParallelFor(sizes, name="each-size") as size:
        add(a=size).set_display_name("add")
        with dsl.If(size > 9, name="large"):
            say(text="large").set_display_name("say-large")
    with dsl.ParallelFor(rates, name="each-rate") as rate:
        take(fields=rate).set_display_name("take")
        with dsl.If(rate.low < 0.5, name="low"):
            say(text="low").set_display_name("say-low")
    with dsl.ParallelFor(rows, name="each-row") as row:
        with dsl.ParallelFor(row.cells, name="each-cell") as cell:
            with dsl.If(cell == 3, name="third"):
                add(a=cell).set_display_name("add-cell")
