"""Pipelines of an environment that start each other: whether they are there, go round, and give what is handed over.

A pipeline that is told of is no longer a template with lines of its own, so it is named at its line of the values, and
with the template's file where that is to be edited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kfp_gitops.base.errors import Problem, meant
from kfp_gitops.checking.check.context import a
from kfp_gitops.checking.produced import Produced
from kfp_gitops.language.manifest import AfterRun, Manifest, OutputOf
from kfp_gitops.sources.environment import Environment
from kfp_gitops.sources.templatefolder import TEMPLATE

_SHOWN = 12


@dataclass(frozen=True)
class Link:
    """A trigger after the runs of another pipeline; `given`: parameter → its type, and the output that it is given."""

    pipeline: str
    trigger: str
    upstream: str
    enabled: bool
    given: Mapping[str, tuple[str, str]]


Outputs = Callable[[str], Mapping[str, Produced] | None]
"""What a run of a pipeline leaves, by `TASK.OUTPUT` and `OUTPUT`; None of one that does not render."""


def links(pipeline: str, manifest: Manifest) -> Iterator[Link]:
    """Those of one pipeline."""
    types = {parameter.name: parameter.type for parameter in manifest.parameters}
    for trigger in manifest.triggers:
        if isinstance(trigger.run_on, AfterRun):
            given = {
                name: (
                    str(types.get(name, "")),
                    f"{value.task}.{value.output}" if value.task else value.output,
                )
                for name, value in trigger.references.items()
                if isinstance(value, OutputOf)
            }
            yield Link(pipeline, trigger.name, trigger.run_on.pipeline, trigger.enabled, given)


def problems(env: Environment, found: Sequence[Link], outputs: Outputs) -> Iterator[Problem]:
    """What is wrong with them."""
    known = [link for link in found if link.upstream in env.pipelines]
    for link in found:
        if link not in known:
            yield _in_template(env, link, *_missing(env, link))
    yield from _circles(env, [link for link in known if link.enabled])
    for link in known:
        left = outputs(link.upstream) if link.given else None
        for parameter, (wanted, output) in link.given.items() if left is not None else ():
            if told := _unfit(link, parameter, wanted, output, left or {}):
                yield _in_template(env, link, *told)


def warnings(env: Environment, found: Sequence[Link], outputs: Outputs) -> Iterator[Problem]:
    """What may be meant, and starts nothing or not always."""
    for link in found:
        if not link.enabled or link.upstream not in env.pipelines:
            continue
        if link.upstream in env.paused and link.pipeline not in env.paused:
            todo = "resume it, or pause this one, too"
            yield _at(env, link, f"runs after {link.upstream!r}, which is paused", todo)
        left = outputs(link.upstream) if link.given else None
        for _, output in link.given.values():
            one = (left or {}).get(output)
            if one and one.maybe:
                what = f"takes {output!r} of a run of {link.upstream!r}, which not each has: it is in a condition"
                yield _in_template(
                    env, link, what, "a run without it starts none; {oneOf: …} gives one of each branch"
                )


def _in_template(env: Environment, link: Link, what: str, todo: str) -> Problem:
    """What its template is edited for; of a pinned copy nothing is."""
    path = f"templates/pipelines/{env.template_of(link.pipeline)}/{TEMPLATE}"
    return _at(env, link, what, f"{todo} (the trigger is in {path})" if env.follows_sources else todo)


def _at(env: Environment, link: Link, what: str, todo: str) -> Problem:
    said = f"trigger {link.trigger!r} of {link.pipeline!r} {what}"
    return env.values.problem(("pipelines", link.pipeline), said, todo, key=True)


def _missing(env: Environment, link: Link) -> tuple[str, str]:
    if link.upstream in env.absent:
        what = f"runs after {link.upstream!r}, which is a tombstone in {env.name} and never runs"
        return what, "take the trigger out, or the tombstone"
    like = meant(link.upstream, [*env.pipelines])
    todo = (
        f"did you mean {like!r}?"
        if like
        else f"add it to the pipelines of {env.name}, or take the trigger out"
    )
    return f"runs after {link.upstream!r}, which is no pipeline of {env.name}", todo


def _circles(env: Environment, found: Sequence[Link]) -> Iterator[Problem]:
    """Each once, at the first of its pipelines by name: pipelines in it would start each other for ever."""
    after: dict[str, list[Link]] = {}
    for link in found:
        after.setdefault(link.pipeline, []).append(link)
    seen: set[str] = set()
    for start in sorted(after):
        if (circle := _round(after, start)) and not seen & {link.pipeline for link in circle}:
            seen |= {link.pipeline for link in circle}
            names = " → ".join([*(link.upstream for link in reversed(circle)), circle[-1].upstream])
            what = f"closes a circle, in which runs start each other for ever: {names}"
            yield _in_template(env, circle[0], what, "take one of these triggers out")


def _round(after: Mapping[str, Sequence[Link]], start: str) -> list[Link]:
    """The shortest way against the arrows from a pipeline to itself: its own link first, or none at all."""
    came: dict[str, list[Link]] = {start: []}
    waiting = [start]
    for pipeline in waiting:  # which grows
        for link in after.get(pipeline, ()):
            way = [*came[pipeline], link]
            if link.upstream == start:
                return way
            if link.upstream not in came:
                came[link.upstream] = way
                waiting.append(link.upstream)
    return []


def _unfit(
    link: Link, parameter: str, wanted: str, output: str, outputs: Mapping[str, Produced]
) -> tuple[str, str] | None:
    one = outputs.get(output)
    if one is None:
        what = f"takes {output!r} for {parameter!r}, and a run of {link.upstream!r} has no such output"
        return what, _instead(output, sorted(outputs))
    if one.many:
        what = f"takes {output!r} for {parameter!r}, of which a run of {link.upstream!r} has many"
        return what, "take an output of a task outside of loops"
    if wanted and not _fits(one, wanted):
        kind = "the URI of an artifact, a str" if one.artifact else a(one.type)
        fit = [name for name, its in outputs.items() if _fits(its, wanted) and not its.many]
        what = f"takes {output!r} for {parameter!r}, which is {a(wanted)}; it is {kind}"
        return what, f"take {a(wanted)}, of which there are: {_some(sorted(fit))}"
    return None


def _fits(one: Produced, wanted: str) -> bool:
    return one.type == wanted or (one.type, wanted) == ("int", "float")


def _instead(output: str, known: Sequence[str]) -> str:
    """What may be meant: where no task is named, the outputs of that name; else what is written most alike."""
    of_tasks = [name for name in known if "." not in output and name.endswith(f".{output}")]
    if len(of_tasks) > 1:
        return f"say of which task: {_some(of_tasks)}"
    like = of_tasks[0] if of_tasks else meant(output, known)
    return f"did you mean {like!r}?" if like else f"choose one of: {_some(known)}"


def _some(names: Sequence[str]) -> str:
    return (", ".join(names[:_SHOWN]) or "none") + (", …" if len(names) > _SHOWN else "")
