from dsl_components import say
from kfp import dsl
from kfp import kubernetes as k8s


@dsl.pipeline(name="security-and-timeout", description="A test.")
def pipeline():
    task = say(text="a").set_display_name("say")
    k8s.set_security_context(task, run_as_user=1000, run_as_group=0, run_as_non_root=True)
    k8s.set_timeout(task, 600)
