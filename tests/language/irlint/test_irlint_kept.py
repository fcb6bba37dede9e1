"""What KFP would store otherwise than it was given is refused, for it says nothing of it at upload."""

from __future__ import annotations

from typing import Any

import pytest
import rich_ir
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.compiling import compiler
from kfp_gitops.language import irlint
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import brought

_LOST = [
    ("a\x7fb", "the control character U\\+007F"),
    ("a\x85b", "the control character U\\+0085"),
    ("\x9f", "the control character U\\+009F"),
    ("a\ufffe", "the control character U\\+FFFE"),
    ("0o-7", "it becomes a number"),
    ("0_o+1_7", "it becomes a number"),
]
_KEPT = [
    "0X1F",
    "0o7",
    "1e3",
    "08",
    "y",
    "2001-1-1",
    "<<",
    "\x00\x1b",
    "\u2028",
    "\ufeff",
    " a\n b",
    "\n a",
    "a\n...\n",
    "",
]
_MANIFEST = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: lost, description: d, owner: o}
spec:
  parameters: {p: {type: str, default: TEXT}}
  tasks:
    first: {component: say, arguments: {text: {param: p}}}
"""
_SAY = """name: say
inputs:
- {name: text, type: String}
implementation:
  container: {image: "x@sha256:DIGEST", command: [echo, {inputValue: text}]}
""".replace("DIGEST", "1" * 64)


def _documents(text: str) -> list[Any]:
    documents = rich_ir.documents()
    documents[0]["root"]["inputDefinitions"]["parameters"]["secret"]["defaultValue"] = text
    return documents


@pytest.mark.parametrize(("text", "said"), _LOST)
def test_a_text_that_kfp_changes_is_refused_with_its_line(text: str, said: str) -> None:
    written = dump_all(_documents(text))
    with pytest.raises(InputError, match=f"KFP does not keep .*{said}") as refused:
        brought.read(written, "ir.yaml")
    (problem,) = refused.value.problems
    line = written.splitlines()[problem.line - 1]
    assert line.strip().startswith("defaultValue:")


@pytest.mark.parametrize("text", _KEPT)
def test_a_text_that_kfp_keeps_passes(text: str) -> None:
    found = brought.read(dump_all(_documents(text)), "ir.yaml")
    assert found.declared["secret"]["defaultValue"] == text


def test_a_key_that_merges_is_refused() -> None:
    documents = rich_ir.documents()
    documents[0]["root"]["inputDefinitions"]["parameters"]["rows"]["defaultValue"] = [{"<<": 1}]
    (found,) = irlint.findings(documents)
    assert (found.at[-1], found.what) == ("<<", 'KFP does not keep "<<": that key merges maps')


@pytest.mark.parametrize(
    ("text", "lost"),
    [("\na\n", True), ("\ta\nb", True), ("\u2028a\nb", True), (" a\nb", False), ("a\n\tb", False), ("\ta", False)],
)  # fmt: skip
def test_of_the_platform_document_a_block_keeps_its_first_line(text: str, lost: bool) -> None:
    documents = rich_ir.documents()
    executors = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    next(iter(executors.values()))["podMetadata"] = {"annotations": {"note": text}}
    found = [(one.document, one.at[-1]) for one in irlint.findings(documents)]
    assert found == ([(1, "note")] if lost else [])


@pytest.mark.parametrize(
    ("manifest", "spec", "place"),
    [
        (_MANIFEST.replace("TEXT", r'"a\x7fb"'), _SAY, "5:16"),
        (_MANIFEST.replace("TEXT", "a").replace("{param: p}", r'"\x7f"'), _SAY, "7:5"),
        (_MANIFEST.replace("TEXT", "a"), _SAY.replace("[echo", r'["\x7f"'), "7:5"),
    ],
)  # fmt: skip
def test_in_a_pipeline_of_tasks_it_is_told_where_it_comes_from(manifest: str, spec: str, place: str) -> None:
    rendered = RenderedPipeline("lost", "r", manifest, {"say": spec})
    with pytest.raises(InputError, match=rf"m/pipelines/lost/pipeline\.yaml:{place}: .*KFP does not keep"):
        compiler.compile_pipeline(rendered, "m")
