from dsl_components import load, take, train
from kfp import dsl


@dsl.pipeline(name="outputs-of-tasks", description="A test.")
def pipeline():
    data = load().set_display_name("load")
    trained = train(data=data.outputs["data"]).set_display_name("train")
    take(real=trained.outputs["loss"]).set_display_name("use-loss")
