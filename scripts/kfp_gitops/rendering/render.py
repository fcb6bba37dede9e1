"""Render: (repository, environment) → every file of `manifests/<env>/`, as texts. Writes nothing.

base + environment values → schema → Jinja → schema and checks of the result → stable YAML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from kfp_gitops.base import bounds, files, processes, schema
from kfp_gitops.base import memo as memos
from kfp_gitops.base.errors import InputError, Problem, attempted, raise_if_any
from kfp_gitops.base.memo import Memo
from kfp_gitops.base.places import Plain
from kfp_gitops.base.yamldump import dump, dump_all
from kfp_gitops.checking import named, teams
from kfp_gitops.checking.named import Use
from kfp_gitops.rendering import alike, delivery, head, manifests, rendered, specs, standing, together
from kfp_gitops.rendering.delivered import delivered_by, with_lock
from kfp_gitops.rendering.manifests import Found
from kfp_gitops.rendering.rendered import LOCK, Rendered, RenderedPipeline, header
from kfp_gitops.rendering.standing import Standing
from kfp_gitops.sources import brought, components, environment, released
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import TEMPLATE, VALUES_SCHEMA, Release, Sources
from kfp_gitops.sources.selection import ALL, Selection

_MANY = 3 * processes.BATCH


def render(root: Path, name: str, *, remember: bool = False, selection: Selection = ALL) -> Rendered:
    """Render one environment; `remember` takes from manifests/ what is known to be the outcome of the same inputs.

    What is not selected is taken from manifests/ as it stands.

    Raises:
        UsageError: no such environment, or nothing of what is selected.
        InputError: every problem found in its inputs; what is about all pipelines would change.
    """
    found = environment.partly(root, name)
    if found.problems:
        raise InputError([*found.problems, *further(root, found.environment, selection)])
    env = found.whole
    beside = standing.read(root, env, selection) if selection else None
    return _render(root, env, _memo(root, env) if remember else Memo(), beside)


def further(root: Path, env: Environment | None, selection: Selection = ALL) -> list[Problem]:
    """What is wrong with the pipelines of an environment of which only a part could be read."""
    if env is None:
        return []
    names = [name for name in env.pipelines if selection.matches(name, env.team_of(name))]
    inputs = replace(_Inputs.of(root, env, Memo()), whole=False)
    return alike.told(env, zip(names, map(_problems, _answers(inputs, names)), strict=True))


def is_fresh(root: Path, name: str, suspects: Sequence[str] = ()) -> bool:
    """Whether manifests/<env>/ is what its inputs render to, the lock aside.

    Where it is remembered of one of the suspects that the same inputs gave something else, nothing is rendered.

    Raises:
        UsageError, InputError: as `render`.
    """
    env = environment.load(root, name)
    memo = _memo(root, env)
    inputs = _Inputs.of(root, env, memo)
    if any(_is_other(inputs, pipeline) for pipeline in suspects if pipeline in env.pipelines):
        return False
    found = _render(root, env, memo)
    lock = f"{found.folder}/{LOCK}"
    wanted = with_lock(root, found, files.read_text(root, lock) if (root / lock).is_file() else "")
    return all(path == LOCK for _, path in files.differences(root, found.folder, wanted))


def _memo(root: Path, env: Environment) -> Memo:
    return memos.load(root, env.name) if len(env.pipelines) >= memos.FEWEST else Memo()


def _render(root: Path, env: Environment, memo: Memo, beside: Standing | None = None) -> Rendered:
    names = [name for name in env.pipelines if beside is None or name in beside.chosen]
    answers = _answers(_Inputs.of(root, env, memo), names)
    problems = alike.told(env, zip(names, map(_problems, answers), strict=True))
    if problems:
        raise InputError([*problems, *_beside(env, answers, memo)])
    new = _sharing(RenderedPipeline.of(answer["pipeline"]) for answer in answers)
    pipelines = new if beside is None else _in_order(env, new, beside)
    if beside is not None:
        memo.fresh.update(memo.known)  # of what is not rendered now
    raise_if_any(together.problems(env, pipelines, memo))
    for answer, pipeline in zip(answers, new, strict=True):
        if answer["key"]:
            memo.fresh[answer["key"]] = _outcome(pipeline)
            memo.carry_over(pipeline.compilation)
    delivered, packing = delivered_by(root, env, pipelines, head.text(env, pipelines, beside), memo)
    chosen = None if beside is None else frozenset(names)
    warnings = tuple(delivery.warnings(root))
    return Rendered(env.name, pipelines, delivered, env, memo, warnings, packing, chosen)


def _beside(env: Environment, answers: Sequence[Mapping[str, Any]], memo: Memo) -> list[Problem]:
    """What is wrong beside pipelines of which some do not render: with the others together, and with the delivery."""
    good = _sharing(RenderedPipeline.of(answer["pipeline"]) for answer in answers if "pipeline" in answer)
    problems = [*together.problems(env, good, memo)]
    attempted(problems, lambda: delivery.demanded(env))
    return problems


def _answers(inputs: _Inputs, names: Sequence[str]) -> list[dict[str, Any]]:
    """What `_answer` makes of each; what a process finds out about a template, those that it forks know already."""
    with bounds.standing():
        first = {name: _answer(inputs, name) for name in _firsts(inputs.env, names)}
        left = [name for name in names if name not in first]
        found = {**first, **dict(zip(left, processes.spread(partial(_answer, inputs), left), strict=True))}
    return [found[name] for name in names]


def _firsts(env: Environment, names: Sequence[str]) -> Iterator[str]:
    """One pipeline of each template from which so many are made that each process will have some."""
    if env.follows_sources:
        made = Counter(map(env.template_of, names))
        for name in names:
            if made.pop(env.template_of(name), 0) >= _MANY:
                yield name


def _in_order(
    env: Environment, new: Sequence[RenderedPipeline], beside: Standing
) -> tuple[RenderedPipeline, ...]:
    """As the values have them; those that have left the values, and are not rendered, come last."""
    found = {**beside.pipelines, **{pipeline.name: pipeline for pipeline in new}}
    return _sharing(found[name] for name in dict.fromkeys((*env.pipelines, *found)) if name in found)


def _sharing(pipelines: Iterable[RenderedPipeline]) -> tuple[RenderedPipeline, ...]:
    """The same pipelines; equal specs are one text in memory, whichever process made them."""
    known: dict[str, str] = {}

    def shared(pipeline: RenderedPipeline) -> RenderedPipeline:
        texts = {name: known.setdefault(text, text) for name, text in pipeline.specs.items()}
        return replace(pipeline, specs=texts)

    return tuple(map(shared, pipelines))


@dataclass(frozen=True)
class _Inputs:
    """What all pipelines of an environment are rendered from; `shared` identifies it."""

    root: Path
    env: Environment
    memo: Memo
    shared: str
    sources: Sources
    whole: bool = True
    """False: something is wrong with them, and they are looked at for what else is; nothing is made of them."""
    known: dict[str, str] = field(default_factory=dict)
    """The texts of shared specs in manifests/ that were read already: most pipelines ask again."""

    @classmethod
    def of(cls, root: Path, env: Environment, memo: Memo) -> _Inputs:
        values = {key: value for key, value in env.values.value.items() if key != "pipelines"}
        shared = memos.digest(env.name, values, env.release_file.value, env.events)
        return cls(root, env, memo, shared, Sources.of(root, env.images))


def _answer(inputs: _Inputs, name: str) -> dict[str, Any]:
    """A rendered pipeline, or its problems, as texts: it may be another process that renders it."""
    env = inputs.env
    try:
        release = released.release_of(inputs.root, inputs.sources, env, name)
        if not inputs.whole:
            manifests_of(env, name, release)
            return {"problems": []}
        key = _key(inputs, name, release) if inputs.memo.used else ""
        pipeline = _remembered(inputs, name, key)
        if pipeline is None:
            pipeline = _pipeline(env, name, release)
        return {"pipeline": pipeline.texts(), "key": "" if pipeline.warnings else key}
    except InputError as error:
        return {"problems": [problem.texts() for problem in error.problems]}


def _problems(answer: Mapping[str, Any]) -> list[Problem]:
    return [Problem.of(texts) for texts in answer.get("problems", ())]


def _key(inputs: _Inputs, name: str, release: Release) -> str:
    team = inputs.env.team_of(name)
    limits = [team, inputs.env.teams.limits(team)] if team else []
    values = inputs.env.values.value["pipelines"][name]
    return memos.digest(inputs.shared, name, values, release.identity, *limits)


def _remembered(inputs: _Inputs, name: str, key: str) -> RenderedPipeline | None:
    """The pipeline as it stands in manifests/, when that is what these inputs gave, without warnings, before."""
    outcome = inputs.memo.known.get(key, "")
    if not outcome:
        return None
    release, digest, *refs = [*outcome.split(), "", ""]
    components = {component: digits for component, _, digits in (ref.partition("=") for ref in refs if ref)}
    entry = {"name": name, "release": release, specs.FOLDER: components}
    try:
        folder = Plain(inputs.root, f"manifests/{inputs.env.name}")
        pipeline = rendered.read_from(folder, entry, inputs.known)
    except InputError:
        return None
    return pipeline if pipeline.digest == digest else None


def _outcome(pipeline: RenderedPipeline) -> str:
    """What a memo keeps of a rendered pipeline: enough to find its files, and to know them."""
    refs = [f"{component}={digits}" for component, digits in pipeline.components.items()]
    return " ".join([pipeline.release, pipeline.digest, *refs])


def _is_other(inputs: _Inputs, name: str) -> bool:
    """Whether it is known for certain that a pipeline's inputs give something else than what stands in manifests/."""
    try:
        release = released.release_of(inputs.root, inputs.sources, inputs.env, name)
        key = _key(inputs, name, release)
    except InputError:
        return False
    return key in inputs.memo.known and _remembered(inputs, name, key) is None


