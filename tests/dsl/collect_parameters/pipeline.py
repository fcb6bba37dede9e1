from dsl_components import join, say
from kfp import dsl


@dsl.pipeline(name="collect-parameters", description="A test.")
def pipeline():
    with dsl.ParallelFor(["a", "b"], name="outer"):
        with dsl.ParallelFor(["c", "d"], name="inner") as item:
            said = say(text=item).set_display_name("say")
        joined = join(texts=dsl.Collected(said.outputs["said"])).set_display_name("join-inner")
    join(texts=dsl.Collected(joined.outputs["joined"])).set_display_name("join-outer")
