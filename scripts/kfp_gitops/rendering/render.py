"""Render: (repository, environment) → every file of `manifests/<env>/`, as texts. Writes nothing.

base + environment values → schema → Jinja → schema and checks of the result → stable YAML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from kfp_gitops.base import bounds, files, processes, schema, yamlvalue
from kfp_gitops.base import memo as memos
from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.memo import Memo
from kfp_gitops.base.yamldump import dump, dump_all
from kfp_gitops.base.yamltext import parse
from kfp_gitops.checking import named, teams
from kfp_gitops.checking.named import Start, Use
from kfp_gitops.language.manifest import Manifest, reader
from kfp_gitops.rendering import alike, delivery, listed, manifests, rendered, specs, standing
from kfp_gitops.rendering.delivered import delivered_by, with_lock
from kfp_gitops.rendering.manifests import Found
from kfp_gitops.rendering.rendered import LOCK, Rendered, RenderedPipeline, header
from kfp_gitops.rendering.standing import Standing
from kfp_gitops.sources import brought, components, environment
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.release import TEMPLATE, VALUES_SCHEMA, Release, Sources
from kfp_gitops.sources.selection import ALL, Selection


def render(root: Path, name: str, *, remember: bool = False, selection: Selection = ALL) -> Rendered:
    """Render one environment; `remember` takes from manifests/ what is known to be the outcome of the same inputs.

    What is not selected is taken from manifests/ as it stands.

    Raises:
        UsageError: no such environment, or nothing of what is selected.
        InputError: every problem found in its inputs; what is about all pipelines would change.
    """
    env = environment.load(root, name)
    beside = standing.read(root, env, selection) if selection else None
    return _render(root, env, _memo(root, env) if remember else Memo(), beside)


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
    answers = processes.spread(partial(_answer, _Inputs.of(root, env, memo)), names)
    raise_if_any(alike.told(env, zip(names, map(_problems, answers), strict=True)))
    new = [RenderedPipeline.of(answer["pipeline"]) for answer in answers]
    pipelines = _sharing(new if beside is None else _in_order(env, new, beside))
    if beside is not None:
        memo.fresh.update(memo.known)  # of what is not rendered now
    raise_if_any(_one_name_for_two(env, pipelines))
    raise_if_any(_beyond_limits(env, pipelines, memo))
    for answer, pipeline in zip(answers, new, strict=True):
        if answer["key"]:
            memo.fresh[answer["key"]] = _outcome(pipeline)
            memo.carry_over(pipeline.compilation)
    head = header(env.name, "environments/") + dump(listed.environment(env, pipelines, beside))
    delivered, packing = delivered_by(root, env, pipelines, head, memo)
    warnings, chosen = tuple(delivery.warnings(root)), None if beside is None else frozenset(names)
    return Rendered(env.name, pipelines, delivered, env, memo, warnings, packing, chosen)


def _in_order(env: Environment, new: Sequence[RenderedPipeline], beside: Standing) -> list[RenderedPipeline]:
    """As the values have them; those that have left the values, and are not rendered, come last."""
    found = {**beside.pipelines, **{pipeline.name: pipeline for pipeline in new}}
    return [found[name] for name in dict.fromkeys((*env.pipelines, *found)) if name in found]


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

    @classmethod
    def of(cls, root: Path, env: Environment, memo: Memo) -> _Inputs:
        values = {key: value for key, value in env.values.value.items() if key != "pipelines"}
        shared = memos.digest(env.name, values, env.release_file.value, env.events)
        return cls(root, env, memo, shared, Sources.of(root, env.images))


def _one_name_for_two(env: Environment, pipelines: Sequence[RenderedPipeline]) -> Iterator[Problem]:
    """Schedules of two pipelines with one name in KFP, which is made of both names: a-b and c, a and b-c.

    Only a pipeline whose name begins with another one's can have one, so hardly a manifest is read again.
    """
    found = {pipeline.name: pipeline for pipeline in pipelines}
    for name, pipeline in found.items():
        parts = name.split("-")
        others = ("-".join(parts[:length]) for length in range(1, len(parts)))
        for other in (other for other in others if other in found):
            for both in sorted(_schedules(pipeline) & _schedules(found[other])):
                what = f"schedules of {other!r} and {name!r} have one name in KFP: {both!r}"
                yield env.values.problem(("pipelines", name), what, "rename one of them", key=True)


def _beyond_limits(env: Environment, pipelines: Sequence[RenderedPipeline], memo: Memo) -> Iterator[Problem]:
    """What the pipelines of a team are together."""
    starts = {
        pipeline.name: _starts(pipeline, memo) for pipeline in pipelines if teams.counts(env, pipeline.name)
    }
    return teams.problems_of_all(env, env.kfp, starts)


def _starts(pipeline: RenderedPipeline, memo: Memo) -> Sequence[Start]:
    """The schedules of a pipeline that are on: thousands of manifests are not read again for them."""
    key = f"starts {pipeline.digest}"
    if key not in memo.known:
        document = yamlvalue.read(pipeline.manifest, "") or parse(pipeline.manifest, pipeline.name)
        memo.fresh[key] = named.to_text(named.starts(reader.schedules(document.value)))
        return named.from_text(memo.fresh[key])
    memo.carry_over(key)
    return named.from_text(memo.known[key])


def _schedules(pipeline: RenderedPipeline) -> set[str]:
    """The names of its recurring runs."""
    schedules = parse(pipeline.manifest, pipeline.name).value.get("schedules", ())
    return {f"{pipeline.name}-{schedule['name']}" for schedule in schedules}


def _answer(inputs: _Inputs, name: str) -> dict[str, Any]:
    """A rendered pipeline, or its problems, as texts: it may be another process that renders it."""
    env = inputs.env
    try:
        release = environment.release_of(inputs.root, inputs.sources, env, name)
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
    team, values = inputs.env.team_of(name), inputs.env.values.value["pipelines"][name]
    limits = [team, inputs.env.teams.limits(team)] if team else []
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
        pipeline = rendered.read(inputs.root, f"manifests/{inputs.env.name}", entry)
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
        release = environment.release_of(inputs.root, inputs.sources, inputs.env, name)
        key = _key(inputs, name, release)
    except InputError:
        return False
    return key in inputs.memo.known and _remembered(inputs, name, key) is None


def _pipeline(env: Environment, name: str, release: Release) -> RenderedPipeline:
    found = manifests.render(env, name, release, _values(env, name, release))
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
        manifest=header(env.name, f"{release.folder}/{TEMPLATE}") + dump(found.outer.document.value),
        specs=texts,
        irs=_irs(env, found.outer, release),
        inner={
            inner: header(env.name, f"{release.folder}/{release.inner[inner]}")
            + dump(manifest.document.value)
            for inner, manifest in sorted(found.inner.items())
        },
        warnings=(*found.warnings, *_image_warnings(found.outer, release)),
    )


def _uses(found: Found, release: Release) -> list[Use]:
    of_components = {
        f"component {name}": [component.document] for name, component in release.components.items()
    }
    of_irs = {name: ir.documents for name, ir in release.irs.items()}
    return named.uses([found.outer, *found.inner.values()], {**of_components, **of_irs}, release.images)


def _image_warnings(manifest: Manifest, release: Release) -> list[Problem]:
    return brought.warnings(release.irs[manifest.ir], release.images) if manifest.ir else []


def _irs(env: Environment, manifest: Manifest, release: Release) -> dict[str, str]:
    if manifest.ir is None:
        return {}
    documents = brought.with_images(release.irs[manifest.ir], release.images)
    return {manifest.ir: header(env.name, f"{release.folder}/{manifest.ir}") + dump_all(documents)}


@lru_cache(maxsize=1024)
def _spec(header: str, name: str, text: str, path: str, images: tuple[tuple[str, str], ...]) -> str:
    """Pipelines share components, so most of them ask again."""
    return header + dump(components.with_images(components.read(name, text, path), dict(images)))


def _values(env: Environment, name: str, release: Release) -> Mapping[str, Any]:
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
