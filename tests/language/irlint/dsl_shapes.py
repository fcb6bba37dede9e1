"""Pipelines in KFP's DSL whose IR is sound, of many shapes; and some that the SDK compiles wrongly."""
# ruff: noqa: B006, RUF013, UP014 - as people write the DSL

from functools import partial
from typing import NamedTuple

from kfp import dsl, kubernetes

component = partial(dsl.component, base_image="steps", install_kfp_package=False)


@component
def say(text: str = "x") -> str:
    return text


@component
def count(n: int) -> int:
    return n


@component
def measure(x: float) -> float:
    return x


@component
def rows() -> list[dict[str, int]]:
    return [{"a": 1}]


@component
def numbers() -> list[int]:
    return [1]


@component
def maybe(text: str = None, n: int = None, fields: dict = None, data: dsl.Input[dsl.Dataset] = None): ...


@component
def take(items: list, fields: dict): ...


@component
def write(data: dsl.Output[dsl.Dataset]): ...


@component
def read(data: dsl.Input[dsl.Dataset]): ...


@component
def read_all(data: dsl.Input[list[dsl.Dataset]]): ...


@component
def look(data: dsl.Input[dsl.Artifact]): ...


@component
def both() -> NamedTuple("Both", [("a", str), ("b", int)]):
    return ("a", 1)


@component
def report(status: dsl.PipelineTaskFinalStatus, text: str = ""): ...


@dsl.container_component
def contained(
    text: str,
    number: dsl.OutputPath(int),
    model: dsl.Output[dsl.Model],
    more: str = None,
    data: dsl.Input[dsl.Dataset] = None,
):
    return dsl.ContainerSpec(
        image="steps",
        command=["c", f"--text={text}"],
        args=[
            dsl.IfPresentPlaceholder("more", then=[more], else_=["none"]),
            dsl.IfPresentPlaceholder("more", then=[data.path]),
            number, model.path, model.uri,
        ],
    )  # fmt: skip


@dsl.pipeline
def inner(text: str = None, data: dsl.Input[dsl.Dataset] = None):
    maybe(text=text, data=data)


@dsl.pipeline
def words(text: str = None):
    maybe(text=text)


def optional_inputs(text: str = None, n: int = None):
    maybe(text=text, n=n)
    maybe()


def nested_with_optional_inputs(text: str = "x"):
    inner(text=text, data=write().output)
    inner(data=write().output)


def loops(rows_given: list[dict[str, int]] = [{"a": 1}], numbers_given: list[int] = [1], words: list = ["a"]):
    with dsl.ParallelFor(rows_given) as row:
        count(n=row.a)
        with dsl.If(row.a > 1):
            count(n=row.a)
    with dsl.ParallelFor(numbers_given) as number, dsl.ParallelFor(words) as word:
        say(text=word)
        count(n=number)
    with dsl.ParallelFor(rows().output) as row:
        count(n=row.a)
        with dsl.ParallelFor(numbers().output) as number:
            count(n=number)
    with dsl.ParallelFor([{"a": 1, "b": 2}]) as row:
        count(n=row.a)
    with dsl.ParallelFor([1.5, 2.5], parallelism=1) as fraction:
        measure(x=fraction)
        say(text=f"{fraction}")


def collecting():
    with dsl.ParallelFor([1, 2]), dsl.ParallelFor([3, 4]) as number:
        written = write()
        with dsl.If(count(n=number).output == 1):
            say()
    read_all(data=dsl.Collected(written.output))


def exit_handlers(text: str = "a"):
    with dsl.ExitHandler(report(text=text)):
        said = say(text=text)
        with dsl.ParallelFor(["a", "b"]) as item:
            say(text=item)
        with dsl.If(said.output == "a"):
            say()
    with dsl.ExitHandler(words(text=text)):
        say()


def volumes(name: str = "p"):
    made = kubernetes.CreatePVC(pvc_name_suffix="-x", access_modes=["ReadWriteOnce"], size="1Gi")
    first = say()
    kubernetes.mount_pvc(first, pvc_name=made.outputs["name"], mount_path="/a")
    second = say().after(first)
    kubernetes.mount_pvc(second, pvc_name=name, mount_path="/b")
    kubernetes.DeletePVC(pvc_name=made.outputs["name"]).after(second)


def settings_from_values(name: str = "s", selector: dict = {}):
    made = say()
    with dsl.ParallelFor(["a", "b"]) as item:
        kubernetes.use_secret_as_env(say(), secret_name=item, secret_key_to_env={"k": "E"})
        kubernetes.use_secret_as_env(say(), secret_name=made.output, secret_key_to_env={"k": "E"})
    with dsl.If(name == "s"):
        kubernetes.use_config_map_as_volume(say(), config_map_name=name, mount_path="/x")
    kubernetes.add_node_selector_json(say(), node_selector_json=selector)


def importers(uri: str = "s3://x/y", owner: str = "o"):
    taken = dsl.importer(
        artifact_uri=uri, artifact_class=dsl.Dataset, metadata={"owner": owner, "all": [owner], owner: "z"}
    )
    read(data=taken.output)
    look(data=taken.output)
    said = say()
    with dsl.If(uri == "s3://x/y"):
        look(data=dsl.importer(artifact_uri=said.output, artifact_class=dsl.Model, reimport=True).output)


def one_of(x: int = 1) -> int:
    with dsl.If(x == 1):
        first, first_data = count(n=x), write()
    with dsl.Elif(x == 2):
        second, second_data = count(n=2), write()
    with dsl.Else():
        with dsl.If(x == 5):
            third = count(n=3)
        with dsl.Else():
            fourth = count(n=4)
        last, last_data = count(n=dsl.OneOf(third.output, fourth.output)), write()
    read(data=dsl.OneOf(first_data.output, second_data.output, last_data.output))
    return dsl.OneOf(first.output, second.output, last.output)


def several_outputs() -> NamedTuple("Outputs", [("z", int), ("data", dsl.Dataset)]):
    outputs = NamedTuple("Outputs", [("z", int), ("data", dsl.Dataset)])
    return outputs(z=both().outputs["b"], data=write().output)


def settings(cpu: str = "1", memory: str = "1Gi"):
    task = say().set_cpu_limit(cpu).set_memory_limit(memory).set_retry(2, "10s", 2.0, "60s")
    task.set_env_variable("A", "b").set_caching_options(False)


def containers():
    made = contained(text="x")
    count(n=made.outputs["number"])
    look(data=made.outputs["model"])


def lists_of_references(n: int = 1):
    take(items=[n, say().output, "x"], fields={"n": n, "deep": [say().output]})


SOUND = [
    optional_inputs, nested_with_optional_inputs, loops, collecting, exit_handlers, volumes, settings_from_values,
    importers, one_of, several_outputs, settings, containers, lists_of_references,
]  # fmt: skip


def outer_item_in_a_text_of_an_inner_loop(words: list = ["a"], numbers_given: list[int] = [1]):
    with dsl.ParallelFor(words) as word, dsl.ParallelFor(numbers_given) as number:
        say(text=f"{word}{number}")


def field_of_an_item_in_a_text(rows_given: list[dict[str, int]] = [{"a": 1}]):
    with dsl.ParallelFor(rows_given) as row:
        say(text=f"{row.a}")


def maps_in_a_condition(go: str = "x"):
    with dsl.If(go == "x"), dsl.ParallelFor([{"a": 1}, {"a": 2}]) as row:
        count(n=row.a)


BROKEN = [outer_item_in_a_text_of_an_inner_loop, field_of_an_item_in_a_text, maps_in_a_condition]
