#!/usr/bin/env bash
# kfp 2.17.3.
# A pipeline that runs another pipeline, where both have steps of one name (`say`, `wait`), compiles to another file in
# each process: the inner steps are renamed one after the other in the order of a protobuf map, which depends on the
# process. So an unchanged source looks changed. Worse, what was renamed once can be renamed again: in some of the files a
# step of the inner pipeline runs the container of its namesake. No warning is given.
# Seen: of 12 compilations of one unchanged file several differ, and inner steps run `sleep 1` where the source says
# `sleep 2` in some of them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet kfp==2.17.3
cat > "$work/pipelines.py" <<'PYTHON'
import sys
from kfp import compiler, dsl

@dsl.container_component
def say():
    return dsl.ContainerSpec(image="alpine", command=["echo", "outside"])

@dsl.container_component
def wait():
    return dsl.ContainerSpec(image="alpine", command=["sleep", "1"])

outer_say, outer_wait = say, wait

@dsl.container_component
def say():
    return dsl.ContainerSpec(image="alpine", command=["echo", "inside"])

@dsl.container_component
def wait():
    return dsl.ContainerSpec(image="alpine", command=["sleep", "2"])

inner_say, inner_wait = say, wait

@dsl.pipeline(name="inside")
def inside():
    inner_say()
    inner_wait()
    outer_say()
    outer_wait()

@dsl.pipeline(name="outside")
def outside():
    outer_say()
    outer_wait()
    inside()

compiler.Compiler().compile(outside, sys.argv[1])
PYTHON
cat > "$work/look.py" <<'PYTHON'
import sys
import yaml

texts, mixed = set(), 0
for path in sys.argv[1:]:
    text = open(path).read()
    texts.add(text)
    spec = yaml.safe_load(text)
    executors = spec["deploymentSpec"]["executors"]
    ran = sorted(
        " ".join(executors[spec["components"][task["componentRef"]["name"]]["executorLabel"]]["container"]["command"])
        for task in spec["components"]["comp-inside"]["dag"]["tasks"].values()
    )
    mixed += ran != ["echo inside", "echo outside", "sleep 1", "sleep 2"]
print(f"{len(sys.argv) - 1} compilations: more than one file: {len(texts) > 1}; inner steps mixed up in some: {mixed > 0}")
assert len(texts) > 1 and mixed, (len(texts), mixed)
PYTHON
for number in 1 2 3 4 5 6 7 8 9 10 11 12; do
  "$work/venv/bin/python" -W ignore "$work/pipelines.py" "$work/$number.yaml"
done
"$work/venv/bin/python" "$work/look.py" "$work"/*.yaml
