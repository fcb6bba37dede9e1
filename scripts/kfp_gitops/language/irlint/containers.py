"""What a container's command line says, and KFP does not do: placeholders, conditions, outputs that nobody writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kfp_gitops.base.yamltext import Path
from kfp_gitops.language.irlint import spelling
from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.view import Component, Ir, Node, bound, component_name, placeholders
from kfp_gitops.language.wellknown import PYTHON_EXECUTOR, STUB_IMAGES

# Where the driver has outputs written (backend/src/v2/driver/driver.go, `provisionOutputs`; launcher_v2.go).
OUTPUTS = "/tmp/kfp/outputs/"  # noqa: S108  # KFP's path in a container
METADATA = "/tmp/kfp_outputs/output_metadata.json"  # noqa: S108  # likewise
_CONCAT = "write the parts as one text: KFP replaces placeholders inside of it"


def findings(ir: Ir) -> Iterator[Finding]:
    """Everything that is wrong with the containers of components that are no Python functions of the SDK."""
    for component in ir.all():
        label = component.node.get("executorLabel", "")
        container: Node = ir.executors.get(label, {}).get("container", {})
        words = [*container.get("command", ()), *container.get("args", ())]
        if (
            not container
            or container.get("image") in STUB_IMAGES
            or any(PYTHON_EXECUTOR in one for one in words)
        ):
            continue
        for field in ("command", "args"):
            for index, text in enumerate(container.get(field, ())):
                at: Path = ("deploymentSpec", "executors", label, "container", field, index)
                yield from _spelling(at, text)
                yield from _structure(ir, component, at, text)
        yield from _untold(component, " ".join(words))


def _spelling(at: Path, text: str) -> Iterator[Finding]:
    for found in spelling.misspelt(text):
        yield Finding(0, at, f"KFP does not replace {found[:80]!r}", spelling.TODO, "placeholder-left")


def _structure(ir: Ir, component: Component, at: Path, text: str) -> Iterator[Finding]:
    """`{"Concat": …}` and `{"IfPresent": …}` in an argument (driver/util.go, `resolveContainerArgs`, 2.17)."""
    start = text.lstrip()
    if start.startswith('{"Concat":'):
        yield Finding(
            0, at, "the container gets this Concat as the JSON that it is", _CONCAT, "concat-as-json"
        )
    elif start.startswith('{"IfPresent":'):
        for what, todo, fault in _condition(_given(ir, component), _json(text), text):
            yield Finding(0, at, what, todo, fault)


def _json(text: str) -> Any:
    try:
        return json.loads(text)["IfPresent"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _given(ir: Ir, component: Component) -> set[str]:
    """The artifacts that any task gives to a component: of one that none gives, IfPresent is rightly false."""
    tasks = (task for around in ir.all() for task in around.tasks.values())
    return {
        name for task in tasks if component_name(task) == component.name for name in bound(task, "artifacts")
    }


def _condition(artifacts: set[str], found: Any, text: str) -> Iterator[tuple[str, str, str]]:
    """What is wrong, what to do, and the kind of it where one may accept it: the driver fails for what is no JSON."""
    if not isinstance(found, dict):
        yield "KFP cannot read this IfPresent", "write InputName, Then and Else as the SDK does", ""
        return
    if found.get("InputName") in artifacts:
        what = "KFP looks for parameters only, so this IfPresent of an artifact is always false"
        yield what, "take the decision inside the container", "if-present-of-artifact"
    if "$.outputs" in text:
        what = "the container gets this IfPresent as the JSON that it is, for it names an output"
        yield what, "name the output outside of it", "if-present-as-json"
    branches = (found.get("Then"), found.get("Else"))
    items = [
        item for one in branches for item in (one if isinstance(one, list) else [one]) if item is not None
    ]
    if not all(isinstance(item, str) for item in items):
        what = "KFP takes texts only in the branches of an IfPresent"
        yield what, "write each part as one text", "if-present-of-parts"


def _untold(component: Component, line: str) -> Iterator[Finding]:
    """Outputs of which the container is not told where to write them: the step fails, or the artifact is empty."""
    if "{{$}}" in line or METADATA in line:
        return
    told = {(what, name) for side, what, name in placeholders(line) if side == "outputs"}
    for what, end in (("parameters", "output_file"), ("artifacts", "path")):
        for name in component.declared("outputs", what):
            if (what, name) not in told and f"{OUTPUTS}{name}" not in line:
                at = (*component.at, "outputDefinitions", what, name)
                text = f"{component.name} is never told where to write its output {name!r}"
                todo = f"write {{{{$.outputs.{what}['{name}'].{end}}}}} in its command or args"
                yield Finding(0, at, text, todo, "output-unwritten")
