from dsl_components import say
from kfp import dsl
from kfp import kubernetes as k8s


@dsl.pipeline(name="volumes-of-the-pod", description="A test.")
def pipeline():
    task = say(text="a").set_display_name("say")
    k8s.empty_dir_mount(task, "work", "/work")
    k8s.empty_dir_mount(task, "shm", "/dev/shm", "Memory", "1Gi")
    k8s.add_ephemeral_volume(
        task,
        "scratch",
        "/scratch",
        ["ReadWriteOnce"],
        "20Gi",
        "fast",
        labels={"a": "b"},
        annotations={"c": "d"},
    )
    k8s.add_ephemeral_volume(task, "default", "/default", ["ReadWriteOnce"], "1Gi")
