"""Asides: a copy of an environment's pipelines beside it, on the same KFP, under an owner of its own. Pure.

A developer's own (`--as NAME`) and a pull request's preview are asides: other names, no schedules, no triggers, own
experiments, and an end after which they may be taken down by anybody. Nothing of the environment itself is touched.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kfp_gitops.base.errors import RefusedError, UsageError
from kfp_gitops.base.packed import Packed
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.checking import limits
from kfp_gitops.compiling import ir, lock
from kfp_gitops.kfpserver.kfpapi.actual import Marked
from kfp_gitops.kfpserver.ownership import Owner, same
from kfp_gitops.reconcile import timing
from kfp_gitops.reconcile.records import Aside, Desired, DesiredPipeline, experiment_name
from kfp_gitops.sources.asides import BETWEEN

PREFIX = "kfp-gitops-aside-"
"""What the names of notes begin with: experiments without runs that tell when an aside's time is over."""
AT_ONCE = 50
"""Asides of one environment: each has pipelines, versions and experiments of its own, which every plan lists."""
_NAMED = 3
"""How many of them a refusal names."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")
_PREVIEW = re.compile(r"pr-[1-9][0-9]*")
_RUN = len("-20260101-000000-0000")
"""What `run.py` puts behind a pipeline's name to name a run."""
_BY = 40


@dataclass(frozen=True)
class Known:
    """An aside that is on a KFP, as what was made for it tells."""

    owner: Owner
    of: str
    """The environment that it is beside."""
    over: datetime | None
    """When its time is over; None: it has no end."""
    by: str = ""
    marked: tuple[Marked, ...] = ()

    @property
    def pipelines(self) -> list[str]:
        """The names of its pipelines on KFP."""
        return sorted(one.name for one in self.marked if one.kind == "pipeline")

    def is_over(self, now: datetime) -> bool:
        """Whether anybody may take it down."""
        return self.over is not None and self.over <= now


def owner_of(repository: str, environment: str, name: str) -> Owner:
    """Whose a developer's own objects are.

    Raises:
        UsageError: it cannot be a name.
    """
    if not _NAME.fullmatch(name) or "as" in name.split("-") or re.match(r"pr-\d+-", f"{name}-"):
        raise UsageError(
            f"--as {name}: write 1 to 20 of a-z 0-9 - that begin and end with a letter or digit, such as alice, "
            "without the word `as`, and not as previews are called (pr-42)"
        )
    return Owner(repository, f"{environment}{BETWEEN}{name}")


def aside(desired: Desired, prefix: str, owner: Owner, until: datetime | None, by: str = "") -> Desired:
    """The same pipelines under other names and another owner, started by nobody but people.

    The pipeline in each IR is called so, too: KFP's cache and the folder of a run's artifacts go by that name, so no
    run of one ever takes what a run of the other has made (driver/cache.go getFingerPrintsAndID).

    Raises:
        RefusedError: every name that would be too long for KFP, or is one of the environment's.
    """
    problems = [*_taken(desired, prefix), *_too_long(desired, prefix, owner)]
    if problems:
        raise RefusedError("\n".join(problems))
    note = Aside(desired.owner.environment, until, "-".join(by.split())[:_BY])
    return replace(
        desired, owner=owner, pipelines=tuple(_copy(one, prefix) for one in desired.pipelines), absent=(),
        backfills=(), disabled=False, aside=note, beside=frozenset(f"{prefix}{name}" for name in desired.beside),
    )  # fmt: skip


def _copy(pipeline: DesiredPipeline, prefix: str) -> DesiredPipeline:
    name = f"{prefix}{pipeline.name}"
    documents = ir.documents(str(pipeline.ir))
    about = {**documents[0]["pipelineInfo"], "name": name}
    documents = [{**documents[0], "pipelineInfo": about}, *documents[1:]]
    digest = ir.digest(documents)
    text = dump_all([json.loads(json.dumps(document, sort_keys=True)) for document in documents])
    return replace(
        pipeline, name=name, version=lock.version_name(digest), digest=digest, ir=Packed.of(text), schedules=(),
        triggers=(), paused_until=None, paused_by=None, paused_why="", slo=None, adopts=None,
    )  # fmt: skip


def _taken(desired: Desired, prefix: str) -> Iterator[str]:
    """A later pipeline of the environment is not foreseen: its own apply would then tell of a conflict."""
    theirs = {same(entry.called) for entry in desired.entries} | {same(name) for name in desired.beside}
    for pipeline in desired.pipelines:
        if same(name := f"{prefix}{pipeline.name}") in theirs:
            where = desired.owner.environment
            yield f"{name}: {where} has a pipeline of this name; choose another one than {prefix.rstrip('-')!r}"


