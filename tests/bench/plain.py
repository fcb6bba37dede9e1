"""The generated pipelines as a person would write them in the kfp DSL, and the plain loop that compiles them."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kfp import compiler, components, dsl

from .generator import Shape


def loaded(specs: Path) -> dict[str, Any]:
    """The components of a folder of rendered specs, each loaded once."""
    return {
        path.stem: components.load_component_from_file(str(path)) for path in sorted(specs.glob("*.yaml"))
    }


def pipeline(shape: Shape, load: Mapping[str, Any]) -> Any:
    """One pipeline."""
    values = shape.values
    retry = {
        "num_retries": values["retries"],
        "backoff_duration": "30s",
        "backoff_factor": 2,
    }

    def task(step: str, **arguments: Any) -> Any:
        return load[shape.component(step)](**arguments).set_display_name(shape.task(step))

    @dsl.pipeline(name=shape.name, description=shape.description)
    def body(
        source: str = values["source"],
        rows: int = values["rows"],
        threshold: float = values["threshold"],
        labels: dict = values["labels"],  # type: ignore[type-arg]  # as the DSL wants it
    ) -> None:
        table = task("load", source=source, rows=rows).set_caching_options(False).set_retry(**retry)
        cleaned = task("clean", table=table.outputs["table"], threshold=threshold).set_retry(**retry)
        model = task("fit", cleaned=cleaned.outputs["cleaned"], horizon=values["horizon"]).set_retry(**retry)
        model.set_cpu_request(values["resources"]["cpu"]).set_cpu_limit("2")
        model.set_memory_request(values["resources"]["memory"]).set_memory_limit("16Gi")
        verdict = task(
            "judge", model=model.outputs["model"], cleaned=cleaned.outputs["cleaned"], threshold=threshold
        )
        publish = task(
            "publish",
            model=model.outputs["model"],
            accepted=verdict.outputs["accepted"],
            owner=values["owner"],
            labels=labels,
        )
        publish.set_env_variable("PIPELINE_NUMBER", str(shape.number))

    return body


def main(specs: Path, out: Path, count: int) -> None:
    """Compile the first pipelines, one YAML file each."""
    load = loaded(specs)
    for number in range(count):
        shape = Shape(number)
        compiler.Compiler().compile(pipeline(shape, load), str(out / f"{shape.name}.yaml"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
