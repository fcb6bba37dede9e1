from dsl_components import load, say, train
from kfp import dsl


@dsl.pipeline(name="loop-over-a-parameter", description="A test.")
def pipeline(words: list = ["a", "b"], maps: list = [{"name": "x", "rate": 0.5}]):
    data = load().set_display_name("load")
    with dsl.ParallelFor(words, name="each-word") as item:
        say(text=item).set_display_name("say")
    with dsl.ParallelFor(maps, name="each-map") as item:
        train(data=data.outputs["data"], rate=item.rate).set_display_name("train")
        with dsl.If(item.kind == "x"):
            say(text=item.kind).set_display_name("say-x")
