from dsl_components import add, say
from kfp import dsl


@dsl.pipeline(name="nested-loops", description="A test.")
def pipeline(outer_items: list = ["x", "y"], rows: list = [{"cells": [1, 2]}]):
    with dsl.ParallelFor(outer_items, name="outer", parallelism=1) as outer:
        with dsl.ParallelFor([1, 2], name="inner", parallelism=4) as inner:
            say(text=outer).set_display_name("say")
            add(a=inner).set_display_name("add")
    with dsl.ParallelFor(rows, name="each-row") as row:
        with dsl.ParallelFor(row.cells, name="each-cell") as cell:
            add(a=cell).set_display_name("add-cell")
