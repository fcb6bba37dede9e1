#!/usr/bin/env bash
# kfp 2.17.3, ruamel.yaml 0.18.16 (a reader of YAML 1.2).
# The SDK's compiler writes IR by PyYAML, which quotes a text only where YAML 1.1 would take it for something else. What
# reads the IR follows YAML 1.2 in part (Go's readers do, in KFP's API server): there a default of `1e3` or `0o14`, given
# as a text and declared STRING, arrives as a number. A digest over the file does not show it.
# Seen: the texts 1e3, 0o14 and 08 stand without quotes; read by YAML 1.2 they are 1000.0, 12 and 8.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet kfp==2.17.3 ruamel.yaml==0.18.16
cd "$work"
cat > pipeline.py <<'PYTHON'
from kfp import compiler, dsl
from ruamel.yaml import YAML
import yaml

TEXTS = ["1e3", "0o14", "08"]

@dsl.container_component
def say(a: str, b: str, c: str):
    return dsl.ContainerSpec(image="busybox", command=["echo"], args=[a, b, c])

@dsl.pipeline
def texts(a: str = TEXTS[0], b: str = TEXTS[1], c: str = TEXTS[2]):
    say(a=a, b=b, c=c)

compiler.Compiler().compile(texts, "ir.yaml")
text = open("ir.yaml").read()
def defaults(ir):
    return [ir["root"]["inputDefinitions"]["parameters"][name]["defaultValue"] for name in "abc"]
by_1_1 = defaults(yaml.safe_load(text))
by_1_2 = defaults(YAML(typ="safe").load(text))
print("meant", TEXTS, "read as YAML 1.1", by_1_1, "read as YAML 1.2", by_1_2)
assert by_1_1 == TEXTS
assert by_1_2 == [1000.0, 12, 8], by_1_2
PYTHON
"$work/venv/bin/python" pipeline.py
