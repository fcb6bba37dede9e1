"""From rendered manifests to IR texts and their identities. kfp is imported when the first one is compiled."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import processes
from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.packed import Packed
from kfp_gitops.checking import limits
from kfp_gitops.compiling import driverargs, ir
from kfp_gitops.rendering.rendered import RenderedPipeline

if TYPE_CHECKING:
    from kfp_gitops.compiling.compiler.made import Made


@dataclass(frozen=True)
class Identity:
    """What a pipeline compiles to: the digest of its IR, what may fail elsewhere, and images not built yet."""

    digest: str
    warnings: tuple[Problem, ...]
    placeholders: tuple[str, ...]


@dataclass(frozen=True)
class Compiled(Identity):
    """A compiled pipeline with its IR."""

    ir: Packed

    @property
    def text(self) -> str:
        """The text of its IR."""
        return str(self.ir)


def compile_all(pipelines: Sequence[RenderedPipeline], folder: str) -> dict[str, Compiled]:
    """Compile every pipeline of an environment, on all cores.

    Raises:
        InputError: every pipeline that does not compile.
    """
    _import_kfp()
    answers = _answers(pipelines, partial(_answer, partial(compile_pipeline, folder=folder)))
    return {
        name: Compiled(**_identity(answer), ir=Packed(b64decode(answer["ir"]))) for name, answer in answers
    }


def identify_all(
    pipelines: Sequence[RenderedPipeline],
    folder: str,
    meanwhile: Callable[[], Sequence[int] | None] | None = None,
) -> dict[str, Identity]:
    """The same, without the texts, which take a third of the time.

    `meanwhile` as in `processes.spread`; where it leaves nothing to be compiled, kfp is not imported.
    """
    if meanwhile is None:
        _import_kfp()
    answers = _answers(pipelines, partial(_answer, partial(identify_pipeline, folder=folder)), meanwhile)
    return {name: Identity(**_identity(answer)) for name, answer in answers}


def _answers(
    pipelines: Sequence[RenderedPipeline],
    answer: Callable[[RenderedPipeline], dict[str, Any]],
    meanwhile: Callable[[], Sequence[int] | None] | None = None,
) -> list[tuple[str, dict[str, Any]]]:
    found = processes.spread(answer, pipelines, meanwhile=meanwhile or (lambda: None))
    raise_if_any(Problem.of(texts) for one in found for texts in one.get("problems", ()))
    return [(one["name"], one) for one in found]


def _answer(one: Callable[[RenderedPipeline], Identity], pipeline: RenderedPipeline) -> dict[str, Any]:
    """What it compiles to, or its problems, as texts: it may be another process that compiles."""
    try:
        found = one(pipeline)
    except InputError as error:
        return {"problems": [problem.texts() for problem in error.problems]}
    return {
        "name": pipeline.name,
        "digest": found.digest,
        "warnings": [warning.texts() for warning in found.warnings],
        "placeholders": list(found.placeholders),
        "ir": b64encode(found.ir.content).decode("ascii") if isinstance(found, Compiled) else "",
    }


def _identity(answer: Mapping[str, Any]) -> dict[str, Any]:
    warnings = tuple(map(Problem.of, answer["warnings"]))
    return {
        "digest": answer["digest"],
        "warnings": warnings,
        "placeholders": tuple(answer["placeholders"]),
    }


def compile_pipeline(pipeline: RenderedPipeline, folder: str) -> Compiled:
    """Compile one pipeline; problems name the manifest in `folder` and the line of the task."""
    from kfp_gitops.compiling.compiler import emit, made

    found = made.made(pipeline, folder)
    text = emit.text(found.documents)
    identity = _identified(found, len(text.encode()))
    return Compiled(identity.digest, identity.warnings, identity.placeholders, Packed.of(text))


def identify_pipeline(pipeline: RenderedPipeline, folder: str) -> Identity:
    """The same, without the text, unless its length matters."""
    from kfp_gitops.compiling.compiler import emit, made

    found = made.made(pipeline, folder)
    size = ir.at_most(found.documents)
    known = size <= limits.WORKFLOW.maximum
    return _identified(found, size if known else len(emit.text(found.documents).encode()))


def _identified(found: Made, size: int) -> Identity:
    """Its identity, if as many bytes of YAML do not stop it."""
    raise_if_any(
        found.told_in.problem(found.at(finding.at), finding.what, finding.todo, key=True)
        for finding in (*driverargs.findings(found.documents, size), *limits.of_ir(size))
    )
    what = limits.doubts(size)
    todo = "try it on the server that it is for, or split it"
    doubts = (found.told_in.problem((), what, todo),) if what else ()
    return Identity(ir.digest(found.documents), (*doubts, *found.accepted), ir.placeholders(found.documents))


def _import_kfp() -> None:
    """Once, and not in each of the processes that are forked."""
    import kfp_gitops.compiling.compiler.made  # noqa: F401  # used later
