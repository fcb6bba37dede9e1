#!/usr/bin/env bash
# kfp 2.17.3 (kubeflow/pipelines#13273).
# A loop over a list of maps that is written down in the pipeline compiles well on its own. Inside a dsl.ExitHandler the
# task that runs the handler's group is given each field of the items by `componentInputParameter: loop-item-param-N`, an
# input of the pipeline that the pipeline does not declare. The SDK says nothing of it.
# Seen: the task of the exit handler refers to `loop-item-param-2`; the pipeline has no input of that name.
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

def undeclared(pipeline):
    compiler.Compiler().compile(pipeline, "compiled.yaml")
    root = yaml.safe_load(open("compiled.yaml"))["root"]
    declared = root.get("inputDefinitions", {}).get("parameters", {})
    given = [one for task in root["dag"]["tasks"].values() for one in task.get("inputs", {}).get("parameters", {}).values()]
    named = [one["componentInputParameter"] for one in given if "componentInputParameter" in one]
    return [name for name in named if name not in declared]

found = {one.name: undeclared(one) for one in (alone, guarded)}
print(found)
assert found == {"alone": [], "guarded": ["loop-item-param-2"]}, found
PYTHON
cd "$work" && "$work/venv/bin/python" -W ignore try.py
