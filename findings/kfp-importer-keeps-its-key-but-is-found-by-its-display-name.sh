#!/usr/bin/env bash
# kfp 2.17.3.
# set_display_name() on an importer changes `taskInfo.name` in the IR and nothing else: tasks that use what it imports still
# name it by its key. KFP's launcher (2.17.0, component/importer_launcher.go) records an importer by taskInfo.name and its
# driver looks it up by the key, so each consumer fails with "cannot find producer task". For every other kind of task the
# same call is harmless. The SDK compiles it without a word.
# Seen: key importer, taskInfo.name "Get data", producerTask importer.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet kfp==2.17.3
cd "$work"
cat > try.py <<'PYTHON'
import yaml
from kfp import compiler, dsl

@dsl.component
def use(data: dsl.Input[dsl.Dataset]):
    pass

@dsl.pipeline
def imported():
    data = dsl.importer(artifact_uri="gs://bucket/data.csv", artifact_class=dsl.Dataset)
    data.set_display_name("Get data")
    use(data=data.output)

compiler.Compiler().compile(imported, "ir.yaml")
tasks = yaml.safe_load(open("ir.yaml"))["root"]["dag"]["tasks"]
consumer = tasks["use"]["inputs"]["artifacts"]["data"]["taskOutputArtifact"]["producerTask"]
key = next(name for name in tasks if name != "use")
print(f"key {key}, taskInfo.name {tasks[key]['taskInfo']['name']!r}, producerTask {consumer}")
assert (key, tasks[key]["taskInfo"]["name"], consumer) == ("importer", "Get data", "importer")
PYTHON
"$work/venv/bin/python" try.py
