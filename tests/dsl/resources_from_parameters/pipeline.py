from dsl_components import measure, say
from kfp import dsl


@dsl.pipeline(name="resources-from-parameters", description="A test.")
def pipeline(
    cpu: str = "1", memory: str = "1Gi", gpu: str = "nvidia.com/gpu", gpus: str = "1", big: bool = True
):
    measured = measure(name="x").set_display_name("measure")
    sized = say(text="a").set_display_name("sized")
    sized.set_cpu_request(cpu).set_cpu_limit(measured.outputs["label"])
    # The SDK forgets that the task has to wait for the one that it takes this from.
    sized.register_pipeline_channels([measured.outputs["label"]])
    sized.set_memory_request(memory).set_memory_limit(memory)
    sized.set_accelerator_type(gpu).set_accelerator_limit(gpus)
    with dsl.If(big == True):
        inner = say(text="b").set_display_name("inner").set_cpu_limit(cpu)
        # The SDK forgets to hand the parameter into the group.
        inner.register_pipeline_channels([cpu])
