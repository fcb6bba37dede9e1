from dsl_components import load, train
from kfp import dsl


@dsl.pipeline(name="loop-over-maps-of-mixed-types", description="A test.")
def pipeline(items_of_each: list = [{"name": "a", "rate": 0.5}, {"name": "b", "rate": 0.25}]):
    # As a constant list every field would have the type of the first one, and `name` be the channel's own name.
    data = load().set_display_name("load")
    with dsl.ParallelFor(items_of_each, name="each") as item:
        name = item.__getattr__("name")
        train(data=data.outputs["data"], rate=item.rate, name=name).set_display_name("train")
