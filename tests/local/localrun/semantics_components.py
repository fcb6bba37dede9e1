"""Python components that write down what they received, for pipelines that are written as manifests."""
# ruff: noqa: T201 - the tasks write down what they received

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from kfp import compiler, dsl

component = partial(dsl.component, base_image="steps", install_kfp_package=False)


@component
def say(text: str = "unsaid", number: int = 0) -> NamedTuple("Outputs", said=str, length=int):
    import json

    print("RECEIVED", json.dumps({"text": text, "number": number}))
    return (text, len(text))


@component
def take(
    real: float = 0.5,
    flag: bool = False,
    items: list = [],  # noqa: B006 - the default of an IR
    fields: dict = {},  # noqa: B006
) -> NamedTuple("Outputs", real=float, flag=bool, items=list, fields=dict):
    import json

    print("RECEIVED", json.dumps({"real": real, "flag": flag, "items": items, "fields": fields}))
    return (real, flag, items, fields)


@component
def maybe(text: str = None, data: dsl.Input[dsl.Dataset] = None):  # noqa: RUF013 - the DSL's way
    import json
    from pathlib import Path

    print("RECEIVED", json.dumps({"text": text, "data": data and Path(data.path).read_text()}))


@component
def save(data: dsl.Output[dsl.Dataset], text: str = "saved") -> str:
    import json
    from pathlib import Path

    print("RECEIVED", json.dumps({"text": text}))
    Path(data.path).write_text(text)
    return text


@component
def read(data: dsl.Input[dsl.Dataset]) -> str:
    import json
    from pathlib import Path

    content = Path(data.path).read_text()
    print("RECEIVED", json.dumps({"data": content}))
    return content


@component
def read_all(data: dsl.Input[list[dsl.Dataset]]):
    import json
    from pathlib import Path

    print("RECEIVED", json.dumps({"data": [Path(each.path).read_text() for each in data]}))


@component
def fail(text: str = "broken") -> str:
    import json

    print("RECEIVED", json.dumps({"text": text}))
    raise ValueError(text)


@component
def report(status: dsl.PipelineTaskFinalStatus, text: str = ""):
    import json

    print("RECEIVED", json.dumps({"state": status.state, "text": text}))


@component
def variables(names: list):
    import json
    import os

    print("RECEIVED", json.dumps({name: os.environ.get(name) for name in names}))


def specs() -> dict[str, str]:
    """Component YAML by name."""
    texts = {}
    with TemporaryDirectory() as folder:
        for each in (say, take, maybe, save, read, read_all, fail, report, variables):
            path = Path(folder) / "component.yaml"
            compiler.Compiler().compile(each, str(path))
            texts[each.name.replace("-", "_")] = path.read_text("utf-8")
    return texts
