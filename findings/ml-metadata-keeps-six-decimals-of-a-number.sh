#!/usr/bin/env bash
# ml-metadata 1.17.1 (KFP 2.17 runs 1.14.0): a double in a property is written with std::to_string
# (metadata_store/query_config_executor.cc), so what a task logs as 0.8499996 is read as 0.85, and 1e-9 as 0.
# Seen: numbers that go into the library's own store (SQLite) and come back out.
#
# With a file as its argument it also writes what that store answers to what KFP's page asks, for a run that is kept as
# KFP's drivers and launchers keep it (backend/src/v2/metadata/client.go): tests/data/ml-metadata/run.json.
set -euo pipefail
record=${1:+$(realpath -m "$1")}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet ml-metadata==1.17.1
cat > "$work/try.py" <<'PYTHON'
import base64, json, sys

from google.protobuf import struct_pb2
from ml_metadata.metadata_store import metadata_store
from ml_metadata.metadata_store.pywrap.metadata_store_extension import metadata_store as serialized
from ml_metadata.proto import metadata_store_pb2 as pb
from ml_metadata.proto import metadata_store_service_pb2 as service

config = pb.ConnectionConfig()
config.sqlite.filename_uri, config.sqlite.connection_mode = sys.argv[1] + "/store.db", 3
store = metadata_store.MetadataStore(config)


def value(found):
    if isinstance(found, dict):
        struct = struct_pb2.Struct()
        struct.update(found)
        return pb.Value(struct_value=struct)
    kind = {str: "string_value", int: "int_value", float: "double_value"}[type(found)]
    return pb.Value(**{kind: found})


def with_properties(message, properties):
    for name, found in properties.items():
        message.custom_properties[name].CopyFrom(value(found))
    return message


def context(kind, name, **properties):
    type_id = store.put_context_type(pb.ContextType(name=kind))
    made = with_properties(pb.Context(name=name, type_id=type_id), properties)
    [made.id] = store.put_contexts([made])
    return made


def artifact(kind, uri, **properties):
    type_id = store.put_artifact_type(pb.ArtifactType(name=kind))
    made = pb.Artifact(type_id=type_id, uri=uri, state=pb.Artifact.LIVE)
    return store.put_artifacts([with_properties(made, properties)])[0]


def execution(state, artifacts=(), dag=False, **properties):
    kind = "system.DAGExecution" if dag else "system.ContainerExecution"
    type_id = store.put_execution_type(pb.ExecutionType(name=kind))
    made = with_properties(pb.Execution(type_id=type_id, last_known_state=state), properties)
    pairs = []
    for name, artifact_id in artifacts:
        event = pb.Event(type=pb.Event.OUTPUT, artifact_id=artifact_id)
        event.path.steps.add().key = name
        pairs.append((None, event))
    return store.put_execution(made, pairs, both)[0]


for number in (1 / 3, 0.8499996, 1e-9, 1234567.89):
    made = artifact("system.Metrics", "s3://b/m", m=number)
    [read] = store.get_artifacts_by_id([made])
    print(number, "->", read.custom_properties["m"].double_value)
    assert read.custom_properties["m"].double_value == float(f"{number:f}")

RUNNING, COMPLETE, CACHED, NOT_TRIGGERED = 2, 3, 5, 6
both = [context("system.Pipeline", "p"), context("system.PipelineRun", "run-1", namespace="team")]
root = execution(RUNNING, dag=True, task_name="", display_name="", inputs={"x": 1})
metrics = artifact(
    "system.Metrics", "s3://b/m", display_name="metrics", store_session_info="{}", accuracy=0.91, third=1 / 3, ok=1
)
matrix = {"annotationSpecs": [{"displayName": "a"}, {"displayName": "b"}], "rows": [{"row": [9, 1]}, {"row": [0, 10]}]}
curve = [{"confidenceThreshold": 1, "recall": 0, "falsePositiveRate": 0}, {"recall": 1, "falsePositiveRate": 1}]
judged = artifact(
    "system.ClassificationMetrics", "s3://b/c", confusionMatrix={"struct": matrix}, confidenceMetrics={"list": curve}
)
logs = artifact("system.Artifact", "s3://b/logs", display_name="executor-logs")
given = {"count": 5, "rate": 0.5, "ok": True, "names": ["a", None], "deep": {"a": {"b": 1}}, "text": "ä"}
train = execution(
    COMPLETE, [("metrics", metrics), ("judged", judged), ("executor-logs", logs)],
    task_name="train", display_name="Train it", parent_dag_id=root, outputs=given,
)
execution(
    CACHED, [("metrics", metrics)], task_name="again", display_name="again", parent_dag_id=root,
    outputs={"count": 5}, cached_execution_id=str(train),
)
gives = {"size": json.dumps({"valueFromParameter": {"producerSubtask": "one", "outputParameterKey": "size"}})}
loop = {"task_name": "for-loop-1", "display_name": "each", "total_dag_tasks": 1, "parameter_producer_task": gives}
around = execution(COMPLETE, dag=True, parent_dag_id=root, iteration_count=3, **loop)
for index in range(3):
    inside = execution(COMPLETE, dag=True, parent_dag_id=around, iteration_index=index, **loop)
    loss = artifact("system.Metrics", f"s3://b/{index}", loss=float(index))
    execution(
        COMPLETE, [("metrics", loss)], task_name="one", display_name="one", parent_dag_id=inside, outputs={"size": index}
    )
one_of = [{"producerSubtask": name, "outputParameterKey": "o"} for name in ("not-run", "pick")]
inner = execution(
    COMPLETE, dag=True, task_name="inner", display_name="inner", parent_dag_id=root, total_dag_tasks=2,
    parameter_producer_task={"best": json.dumps({"valueFromOneof": {"parameterSelectors": one_of}})},
    artifact_producer_task=json.dumps(
        {"model": {"artifact_selectors": [{"producer_subtask": "pick", "output_artifact_key": "model"}]}}
    ),
)
model = artifact("system.Model", "s3://b/model")
execution(COMPLETE, [("model", model)], task_name="pick", display_name="pick", parent_dag_id=inner, outputs={"o": "yes"})
execution(NOT_TRIGGERED, task_name="not-run", display_name="not run", parent_dag_id=inner)

calls = []


def asked(method, **fields):
    sent = getattr(service, f"{method}Request")(**fields).SerializeToString()
    answer, said, status = getattr(serialized, method)(store._metadata_store, sent)
    text = {"request": base64.b64encode(sent).decode(), "reply": base64.b64encode(answer).decode()}
    calls.append({"method": method, **text, "status": status, "said": said.decode()})
    made = getattr(service, f"{method}Response")()
    made.ParseFromString(answer)
    return made


kind = "system.PipelineRun"
asked("GetContextByTypeAndName", type_name=kind, context_name="nobody")
found = asked("GetContextByTypeAndName", type_name=kind, context_name="run-1")
options = pb.ListOperationOptions(max_result_size=100, next_page_token="")
page = asked("GetExecutionsByContext", context_id=found.context.id, options=options)
events = asked("GetEventsByExecutionIDs", execution_ids=[one.id for one in page.executions]).events
ids = sorted({event.artifact_id for event in events if event.type == pb.Event.OUTPUT})
asked("GetArtifactsByID", artifact_ids=ids, populate_artifact_types=True)
if len(sys.argv) > 2:
    with open(sys.argv[2], "w") as file:
        json.dump({"of": "ml-metadata 1.17.1", "calls": calls}, file, indent=2)
        file.write("\n")
PYTHON
"$work/venv/bin/python" "$work/try.py" "$work" ${record:+"$record"}
