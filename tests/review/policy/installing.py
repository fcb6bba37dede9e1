"""A component that installs packages when it runs. The SDK reads annotations: no `__future__`."""

from pathlib import Path

from kfp import compiler, dsl


@dsl.component(base_image="python:3.13", packages_to_install=["pandas==2.2.0"])
def installs(x: str) -> str:
    return x


def compiled(folder: Path) -> str:
    """Its Component YAML."""
    path = folder / "compiled.yaml"
    compiler.Compiler().compile(installs, str(path))
    return path.read_text("utf-8")
