"""URIs that KFP reads: of importers, wherever their text comes from, and of pipeline roots."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import rich_ir
from kfp_gitops.checking import check
from kfp_gitops.language import irlint, storage
from kfp_gitops.language.manifest import reader
from language import COMPONENTS, HEAD, compiled, refusals

READ = ["gs://b/x", "s3://b/a/b.csv", "minio://mlpipeline/v2", "s3://b/x?region=eu", "gs://b"]
UNREAD = [
    "", "x.csv", "/tmp/x", "b/x", "http://h/x", "https://h/x", "file:///x", "hdfs://h/x", "S3://b/x", "s3:/b/x",
    "s3:///b/x", "s3://", " s3://b/x", "abfs://c/x", "mem://b/x",
]  # fmt: skip


@pytest.mark.parametrize("uri", READ)
def test_what_kfp_reads(uri: str) -> None:
    assert storage.importer(uri, "Dataset") is None
    assert storage.root(uri) is None


@pytest.mark.parametrize("uri", UNREAD)
def test_what_it_does_not(uri: str) -> None:
    assert storage.importer(uri, "Dataset")
    assert storage.root(uri)


def test_an_image_is_read_as_a_model_alone() -> None:
    assert storage.importer("oci://r/m:1", "Model") is None
    assert storage.importer("oci://r/m:1", "") is None
    assert "for models only" in str(storage.importer("oci://r/m:1", "Dataset"))
    assert "to the workspace" in str(storage.importer("oci://r/m:1", "Model", to_workspace=True))
    assert storage.root("oci://r/m:1")


BODY = """\
spec:
  parameters: {where: {type: str, default: "DEFAULT"}, open: {type: str}}
  tasks:
    a: {importer: {uri: "CONSTANT", type: Dataset}}
    b: {importer: {uri: {param: where}, type: Model}}
    c: {importer: {uri: {param: open}, type: Model}}
    each:
      loop: {items: [s3://b/1, "ITEM"]}
      tasks:
        d: {importer: {uri: {item: each}, type: Dataset}}
  pipelineRoot: "ROOT"
schedules:
- {name: s, cron: "0 0 4 * * *", enabled: true, maxConcurrency: 1, catchup: false, parameters: {open: "SCHEDULED"}}
"""


@pytest.mark.parametrize(
    ("place", "line"), [("CONSTANT", 4), ("DEFAULT", 2), ("ITEM", 8), ("ROOT", 11), ("SCHEDULED", 13)]
)
def test_a_uri_is_judged_where_it_is_known(place: str, line: int) -> None:
    body = BODY
    for name in ("CONSTANT", "DEFAULT", "ITEM", "ROOT", "SCHEDULED"):
        body = body.replace(f'"{name}"', '"http://h/x"' if name == place else '"s3://b/x"')
    (found,) = refusals(body)
    assert found.startswith(f"{line}:")
    assert "KFP reads no URI like 'http://h/x'; write one of gs://" in found


INNER = """\
spec:
  parameters: {uri: {type: str}}
  tasks: {a: {importer: {uri: {param: uri}, type: Dataset}}}
"""


def test_a_uri_that_is_given_to_a_pipeline_inside_is_judged_where_it_is_given() -> None:
    inner = reader.read(HEAD + INNER, "inner.yaml")
    between = reader.read(
        HEAD
        + "spec:\n  parameters: {u: {type: str}}\n  tasks: {i: {pipeline: inner, arguments: {uri: {param: u}}}}\n",
        "between.yaml",
    )
    outer = reader.read(
        HEAD + "spec:\n  tasks:\n    o: {pipeline: between, arguments: {u: ftp://h/x}}\n", "o.yaml"
    )
    known: dict[str, Any] = {"inner": check.interface(inner, COMPONENTS, {})}
    known["between"] = check.interface(between, COMPONENTS, known)
    assert check.problems(between, COMPONENTS, known) == []
    (found,) = check.problems(outer, COMPONENTS, known)
    assert str(found).startswith("o.yaml:6:43: KFP reads no URI like 'ftp://h/x'")


def _constant(documents: list[Any]) -> None:
    importer = documents[0]["deploymentSpec"]["executors"]["exec-importer"]["importer"]
    importer["artifactUri"] = {"constant": "http://h/x"}


def _default(documents: list[Any]) -> None:
    documents[0]["root"]["inputDefinitions"]["parameters"]["uri"]["defaultValue"] = "http://h/x"


def _root(documents: list[Any]) -> None:
    documents[0]["defaultPipelineRoot"] = "/tmp/x"


@pytest.mark.parametrize("spoil", [_constant, _default, _root])
def test_the_same_in_a_compiled_pipeline(spoil: Callable[[list[Any]], None]) -> None:
    documents = rich_ir.documents()
    before = copy.deepcopy(documents)
    spoil(documents)
    assert irlint.findings(before) == []
    (found,) = irlint.findings(documents)
    assert "KFP reads no URI like" in found.what


@pytest.mark.parametrize("uri", ["gs://b", "s3://b/", "minio://b//"])
def test_a_whole_bucket_is_imported_but_not_read(uri: str) -> None:
    assert storage.importer(uri, "Dataset") is None
    assert "KFP downloads no whole bucket" in str(storage.importer(uri, "Dataset", is_read=True))
    assert "KFP downloads no whole bucket" in str(storage.importer(uri, "Dataset", to_workspace=True))
    body = f'spec:\n  tasks:\n    a: {{importer: {{uri: "{uri}", type: Dataset}}}}\n'
    assert refusals(body) == []
    (found,) = refusals(body + "    b: {component: train, arguments: {data: {task: a, output: artifact}}}\n")
    assert found.startswith("3:")
    assert "KFP downloads no whole bucket" in found
    documents = rich_ir.documents()
    documents[0]["root"]["inputDefinitions"]["parameters"]["uri"]["defaultValue"] = uri
    (told,) = irlint.findings(documents)
    assert told.at == ("root", "inputDefinitions", "parameters", "uri", "defaultValue")
    assert "KFP downloads no whole bucket" in told.what


BESIDE = """\
spec:
  tasks:
    a: {component: say, arguments: {text: s3://b/x}}
    b: {importer: {uri: {task: a, output: said}, type: Dataset}}
"""
INTO = """\
spec:
  tasks:
    a: {component: say, arguments: {text: s3://b/x}}
    g:
      if: {eq: [{task: a, output: said}, "s3://b/x"]}
      tasks:
        b: {importer: {uri: {task: a, output: said}, type: Dataset}}
"""


def test_an_importer_looks_up_no_output_beside_it() -> None:
    (found,) = refusals(BESIDE)
    assert found.startswith("4:")
    assert "KFP's importer does not look up an output of 'a' beside it, and fails" in found
    assert refusals(INTO) == []  # the group is given it, and the importer finds it there
    assert compiled(INTO)


def test_a_compiled_importer_looks_up_what_the_dag_around_it_is_given_alone() -> None:
    documents = rich_ir.documents()
    given = documents[0]["root"]["dag"]["tasks"]["importer"]["inputs"]["parameters"]
    given["uri"] = {"taskOutputParameter": {"producerTask": "inner", "outputParameterKey": "Output"}}
    (found,) = irlint.findings(documents)
    assert found.at == ("root", "dag", "tasks", "importer", "inputs", "parameters", "uri")
    assert "takes its URI from an output of a task beside it" in found.what
    given["uri"] = {"runtimeValue": {"constant": "s3://b/x"}}
    assert "takes its URI from a constant beside it" in str(irlint.findings(documents))
