from dsl_components import say
from kfp import dsl
from kfp import kubernetes as k8s


@dsl.pipeline(name="volumes-from-the-cluster", description="A test.")
def pipeline(secret: str = "keys", claim: str = "shared"):
    task = say(text="a").set_display_name("say")
    k8s.use_secret_as_volume(task, "registry", "/etc/keys")
    k8s.use_secret_as_volume(task, secret, "/etc/other", optional=True)
    k8s.use_config_map_as_volume(task, "settings", "/etc/settings")
    k8s.mount_pvc(task, claim, "/data", "churn")
    k8s.mount_pvc(task, "fixed", "/fixed")
