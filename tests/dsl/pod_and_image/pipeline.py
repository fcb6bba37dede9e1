from dsl_components import say
from kfp import dsl
from kfp import kubernetes as k8s


@dsl.pipeline(name="pod-and-image", description="A test.")
def pipeline(pull: str = "key"):
    task = say(text="a").set_display_name("say")
    k8s.add_pod_label(task, "team", "growth")
    k8s.add_pod_annotation(task, "sidecar.istio.io/inject", "false")
    k8s.set_image_pull_policy(task, "IfNotPresent")
    k8s.set_image_pull_secrets(task, ["registry", pull])
