#!/usr/bin/env bash
# kfp 2.17.3 (kubeflow/pipelines#13273).
# A loop over a list of maps that is written down in the pipeline compiles well on its own. Inside a dsl.ExitHandler (or a
# dsl.If) the group around it is declared an input for each field of the items that nothing gives: neither the task that
# runs the group, nor a default, nor `isOptional`. The file compiles and uploads without a word.
# Seen: the exit handler wants `…-subvar-depth`, its task gives nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet kfp==2.17.3
cat > "$work/try.py" <<'PYTHON'
import yaml
from kfp import compiler, dsl

@dsl.container_component
def fit(depth: int):
    return dsl.ContainerSpec(image="alpine", command=["echo", depth])

@dsl.container_component
def tell():
    return dsl.ContainerSpec(image="alpine", command=["echo", "done"])

@dsl.pipeline(name="guarded")
def guarded():
    with dsl.ExitHandler(tell()):
        with dsl.ParallelFor([{"depth": 1}, {"depth": 2}]) as item:
            fit(depth=item.depth)

@dsl.pipeline(name="alone")
def alone():
    with dsl.ParallelFor([{"depth": 1}, {"depth": 2}]) as item:
        fit(depth=item.depth)

def wanted_and_not_given(pipeline):
    compiler.Compiler().compile(pipeline, "compiled.yaml")
    spec = yaml.safe_load(open("compiled.yaml"))
    found = []
    for owner in (spec["root"], *spec["components"].values()):
        for task in owner.get("dag", {}).get("tasks", {}).values():
            given = set(task.get("inputs", {}).get("parameters", {}))
            given.add(task.get("parameterIterator", {}).get("itemInput"))
            wanted = spec["components"][task["componentRef"]["name"]].get("inputDefinitions", {}).get("parameters", {})
            found += [name for name, one in wanted.items() if name not in given and not one.get("isOptional")]
    return found

found = {one.name: wanted_and_not_given(one) for one in (alone, guarded)}
print(found)
assert found == {"alone": [], "guarded": ["pipelinechannel--loop-item-param-2-subvar-depth"]}, found
PYTHON
cd "$work" && "$work/venv/bin/python" -W ignore try.py
