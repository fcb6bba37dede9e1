from dsl_components import say
from kfp import dsl
from kfp import kubernetes as k8s


@dsl.pipeline(name="placement-from-parameters", description="A test.")
def pipeline(
    one: dict = {"key": "gpu", "operator": "Exists"},
    many: list = [],
    selector: dict = {"disk": "ssd"},
    affinity: dict = {},
):
    task = say(text="a").set_display_name("say")
    k8s.add_toleration_json(task, one)
    k8s.add_toleration_json(task, many)
    k8s.add_node_selector_json(task, selector)
    k8s.add_node_affinity_json(task, affinity)
