"""Render: (repository, environment) → every file of `manifests/<env>/`, as texts. Writes nothing.

base + environment values → schema → Jinja → schema and checks of the result → stable YAML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from kfp_gitops.base import bounds, files, folders, processes
from kfp_gitops.base import memo as memos
from kfp_gitops.base.errors import InputError, Problem, attempted, raise_if_any
from kfp_gitops.base.memo import Memo
from kfp_gitops.base.places import Plain
from kfp_gitops.rendering import (
    alike,
    delivery,
    head,
    links,
    passes,
    rendered,
    single,
    specs,
    standing,
    together,
)
from kfp_gitops.rendering.delivered import delivered_by, with_lock
from kfp_gitops.rendering.rendered import LOCK, Rendered, RenderedPipeline
from kfp_gitops.rendering.standing import Standing
from kfp_gitops.sources import environment, released
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import Release, Sources
from kfp_gitops.sources.selection import ALL, Selection

_MANY = 3 * processes.BATCH


def render(
    root: Path,
    name: str,
    *,
    remember: bool = False,
    selection: Selection = ALL,
    instead: Mapping[str, str] | None = None,
) -> Rendered:
    """Render one environment; `remember` takes from manifests/ what is known to be the outcome of the same inputs.

    What is not selected is taken from manifests/ as it stands. `instead`: as in `environment.partly`.

    Raises:
        UsageError: no such environment, or nothing of what is selected.
        InputError: every problem found in its inputs; what is about all pipelines would change.
    """
    found = environment.partly(root, name, instead)
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
    return all(path == LOCK for _, path in folders.differences(root, found.folder, wanted))


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
    of_passes = passes.warnings(env, passes.found(root, env, pipelines))
    warnings = (*delivery.warnings(root), *links.warnings(env, pipelines, memo), *of_passes)
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
            single.manifests_of(env, name, release)
            return {"problems": []}
        key = _key(inputs, name, release) if inputs.memo.used else ""
        pipeline = _remembered(inputs, name, key)
        if pipeline is None:
            pipeline = single.pipeline(env, name, release)
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
