"""A pipeline in the DSL, of which one task and one loop are bounded. The SDK reads annotations: no `__future__`."""

from kfp import dsl, kubernetes

IMAGE = "ghcr.io/example/step@sha256:" + "a" * 64


@dsl.container_component
def step(n: int):
    return dsl.ContainerSpec(image=IMAGE, args=[n])


@dsl.pipeline(name="brought")
def brought(items: list):
    bounded = step(n=1).set_cpu_request("1").set_cpu_limit("2")
    bounded.set_memory_request("1Gi").set_memory_limit("2Gi").set_retry(7)
    with dsl.ParallelFor(items) as item:
        step(n=item)
    with dsl.ParallelFor(items, parallelism=3) as item:
        step(n=item)


@dsl.pipeline(name="claims")
def with_a_claim():
    claim = kubernetes.CreatePVC(pvc_name_suffix="-x", access_modes=["ReadWriteOnce"], size="1Gi")
    kubernetes.DeletePVC(pvc_name=claim.outputs["name"]).after(claim)
