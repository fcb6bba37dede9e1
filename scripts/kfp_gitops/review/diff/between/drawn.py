"""The graph between pipelines as a Mermaid flowchart, and in lines; what changes is marked by its sign too. Pure.

Names come from a stranger's pull request: only escaped text enters the picture.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from kfp_gitops.base import visible
from kfp_gitops.language.chains import told
from kfp_gitops.language.chains.edges import Edge
from kfp_gitops.review.diff.between.compared import MOST
from kfp_gitops.review.diff.graph import STYLES, text
from kfp_gitops.review.diff.model import Action, Between, EnvironmentDiff, Link, PipelineDiff

SIGNS = {Action.ADDED: "+", Action.REMOVED: "-", Action.CHANGED: "~", None: "="}
_STROKES = {
    Action.ADDED: "stroke:#1a7f37,stroke-width:3px",
    Action.REMOVED: "stroke:#cf222e,stroke-width:2px",
    Action.CHANGED: "stroke:#bf8700,stroke-width:3px",
}
LINES = 20
"""Of a kind that text has; a picture or JSON has all."""


def lines(found: EnvironmentDiff) -> list[tuple[str, str]]:
    """(sign, line) of each link that changes, of those that lead on from a pipeline that changes, and of each chain."""
    if found.between is None:
        return []
    changed = _changed(found)
    links = [link for link in found.between.links if link.action or link.edge.source in changed]
    links.sort(key=lambda link: link.action is None)
    said = [(SIGNS[link.action], sentence(link)) for link in links[:LINES]]
    if len(links) > LINES:
        said.append(("=", f"… {len(links) - LINES:,} more (--format json)"))
    every = chains(found) if links else []
    said += [(" ", line) for line in every[:LINES]]
    if len(every) > LINES:
        said.append((" ", f"… {len(every) - LINES:,} more chains (--format json)"))
    return [(sign, visible.line(line)) for sign, line in said]


def sentence(link: Link) -> str:
    """A link in one line; of one that changes also how it was."""
    now = told.sentence(link.edge)
    if link.action is not Action.CHANGED or link.before is None:
        return f"{now}, no more" if link.action is Action.REMOVED else now
    was = told.sentence(link.before)
    return f"{now}: was {was}" if was != now else f"{now}: its window, concurrency or what is missed changes"


def chains(found: EnvironmentDiff) -> list[str]:
    """After merging: a line for each way on which something changes."""
    if found.between is None:
        return []
    links, roots, takes = found.between.links, found.between.roots, found.between.takes
    changed = _changed(found) | {link.edge.pipeline for link in links if link.action}
    return told.chains([link.after for link in links if link.after], roots, takes, through=changed)


def _changed(found: EnvironmentDiff) -> set[str]:
    return {pipeline.name for pipeline in found.pipelines if pipeline.semantic}


def mermaid(found: EnvironmentDiff) -> str | None:
    """The flowchart of what changes; None where there is none, or it has too many pipelines to be read."""
    return picture(found.between, marks(found.pipelines)) if found.between else None


def picture(found: Between, its_marks: Mapping[str, str]) -> str | None:
    """The flowchart of a graph; `its_marks`: what happens to a pipeline. None where it cannot be read."""
    if not found.links or too_many(found):
        return None
    links = found.links
    names = list(dict.fromkeys(end for link in links for end in (link.edge.source, link.edge.pipeline)))
    ids = {name: f"p{number}" for number, name in enumerate(names)}
    data, times = {link.edge.source for link in links if link.edge.is_data}, whens(found)
    drawn = ["flowchart LR"]
    drawn += [f"  {ids[name]}{_box(name, times.get(name, ''), name in data)}" for name in names]
    drawn += [_arrow(link, ids) for link in links]
    drawn += [*_classes(ids, its_marks)]
    for action, stroke in _STROKES.items():
        if numbers := [str(number) for number, link in enumerate(links) if link.action is action]:
            drawn.append(f"  linkStyle {','.join(numbers)} {stroke}")
    return "\n".join(drawn)


def too_many(found: Between) -> bool:
    """Whether nobody could read the picture."""
    names = {end for link in found.links for end in (link.edge.source, link.edge.pipeline)}
    return len(names) > MOST or len(found.links) > 2 * MOST


def _box(name: str, when: str, is_data: bool) -> str:
    label = f"{text(name)}<br>{text(when)}" if when else text(name)
    return f'[("{label}")]' if is_data else f'["{label}"]'


def _arrow(link: Link, ids: Mapping[str, str]) -> str:
    edge = link.edge
    dotted = link.action is Action.REMOVED or not edge.active
    return f'  {ids[edge.source]} {"-.->" if dotted else "-->"}|"{text(label(link))}"| {ids[edge.pipeline]}'


def label(link: Link) -> str:
    """What stands at an arrow: its sign, what it waits for, and whether that is off."""
    sign = f"{SIGNS[link.action]} " if link.action else ""
    return f"{sign}{link.edge.verb}{held(link.edge)}"


def held(edge: Edge) -> str:
    """`, off`, `, paused`, or nothing."""
    return "" if edge.active else ", paused" if edge.trigger.enabled else ", off"


def marks(pipelines: Sequence[PipelineDiff]) -> dict[str, str]:
    """Pipeline → what happens to it."""
    return {
        found.name: found.action.value if found.action in (Action.ADDED, Action.REMOVED) else "changed"
        for found in pipelines
        if found.semantic
    }


def whens(found: Between) -> dict[str, str]:
    """Pipeline → when its schedules start it, in short."""
    times: dict[str, list[str]] = defaultdict(list)
    for root in found.roots:
        times[root.pipeline].append(told.when(root).strip().removesuffix(","))
    return {name: "; ".join(its) for name, its in times.items()}


def _classes(ids: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    for name, style in STYLES.items():
        if marked := [ids[pipeline] for pipeline, mark in found.items() if mark == name and pipeline in ids]:
            yield f"  classDef {name} {style}"
            yield f"  class {','.join(marked)} {name}"
