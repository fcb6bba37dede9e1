"""A preview as a comment on its pull request: GitHub's Markdown, every word of a stranger as an escaped code span."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kfp_gitops.base import redact, visible
from kfp_gitops.kfpserver.ownership import CHANGED
from kfp_gitops.operate.comparing.compared import ABSENT, Comparison, Row
from kfp_gitops.operate.comparing.sides import Side
from kfp_gitops.operate.previews.findings import Finding
from kfp_gitops.operate.previews.home import Home
from kfp_gitops.operate.previews.proposal import Proposal
from kfp_gitops.review.diff.escaping import code, fenced, plain

MOST = 50_000
"""Characters; GitHub refuses a comment of more than 65,536, and there is more in it."""
_ROWS, _VALUE = 20, 60


@dataclass(frozen=True)
class Said:
    """What a comment is made of."""

    home: Home
    proposal: Proposal
    until: datetime
    registered: Sequence[tuple[str, str]]
    """Pipeline → where people see it on KFP."""
    findings: Sequence[Finding] = ()
    failed: Sequence[tuple[str, str]] = ()
    """Pipelines that KFP did not take, and why."""
    gone: Sequence[str] = field(default=())
    """What of an earlier push was taken down."""
    ran: bool = False


def markdown(said: Said) -> str:
    """The whole comment."""
    text = visible.shown("\n".join(_lines(said)).rstrip() + "\n")
    if len(text) <= MOST:
        return text
    cut = text[:MOST].rpartition("\n## ")[0] or text[:MOST].rpartition("\n\n")[0]
    return f"{cut}\n\nCut here: `preview.py up` on this machine prints the whole.\n"


def _lines(said: Said) -> Iterator[str]:
    yield from _head(said)
    yield from _overview(said)
    for name, why in said.failed:
        yield f"- {code(name)} is not registered: {plain(why)}"
    if said.failed:
        yield ""
    for finding in said.findings:
        yield from _section(said, finding)
    yield from _rest(said)


def _head(said: Said) -> Iterator[str]:
    proposal, previewed = said.proposal, said.home.previewed
    changed = " and what is not committed" if proposal.head.endswith(CHANGED) else ""
    of = f"of {code(proposal.head[:12])}{changed} against {code(proposal.base[:12])}"
    if not proposal.pipelines:
        yield f"Nothing that runs changes {of}, so there is no preview."
        yield ""
        return
    count = len(proposal.pipelines)
    what = "1 pipeline" if count == 1 else f"{count} pipelines"
    until = f"{said.until:%Y-%m-%d %H:%M} UTC"
    yield (
        f"{what} {of}, with the values of `{said.home.environment}`, beside `{previewed}`: no schedules, no triggers. "
        f"It goes when the pull request is closed, at the latest after {until}."
    )
    yield ""


def _overview(said: Said) -> Iterator[str]:
    links = dict(said.registered)
    found = {finding.pipeline: finding for finding in said.findings}
    if not links:
        return
    previewed = said.home.previewed
    yield f"| pipeline | run | took | last run of {previewed} | took |" if said.ran else "| pipeline |"
    yield "|---|---|---|---|---|" if said.ran else "|---|"
    for name in sorted(links):
        first = f"| [{code(name)}]({links[name]}) |"
        yield first + (_of_runs(found.get(name)) if said.ran else "")
    yield ""


def _of_runs(finding: Finding | None) -> str:
    if finding is None:
        return " not run | | | |"
    mine = _run(finding.mine) if finding.mine else f"{plain(finding.missing)} | "
    theirs = _run(finding.theirs) if finding.theirs else " – | "
    return f" {mine} | {theirs} |"


def _run(side: Side) -> str:
    took = "" if side.seconds is None else f"{side.seconds:,.0f} s"
    return f"[{plain(side.state)}]({side.place}) | {took}"


def _section(said: Said, finding: Finding) -> Iterator[str]:
    both, lines = finding.compared, []
    a, b = said.home.previewed, said.proposal.prefix
    if both is not None:
        lines += _table("metric", both.metrics, a, b, numbers=True)
        lines += _table("output that differs", both.outputs, a, b)
        lines += _table("artifact of other content", both.files, a, b)
        lines += _table("task that ended otherwise", both.states, a, b)
        lines += _table("parameter that differs", both.parameters, a, b)
        lines += list(_notes(both))
    if finding.why:
        lines += ["", *fenced("text", "\n".join(finding.why))]
    if finding.mine and finding.missing:
        lines.append(f"Not compared: {plain(finding.missing)}.")
    if lines:
        yield f"## {code(finding.pipeline)}"
        yield ""
        yield from lines
        yield ""


def _notes(both: Comparison) -> Iterator[str]:
    """Why nobody knows what a run gave is one sentence here, for the links stand above."""
    silent = [side for side in (both.a, both.b) if side.tells_nothing]
    for why in dict.fromkeys(side.tells_nothing for side in silent):
        yield f"Metrics and outputs are not known ({plain(why)}); the pages of the runs show them."
    of_these = [side.place for side in silent]
    yield from (f"{plain(note)}." for note in both.notes if not any(place in note for place in of_these))


def _table(title: str, rows: Sequence[Row], a: str, b: str, *, numbers: bool = False) -> list[str]:
    if not rows:
        return []
    lines = [f"| {title} | {a} | {b} |" + (" difference |" if numbers else "")]
    lines.append("|---|---|---|" + ("---|" if numbers else ""))
    for row in rows[:_ROWS]:
        name = " ".join(filter(None, [row.task, row.name]))
        cells = f"| {code(name)} | {_value(row.name, row.a)} | {_value(row.name, row.b)} |"
        lines.append(cells + (f" {_difference(row)} |" if numbers else ""))
    if len(rows) > _ROWS:
        lines.append(f"| … {len(rows) - _ROWS} more | | |" + (" |" if numbers else ""))
    return [*lines, ""]


def _value(name: str, value: Any) -> str:
    if value is ABSENT:
        return "–"
    found = redact.value(name, value)
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    if isinstance(value, float):
        text = f"{value:.6g}"
    text = " ".join(text.split())
    return code(text if len(text) <= _VALUE else f"{text[: _VALUE - 1]}…")


def _difference(row: Row) -> str:
    if row.difference is None:
        return ""
    percent = "" if row.percent is None else f" ({row.percent:+.3g} %)"
    return "=" if row.difference == 0 else f"{row.difference:+.6g}{percent}"


def _rest(said: Said) -> Iterator[str]:
    proposal = said.proposal
    if proposal.settings:
        yield f"- Changed, and compiled to what they were (schedules, owners, texts): {_names(proposal.settings)}."
    if proposal.gone:
        yield f"- They leave with this: {_names(proposal.gone)}."
    if proposal.images:
        yield (
            f"- It changes what is in images ({_names(proposal.images)}), and a preview builds none: "
            f"the runs are of the images that `{said.home.previewed}` releases."
        )
    if said.gone:
        yield f"- Taken down, for this touches them no more: {_names(said.gone)}."
    yield from (f"- {plain(note)}." for note in proposal.notes)


def _names(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(code(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
