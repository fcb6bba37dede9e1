from dsl_components import say
from kfp import dsl


@dsl.pipeline(name="resources", description="A test.")
def pipeline():
    heavy = say(text="a").set_display_name("heavy")
    heavy.set_cpu_request("500m").set_cpu_limit("2").set_memory_request("512Mi").set_memory_limit("2Gi")
    heavy.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(2)
    say(text="b").set_display_name("light").set_memory_limit("1G")