def manifests_of(env: Environment, name: str, release: Release) -> Found:
    """The pipeline's manifests.

    Raises:
        InputError: every problem of its values; of what its templates render to with them, where that can be said; and
            of the templates, component specs and IRs themselves.
    """
    problems: list[Problem] = []
    values = attempted(problems, lambda: values_of(env, name, release))
    if values is not None:
        found = attempted(problems, lambda: manifests.render(env, name, release, values))
        if found is not None:
            return found
    raise InputError([*problems, *release.problems()])


def _pipeline(env: Environment, name: str, release: Release) -> RenderedPipeline:
    found = manifests_of(env, name, release)
    if teams.is_limited(env, name):
        raise_if_any(teams.problems(env, name, _uses(found, release)))
    images = tuple(release.images.items())
    texts = {
        component: _spec(
            _spec_header(env, component),
            component,
            release.specs[component],
            release.spec_paths[component],
            images,
        )
        for component in sorted(release.specs)
    }
    return RenderedPipeline(
        name=name,
        release=release.digest,
        manifest=header(env.name, f"{release.folder}/{TEMPLATE}") + dump(found.document.value),
        specs=texts,
        irs=_irs(env, found.ir, release),
        inner={
            inner: header(env.name, f"{release.folder}/{release.inner[inner]}")
            + dump(manifest.document.value)
            for inner, manifest in sorted(found.inner.items())
        },
        warnings=(*found.warnings, *_image_warnings(found.ir, release)),
    )


