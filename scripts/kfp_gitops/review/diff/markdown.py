"""The diff as a pull-request comment: GitHub's Markdown, with the changed pipeline as a picture.

Every text of the manifests may come from a stranger: it enters as an escaped code span only.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from kfp_gitops.base import visible
from kfp_gitops.review.caching import words
from kfp_gitops.review.caching.starts import Forecast
from kfp_gitops.review.diff import calendar, wording
from kfp_gitops.review.diff.calendar import Calendar
from kfp_gitops.review.diff.model import Change as Difference
from kfp_gitops.review.diff.model import EnvironmentDiff, Firings, Kind, PipelineDiff
from kfp_gitops.review.diff.wording import SIGNS

# GitHub refuses a comment of more than 65,536 characters.
MAX_CHARACTERS = 60_000
_CODE_LINES = 40
_NOTE = (
    "> Pictures and code are left out, and the end where it is cut: the whole does not fit a comment. "
    "`scripts/diff.py` shows it.\n\n"
)


def to_markdown(found: Sequence[EnvironmentDiff]) -> str:
    """One section an environment; cut, and saying so first, when all of them do not fit one comment."""
    text = _sections(found)
    if len(text) <= MAX_CHARACTERS:
        return text
    short = _NOTE + _sections(found, brief=True)
    return short if len(short) <= MAX_CHARACTERS else short[:MAX_CHARACTERS].rpartition("\n")[0] + "\n"


def _sections(found: Sequence[EnvironmentDiff], *, brief: bool = False) -> str:
    return visible.shown("\n".join("\n".join(_lines(one, brief=brief)).rstrip() + "\n" for one in found))


def calendar_markdown(found: Calendar) -> str:
    """The week as the terminal shows it: a fenced block keeps its columns."""
    return "\n".join(_fenced("text", calendar.to_text(found)))


def _lines(found: EnvironmentDiff, *, brief: bool = False) -> Iterator[str]:
    yield f"## {code(found.environment)}: {wording.radius(found) if found.semantic else 'no semantic change'}"
    yield ""
    yield f"Compared with {code(found.base)}."
    yield ""
    yield from _warnings(found.warnings)
    if found.changes:
        yield from _table(found.changes)
    for pipeline in found.pipelines:
        yield from _pipeline(pipeline, found.zone, brief)
    yield from _folded(found.noise)


def _pipeline(found: PipelineDiff, zone: str, brief: bool) -> Iterator[str]:
    if not found.semantic:
        yield from _folded([wording.headline(found), *found.noise])
        return
    yield f"### {code(wording.headline(found))}"
    yield ""
    yield from _warnings([*found.warnings, *_in_flight(found)])
    if found.changes:
        yield from _table(found.changes)
    yield from _caching(found.caching)
    if found.replaced:
        names = ", ".join(map(code, found.replaced))
        yield f"Made anew, pinned to this version: {names}."
        yield ""
    for firing in found.firings:
        yield from _firings(firing, zone)
    if not brief:
        yield from _code_changes(found.changes)
        yield from _picture(found.graph)
    yield from _folded(found.noise)


def _caching(found: Sequence[Forecast]) -> Iterator[str]:
    lines = words.lines(found)
    if lines:
        yield "KFP's cache:"
        yield ""
        yield from (f"- {_plain(line)}" for line in lines)
        yield ""


def _in_flight(found: PipelineDiff) -> list[str]:
    return (
        [f"{found.in_flight} in flight; a run goes on with the version that it started with"]
        if found.in_flight
        else []
    )


def _warnings(texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield "> [!WARNING]"
        yield from (f"> - {_plain(text)}" for text in texts)
        yield ""


def _table(changes: Sequence[Difference]) -> Iterator[str]:
    yield "| | what | before | after |"
    yield "|---|---|---|---|"
    for found in changes:
        before, after = _cell(found.before, found), _cell(found.after, found)
        yield f"| {SIGNS[found.action]} | {_subject(found)} | {before} | {after} |"
    yield ""


def _subject(found: Difference) -> str:
    what = f"{found.kind} {code(found.name)}"
    field = f" {code(found.field)}" if found.field else ""
    verb = f" {found.action}" if found.action in ("rewired", "moved", "renamed") else ""
    return f"{what}{field}{verb}"


def _cell(data: object, found: Difference) -> str:
    if data is None:
        return ""
    if found.kind is Kind.COMPONENT and found.field == "code" and isinstance(data, list):
        return f"{len(data)} lines"
    return code(wording.value(data))


def _firings(found: Firings, zone: str) -> Iterator[str]:
    yield f"Schedule {code(found.schedule)}:"
    yield ""
    yield "| next firings before | after |"
    yield "|---|---|"
    before, after = wording.instants(found.before, zone), wording.instants(found.after, zone)
    for index in range(max(len(before), len(after), 1)):
        yield f"| {_at(before, index)} | {_at(after, index)} |"
    yield ""
    yield from (f"- {_plain(note)}" for note in found.notes)
    yield ""


def _at(texts: Sequence[str], index: int) -> str:
    if index < len(texts):
        return texts[index]
    return "none" if index == 0 else ""


def _code_changes(changes: Sequence[Difference]) -> Iterator[str]:
    for found in changes:
        if found.kind is Kind.COMPONENT and found.field == "code":
            lines = [f"-{line}" for line in found.before or []] + [f"+{line}" for line in found.after or []]
            shown = [*lines[:_CODE_LINES], *(["…"] if len(lines) > _CODE_LINES else [])]
            yield f"<details><summary>code of {html.escape(found.name)}</summary>"
            yield ""
            yield from _fenced("diff", "\n".join(shown))
            yield "</details>"
            yield ""


def _picture(graph: str | None) -> Iterator[str]:
    if graph:
        yield "<details open><summary>the pipeline, changed tasks marked</summary>"
        yield ""
        yield from _fenced("mermaid", graph)
        yield "</details>"
        yield ""


def _folded(texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield "<details><summary>without effect</summary>"
        yield ""
        yield from (f"- {_plain(text)}" for text in texts)
        yield ""
        yield "</details>"
        yield ""


def _fenced(language: str, text: str) -> Iterator[str]:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield text
    yield fence
    yield ""


def code(text: str) -> str:
    """A code span that its content cannot leave: no line break, no cell border, a fence longer than any inside."""
    flat = " ".join(text.split()).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{flat or ' '}{pad}{fence}"


def _plain(text: str) -> str:
    """Running text that may hold a stranger's words: nothing in it is markup, a mention or a link."""
    flat = " ".join(text.split())
    escaped = re.sub(r"([\\`*_{}\[\]<>|#!@~&])", r"\\\1", flat)
    # GitHub looks for these after it has taken the backslashes away: a space of no width parts them.
    return re.sub(r"(@|#|:(?=//)|www(?=\.))", r"\1&#8203;", escaped, flags=re.IGNORECASE)
