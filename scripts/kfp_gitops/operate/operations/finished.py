"""That a backfill is finished, noted on the server: whoever looks later asks for none of its runs.

An experiment without runs, archived at once, as the other notes of ours are. It says of what it is, so a backfill whose
days were changed begins anew; and it outlives what a lock keeps, and runs that somebody deletes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.client import NOTE, KfpApi
from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.backfills import LAST, Progress, Spans
from kfp_gitops.reconcile.records import DesiredBackfill

PREFIX = f"{NOTE}backfilled-"
_NUMBER = re.compile(r"[0-9]{1,6}")
_COUNTS = re.compile("/".join([f"({_NUMBER.pattern})"] * 4))
_AT = re.compile(r"[0-9]{1,12}")
_SHOWN = 10
"""Failed firings whose numbers a note has room for."""


def note(api: KfpApi, owner: Owner, backfill: DesiredBackfill, found: Progress) -> None:
    """Leave it; done again, it is as it was."""
    counts = f"{found.ok}/{found.bad}/{found.left_out}/{found.total}"
    facts = {"id": backfill.id, "asked": found.asked, "counts": counts, "at": str(found.finished)}
    facts |= {"failed": ",".join(map(str, found.failed[:_SHOWN]))} if found.failed else {}
    name = f"{PREFIX}{owner.environment}-{backfill.id}-{found.asked}"
    made = api.create_experiment(name, ownership.describe(owner, "A backfill that is finished.", **facts))
    if not made.archived:
        api.archive_experiment(made.id)


def read(notes: Iterable[NamedExperiment], owner: Owner) -> dict[str, Progress]:
    """Id → how it ended, of an environment's; of several of one id the newest."""
    found: dict[str, Progress] = {}
    for one in notes:
        if one.name.startswith(PREFIX) and ownership.owner(one.description) == owner:
            facts = ownership.facts(one.description)
            name, progress = facts.get("id", ""), _progress(facts)
            before = found.get(name)
            if name and progress and (before is None or before.finished < progress.finished):
                found[name] = progress
    return found


def _progress(facts: Mapping[str, str]) -> Progress | None:
    """None of what is no such note: its words are anybody's to write."""
    counts, at = _COUNTS.fullmatch(facts.get("counts", "")), _AT.fullmatch(facts.get("at", ""))
    if "asked" not in facts or counts is None or at is None or int(at[0]) > LAST:
        return None
    ok, bad, left_out, total = map(int, counts.groups())
    failed = tuple(int(one) for one in facts.get("failed", "").split(",") if _NUMBER.fullmatch(one))
    done = Spans(((0, total),))
    return Progress(
        facts["asked"],
        "",
        done,
        ok=ok,
        bad=bad,
        left_out=left_out,
        total=total,
        failed=failed,
        finished=int(at[0]),
    )
