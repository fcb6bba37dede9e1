"""Manifests out of thin air either compile to IR that lints clean, or are refused with a place and a remedy."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from kfp_gitops.base.errors import InputError, Problem
from kfp_gitops.base.yamldump import dump
from kfp_gitops.checking import check
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.language.manifest import reader
from kfp_gitops.rendering.render import RenderedPipeline
from language import COMPONENTS, SPECS
from manifest_strategy import manifests
from profiles import examples


def _refusals(text: str) -> list[Problem]:
    try:
        return check.problems(reader.read(text, "m.yaml"), COMPONENTS)
    except InputError as error:
        return list(error.problems)


@settings(max_examples=examples(1200), suppress_health_check=list(HealthCheck))
@given(manifests())
def test_a_manifest_compiles_to_sound_ir_or_is_refused_with_positions(manifest: dict[str, Any]) -> None:
    """What the checks let through, the compiler must not refuse: the checks know every trap that is reached here."""
    text = dump(manifest)
    problems = _refusals(text)
    if not problems:
        assert compile_pipeline(RenderedPipeline("p", "sha256:0", text, SPECS), "m").text
    for problem in problems:
        assert problem.line >= 1, problem
        assert problem.column >= 1, problem
        assert problem.what, problem
        assert problem.todo, problem
