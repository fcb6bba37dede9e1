from dsl_components import add, say
from kfp import dsl


@dsl.pipeline(name="loop-over-maps-in-a-condition", description="A test.")
def pipeline(mode: str = "full", items_of_each: list = [{"service": "web", "replicas": 2}]):
    # The SDK cannot compile the list where it stands (kubeflow/pipelines #13273): it has to be a parameter.
    with dsl.If(mode == "full"):
        with dsl.ParallelFor(items_of_each, name="each") as item:
            say(text=item.service).set_display_name("say")
            add(a=item.replicas).set_display_name("add")
