from dsl_components import say
from kfp import dsl
from kfp import kubernetes as k8s


@dsl.pipeline(name="environment-from-the-cluster", description="A test.")
def pipeline(secret: str = "keys", settings: str = "s"):
    name = say(text="keys").set_display_name("name")
    task = say(text="a").set_display_name("say")
    k8s.use_secret_as_env(task, "registry", {"user": "USER", "password": "PASSWORD"})
    k8s.use_secret_as_env(task, "other", {"a": "MAYBE"}, optional=True)
    k8s.use_secret_as_env(task, secret, {"b": "FROM_PARAMETER"})
    k8s.use_secret_as_env(task, name.outputs["said"], {"c": "FROM_OUTPUT"})
    k8s.use_config_map_as_env(task, "settings", {"level": "LEVEL"})
    k8s.use_config_map_as_env(task, settings, {"mode": "MODE"}, optional=True)
    k8s.use_field_path_as_env(task, "NODE", "spec.nodeName")
    with dsl.ParallelFor(["x", "y"], name="each") as item:
        looped = say(text="b").set_display_name("looped")
        k8s.use_secret_as_env(looped, item, {"token": "TOKEN"})