def _uses(found: Found, release: Release) -> list[Use]:
    of_components = {
        f"component {name}": [component.document] for name, component in release.components.items()
    }
    of_irs = {name: ir.documents for name, ir in release.irs.items()}
    return named.uses([found.outer, *found.inner.values()], {**of_components, **of_irs}, release.images)


def _image_warnings(ir: str | None, release: Release) -> list[Problem]:
    return brought.warnings(release.irs[ir], release.images) if ir else []


def _irs(env: Environment, ir: str | None, release: Release) -> dict[str, str]:
    if ir is None:
        return {}
    documents = brought.with_images(release.irs[ir], release.images)
    return {ir: header(env.name, f"{release.folder}/{ir}") + dump_all(documents)}


@lru_cache(maxsize=1024)
def _spec(header: str, name: str, text: str, path: str, images: tuple[tuple[str, str], ...]) -> str:
    """Pipelines share components, so most of them ask again."""
    return header + dump(components.with_images(components.read(name, text, path), dict(images)))


def values_of(env: Environment, name: str, release: Release) -> Mapping[str, Any]:
    """What a template is given, which its schema accepts.

    Raises:
        InputError: it does not.
    """
    at = ("pipelines", name, "values")
    part = env.values.below(at)
    path = f"{release.folder}/{VALUES_SCHEMA}"
    home = path if env.follows_sources else ""  # a pinned copy is never edited
    with bounds.bounded(path):  # a pattern in it can take for ever
        wanted = schema.from_text(release.files[VALUES_SCHEMA], path, strict=env.follows_sources)
        raise_if_any(schema.problems(wanted, part, home))
    values: Mapping[str, Any] = part.value
    return values


def _spec_header(env: Environment, component: str) -> str:
    """It names no pipeline: the text is shared."""
    return header(
        env.name, f"components/{component}/component.yaml{'' if env.follows_sources else ', as promoted,'}"
    )
