from dsl_components import merge, split, train
from kfp import dsl


@dsl.pipeline(name="loop-over-artifacts", description="A test.")
def pipeline():
    pieces = split(parts=3).set_display_name("split")
    with dsl.ParallelFor(pieces.outputs["pieces"], name="each-piece", parallelism=2) as item:
        trained = train(data=item).set_display_name("train")
    merge(models=dsl.Collected(trained.outputs["model"])).set_display_name("merge")
