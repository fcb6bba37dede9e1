from dsl_components import say
from kfp import dsl
from kfp import kubernetes as k8s


@dsl.pipeline(name="persistent-volume-claims", description="A test.")
def pipeline(size: str = "5Gi"):
    scratch = k8s.CreatePVC(
        access_modes=["ReadWriteMany"], size=size, pvc_name_suffix="-scratch", storage_class_name="standard"
    )
    scratch.set_display_name("scratch").set_caching_options(False)
    write = say(text="a").set_display_name("write")
    k8s.mount_pvc(write, scratch.outputs["name"], "/scratch")
    k8s.DeletePVC(pvc_name=scratch.outputs["name"]).set_display_name("remove").after(write)
    named = k8s.CreatePVC(
        access_modes=["ReadWriteOnce"],
        size="1Gi",
        pvc_name="fixed",
        annotations={"team": "growth"},
        data_source={"apiGroup": "a", "kind": "b", "name": "c"},
    )
    named.set_display_name("named").set_caching_options(False)
