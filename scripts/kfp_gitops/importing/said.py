"""A compiled file as manifests and components; pipelines inside it that no manifest says stay compiled files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.base.yamltext import Document, Path, parse
from kfp_gitops.importing import images, proof, texts
from kfp_gitops.importing.homes import Homes
from kfp_gitops.importing.pipelines import Pipelines
from kfp_gitops.importing.proof import INNER, TEMPLATE, Fault, Proof, RefusedError
from kfp_gitops.importing.result import Imported
from kfp_gitops.importing.settable import Settable
from kfp_gitops.importing.source import BRING, Source
from kfp_gitops.importing.specs import Specs
from kfp_gitops.language import faults
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import literal
from kfp_gitops.sources.brought import Brought

_PART = "# A pipeline inside {file} that no manifest says; the tasks of pipeline.yaml.j2 run it as it is.\n{reasons}"


@dataclass(frozen=True)
class Asked:
    """What an import is given beside the file: specs of components/ that are there, the owner, schedules."""

    present: Mapping[str, str]
    owner: str
    env: str
    schedules: Sequence[Mapping[str, Any]]


def said(file: Brought, asked: Asked, *, strict: bool) -> Imported:
    """The import of a file, of which as little as may be is kept as it is; `strict`: nothing.

    Raises:
        InputError: each place of the whole that no manifest says.
    """
    keep: dict[str, Sequence[Problem]] = {}
    while True:
        source = Source(file)
        try:
            return _Attempt(source, asked, keep).imported(strict=strict)
        except RefusedError as refused:
            new = {} if strict else _to_be_kept(source, refused.args, frozenset(keep))
            if not new:
                raise InputError(
                    [*(one for few in keep.values() for one in few), *_problems(refused)]
                ) from None
            keep |= new


def _problems(refused: RefusedError) -> list[Problem]:
    return [fault.problem for fault in refused.args]


def _to_be_kept(source: Source, faults: Sequence[Fault], but: frozenset[str]) -> dict[str, list[Problem]]:
    """The smallest pipelines inside that have faults, and are not kept yet."""
    homes = Homes.of(source)
    found: dict[str, list[Problem]] = {}
    for fault in faults:
        if pipeline := homes.smallest(fault.at, but):
            found.setdefault(pipeline, []).append(fault.problem)
    return found


def accepting(manifest: Mapping[str, Any], kinds: Sequence[str]) -> dict[str, Any]:
    """The manifest that accepts these kinds of faults, and no others."""
    spec = {key: value for key, value in manifest["spec"].items() if key != "acceptedFaults"}
    return {**manifest, "spec": {**spec, **({"acceptedFaults": list(kinds)} if kinds else {})}}


class _Attempt:
    """One reading of the file, with what is kept known beforehand."""

    def __init__(self, source: Source, asked: Asked, keep: Mapping[str, Sequence[Problem]]) -> None:
        self.source = source
        self.asked = asked
        self.specs = Specs(asked.present, str(source.spec.get("sdkVersion", "")))
        self.pipelines = Pipelines(source, self.specs, keep)

    def imported(self, *, strict: bool) -> Imported:
        """Raises RefusedError, and InputError for what stands in the whole itself."""
        manifest = self.pipelines.outer(self.asked.owner)
        raise_if_any(self.source.problems)
        if strict:
            raise_if_any([one for few in self.pipelines.kept.values() for one in few])
        name = self.source.spec["pipelineInfo"]["name"]
        worth = Settable.of(manifest, self.pipelines.inner)
        values = worth.values(self.asked.owner, self.asked.schedules)
        manifest["spec"]["acceptedFaults"] = list(faults.KINDS)
        files = {**self._templates(manifest), **self._parts()}
        found = self._proved(proof.rendered(name, files, values, self.specs.made, self.asked.env))
        files |= {TEMPLATE: texts.template(accepting(manifest, found.kinds))}
        schema = {"values.schema.json": worth.schema(name)}
        kept = {
            literal.file_of(part): why
            for part, why in self.pipelines.kept.items()
            if part in self.pipelines.parts
        }
        said = (found.digest, found.told, kept)
        return Imported(
            name, {**files, **schema}, self.specs.new, values, self._images(), *said, accepted=found.kinds
        )

    def _templates(self, manifest: Mapping[str, Any]) -> dict[str, str]:
        inner = self.pipelines.inner.items()
        return {
            TEMPLATE: texts.template(manifest),
            **{f"{name}{INNER}": texts.template(one, name) for name, one in inner},
        }

    def _parts(self) -> dict[str, str]:
        return {
            literal.file_of(name): self._head(name) + dump_all(documents)
            for name, documents in self.pipelines.parts.items()
        }

    def _head(self, part: str) -> str:
        file = PurePath(self.source.path).name
        reasons = [f"{file}:{one.line}: {one.what}" for one in self.pipelines.kept[part]]
        return _PART.format(file=file, reasons="".join(f"# {' '.join(one.split())}\n" for one in reasons))

    def _images(self) -> tuple[str, ...]:
        parts = [one for documents in self.pipelines.parts.values() for one in documents]
        return tuple(dict.fromkeys([*self.specs.images, *images.loose(parts)]))

    def _proved(self, rendered: RenderedPipeline) -> Proof:
        try:
            return proof.proved(self.source, rendered)
        except InputError as error:
            raise RefusedError(*self._in_file(rendered, error)) from None

    def _in_file(self, rendered: RenderedPipeline, error: InputError) -> Iterator[Fault]:
        """What is wrong with a manifest that stands nowhere, at the task of the file that it comes from."""
        manifests = {"": rendered.manifest}
        manifests |= {self.pipelines.origins[name]: text for name, text in rendered.inner.items()}
        documents = {key: parse(text, TEMPLATE) for key, text in manifests.items()}
        for problem in error.problems:
            key, at = self._origin(problem)
            document = documents.get(key)
            if not key and document and _of_schedules(document, problem):
                yield Fault((), self.source.brought.spec.problem((), problem.what, problem.todo))
                continue
            at = self._task(key, document, problem.line) if document and at is None else at or ("root",)
            what = f"the manifest of this is refused: {problem.what} ({problem.todo})"
            yield Fault(at, self.source.brought.spec.problem(at, what, BRING, key=True))

    def _origin(self, problem: Problem) -> tuple[str, Path | None]:
        """The component whose manifest a problem is in; or the place of the file that a component's spec comes from."""
        path = PurePath(problem.path)
        name = path.stem
        if path.parent.name == "components" or (path == PurePath(path.name) and path.suffix == ".yaml"):
            found = next(
                (one for one in self.pipelines.components if name == one or name.startswith(f"{one}-")), ""
            )
            return "", ("components", self.pipelines.components.get(found, ""))
        return self.pipelines.origins.get(name, ""), None

    def _task(self, key: str, document: Document, line: int) -> Path:
        """The task that stands at a line of a manifest, by where it stands in the file."""
        places = self.pipelines.places.get(key, {})
        ids = [(place[0], str(at[-1])) for at, place in document.keys_at.items() if at and at[-1] in places]
        above = [name for start, name in sorted(ids) if start <= line]
        if above:
            return places[above[-1]]
        return ("components", key) if key else ("root",)


def _of_schedules(document: Document, problem: Problem) -> bool:
    """Whether it is in what the file says nothing of, and comes with it."""
    return problem.line >= document.keys_at[("schedules",)][0]
