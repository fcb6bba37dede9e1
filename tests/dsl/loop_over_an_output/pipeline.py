from dsl_components import list_maps, list_names, say
from kfp import dsl


@dsl.pipeline(name="loop-over-an-output", description="A test.")
def pipeline():
    names = list_names().set_display_name("list-names")
    maps = list_maps().set_display_name("list-maps")
    with dsl.ParallelFor(names.outputs["names"], name="each-name") as item:
        say(text=item).set_display_name("say")
    with dsl.ParallelFor(maps.outputs["maps"], name="each-map") as item:
        say(text=item.title).set_display_name("say-field")