def _too_long(desired: Desired, prefix: str, owner: Owner) -> Iterator[str]:
    for pipeline in desired.pipelines:
        name = f"{prefix}{pipeline.name}"
        wanted = (
            (limits.PIPELINE, name),
            (limits.EXPERIMENT, experiment_name(name, owner.environment)),
            (limits.RUN, name + " " * _RUN),
        )
        for limit, text in wanted:
            if len(text) > limit.maximum:
                more = len(text) - limit.maximum
                yield (
                    f"{name}: {more} characters too many, for {limits.at_most(limit)}; choose a name that is shorter "
                    f"than {prefix.rstrip('-')!r}, or select other pipelines with --pipeline"
                )
                break


def note_prefix(owner: Owner) -> str:
    """What the names of the notes of an aside begin with, short whatever it is called."""
    text = "\0".join((owner.repository, owner.environment))
    return f"{PREFIX}{hashlib.sha256(text.encode()).hexdigest()[:16]}-"


def note_name(owner: Owner, over: datetime | None) -> str:
    """The note of one end: nothing on every KFP can be changed, so another end is another note."""
    return f"{note_prefix(owner)}{f'{over:%Y%m%d%H%M%S}' if over else 'open'}"


def known(found: Iterable[Marked], repository: str = "") -> list[Known]:
    """The asides among what is on a KFP, of one repository or of all, by name.

    Marks are words in descriptions that anybody can write: what says that it is an aside's, of an owner that no aside
    has, is not believed, for all that is marked as an environment's would be taken down with it.
    """
    groups: dict[Owner, list[Marked]] = {}
    for one in found:
        if not repository or one.owner.repository == repository:
            groups.setdefault(one.owner, []).append(one)
    owners = sorted(groups, key=lambda owner: (owner.repository, owner.environment))
    return [
        _known(owner, its)
        for owner in owners
        if (its := groups[owner]) and any(_may_be(owner, one.facts.get("aside", "")) for one in its)
    ]


def _may_be(owner: Owner, of: str) -> bool:
    """Whether an aside of an environment can be of this owner: a preview's, or somebody's own."""
    begin = f"{of}{BETWEEN}"
    its = owner.environment
    own = its.startswith(begin) and _NAME.fullmatch(its.removeprefix(begin)) is not None
    return bool(of) and (own or _PREVIEW.fullmatch(its) is not None)


def _known(owner: Owner, found: Sequence[Marked]) -> Known:
    """Its end is what its notes say, the latest; without any, what was said when it was made."""
    its = [one for one in found if _may_be(owner, one.facts.get("aside", ""))]
    notes = [one for one in its if is_note(one)]
    ends = [timing.noted(one.facts.get("over")) for one in notes or its]
    over = None if any(end is None for end in ends) else max(end for end in ends if end)
    by = next((one.facts["by"] for one in reversed(notes) if "by" in one.facts), "")
    return Known(owner, its[0].facts["aside"], over, by, tuple(found))


def refuse_more(owner: Owner, of: str, there: Iterable[Known]) -> None:
    """See to it that an environment gets no aside more than may be there at once; one that is there may stay.

    Raises:
        RefusedError: it would; with those that end first, and how each is taken down.
    """
    others = [one for one in there if (one.owner.repository, one.of) == (owner.repository, of)]
    if len(others) < AT_ONCE or any(one.owner == owner for one in others):
        return
    first = sorted(
        others, key=lambda one: (one.over is None, one.over or datetime.min, one.owner.environment)
    )
    raise RefusedError(
        f"{owner.environment}: {len(others)} copies of {of} are there, and no more than {AT_ONCE} may be at once; "
        "take down what nobody needs, such as what ends first:\n" + "\n".join(map(_down, first[:_NAMED]))
    )


def _down(found: Known) -> str:
    """The command, and until when it stays otherwise."""
    its = found.owner.environment
    until = f"until {found.over:%Y-%m-%d %H:%M} UTC" if found.over else "without an end"
    if _PREVIEW.fullmatch(its):
        return f"  python scripts/preview.py down --pr {its.removeprefix('pr-')}  # {until}"
    name = its.removeprefix(f"{found.of}{BETWEEN}")
    return f"  python scripts/reconcile.py down --env {found.of} --as {name}  # {until}"


def is_note(found: Marked) -> bool:
    """Whether it says of an aside when its time is over."""
    return found.kind == "experiment" and found.name.startswith(PREFIX) and "aside" in found.facts
