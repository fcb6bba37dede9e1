from dsl_components import say
from kfp import dsl
from kfp import kubernetes as k8s


@dsl.pipeline(name="placement", description="A test.")
def pipeline():
    task = say(text="a").set_display_name("say")
    k8s.add_toleration(task, key="gpu", operator="Exists", effect="NoSchedule")
    k8s.add_toleration(task, key="dedicated", value="ml", effect="NoExecute", toleration_seconds=60)
    k8s.add_node_selector(task, "disk", "ssd")
    k8s.add_node_selector(task, "zone", "a")
    zones = {"key": "zone", "operator": "In", "values": ["a", "b"]}
    k8s.add_node_affinity(task, match_expressions=[zones, {"key": "gpu", "operator": "Exists"}])
    names = {"key": "metadata.name", "operator": "NotIn", "values": ["n1"]}
    k8s.add_node_affinity(task, match_fields=[names], weight=50)
