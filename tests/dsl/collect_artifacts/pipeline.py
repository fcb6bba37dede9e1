from dsl_components import load, merge, train
from kfp import dsl


@dsl.pipeline(name="collect-artifacts", description="A test.")
def pipeline():
    loaded = load().set_display_name("load")
    with dsl.ParallelFor([0.5, 0.25], name="each-rate", parallelism=2) as rate:
        trained = train(data=loaded.outputs["data"], rate=rate).set_display_name("train")
    merge(models=dsl.Collected(trained.outputs["model"])).set_display_name("merge")
