from dsl_components import choose, say
from kfp import dsl
from kfp import kubernetes as k8s

PREFERRED = {
    "preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 3, "preference": {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}}
    ]
}


@dsl.pipeline(name="placement-as-json", description="A test.")
def pipeline(selector: dict = {"disk": "ssd"}):
    chosen = choose().set_display_name("choose")
    one = say(text="a").set_display_name("of-outputs")
    k8s.add_toleration_json(one, chosen.outputs["taints"])
    k8s.add_node_selector_json(one, chosen.outputs["node"])
    k8s.add_node_affinity_json(one, chosen.outputs["node"])
    one = say(text="a").set_display_name("of-constants")
    k8s.add_node_selector_json(one, {"disk": "ssd"})
    zone = [{"key": "zone", "operator": "In", "values": ["a"]}]
    k8s.add_node_affinity(one, match_expressions=zone, weight=5)
    k8s.add_node_affinity_json(one, PREFERRED)
    one = say(text="a").set_display_name("of-both")
    k8s.add_node_selector(one, "zone", "a")
    k8s.add_node_selector_json(one, selector)
    one = say(text="a").set_display_name("of-nothing")
    k8s.add_node_selector_json(one, {})
    k8s.add_node_affinity_json(one, {})
    k8s.set_timeout(one, 0)
    one = say(text="a").set_display_name("no-timeout")
    k8s.use_secret_as_volume(one, "keys", "data/in")
    k8s.set_timeout(one, 0)
    k8s.set_timeout(say(text="a").set_display_name("no-settings"), 0)
