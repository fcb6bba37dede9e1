"""What an apply turned off as its manifests say, noted on the server: later KFP tells only that it was off.

A schedule that is off, or gone, missed what fell due; unless its manifest turned it off (it was owed nothing), or a
pause in the values did (which held its firings back). The note is an archived experiment without runs beside those of
pauses (`pause`), which is read with them in one request. Its time ends when the schedule is on again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from kfp_gitops.base.errors import LockLostError, RemoteError
from kfp_gitops.checking.limits import EXPERIMENT_DESCRIPTION
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import Actual
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.operate.operations import pause
from kfp_gitops.operate.status.lines import Pauses
from kfp_gitops.operate.status.missed import Spell
from kfp_gitops.reconcile.change import Kind
from kfp_gitops.reconcile.plan import Plan
from kfp_gitops.reconcile.records import Desired, DesiredPipeline, schedule_name

_HELD, _OFF = "held", "off"
"""The facts that name schedules: held back by a pause in the values, and turned off by their manifests."""
_ALL = "*"
_MOST = 20
"""Notes of one apply; what finds no room in them is later told as disabled."""
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


def note(api: KfpApi, desired: Desired, actual: Actual, plan: Plan, tell: Callable[[str], None]) -> None:
    """Before anything is turned off. That it could not be noted fails nothing, and is told."""
    found, now = _turned_off(desired, actual, plan), api.now()
    texts = [text for fact, names in found.items() for text in _texts(desired, actual, fact, names)]
    for number, text in enumerate(texts[:_MOST]):
        name = f"{pause.PREFIX}{desired.owner.environment}-off-{now:%Y%m%dT%H%M%SZ}-{number}"
        try:
            api.archive_experiment(api.create_experiment(name, text).id)
        except LockLostError:
            raise
        except RemoteError as error:
            tell(
                f"that schedules are turned off could not be noted, so they will look as if disabled: {error}"
            )
            return


def _turned_off(desired: Desired, actual: Actual, plan: Plan) -> dict[str, list[str]]:
    """Fact → the schedules that are on and shall be so no more; of a pause with a note that one tells."""
    on = {found.name for found in actual.schedules if found.enabled and found.owner == desired.owner}
    touched = sorted(
        {change.name for change in plan.to_do if change.kind is Kind.SCHEDULE and change.name in on}
    )
    wanted = {
        schedule_name(pipeline.name, schedule.name): pipeline
        for pipeline in desired.pipelines
        for schedule in pipeline.schedules
        if schedule.enabled
    }
    paused = [name for name in touched if name in wanted and wanted[name].is_paused(actual.now)]
    by_values = [name for name in paused if wanted[name].paused_by is None]
    return {_HELD: by_values, _OFF: [name for name in touched if name not in wanted]}


def _texts(desired: Desired, actual: Actual, fact: str, names: Sequence[str]) -> Iterator[str]:
    """As many names in each as KFP keeps; one word where it is the whole environment."""
    on = {found.name for found in actual.schedules if found.enabled and found.owner == desired.owner}
    if not desired.selected and len(names) > 1 and on == set(names):
        names = [_ALL]
    room = EXPERIMENT_DESCRIPTION.maximum - len(_text(desired.owner, fact, ""))
    line: list[str] = []
    for name in names:
        if line and len(",".join([*line, name])) > room:
            yield _text(desired.owner, fact, ",".join(line))
            line = []
        line.append(name)
    if line:
        yield _text(desired.owner, fact, ",".join(line))


def _text(owner: Owner, fact: str, names: str) -> str:
    return ownership.describe(owner, "Turned off by an apply.", **{fact: names or "-"})


def pauses(notes: Iterable[NamedExperiment], owner: Owner) -> Pauses:
    """When schedules were off by our own doing: by pauses, and by what an apply noted."""
    found = list(notes)
    begun = [one for one in pause.read(found, owner) if one.since]
    noted = list(_noted(found, owner))

    def of(pipeline: DesiredPipeline, schedule: str) -> Sequence[Spell]:
        its = [
            Spell(one.since, min(one.until, one.ended_at or one.until), over=one.ended)
            for one in begun
            if one.since and one.only.matches(pipeline.name, pipeline.team)
        ]
        return [*its, *(spell for names, spell in noted if schedule in names or names == [_ALL])]

    return of


def _noted(notes: Iterable[NamedExperiment], owner: Owner) -> Iterator[tuple[list[str], Spell]]:
    for one in notes:
        facts = ownership.facts(one.description)
        if ownership.owner(one.description) == owner and one.created:
            for fact in facts.keys() & {_HELD, _OFF}:
                yield facts[fact].split(","), Spell(one.created, _FOR_EVER, over=True, owed=fact == _HELD)
