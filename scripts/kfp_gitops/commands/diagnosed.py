"""What a plan would find, as points of a diagnosis: what cannot be planned cannot be applied, well as all else is."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import columns
from kfp_gitops.base.errors import GitOpsError, RefusedError
from kfp_gitops.commands.pasted import pasted
from kfp_gitops.commands.reconcile import options

if TYPE_CHECKING:
    from kfp_gitops.commands.reconcile.look import Looked
    from kfp_gitops.operate.doctor.check import Check
    from kfp_gitops.reconcile.folder import Texts

_OF_THE_SERVER = frozenset({"namespace", "clock"})
"""Faults that `operate.doctor.server` has told already."""
_KINDS = {
    "database": "as the last apply left it",
    "pause": "none is lost",
    "schedule controller": "starts what falls due",
}


class Planned:
    """A look at the environment as `plan` makes it, and what of it hinders an apply."""

    def __init__(self, arguments: Namespace, api_is_well: Callable[[], bool]) -> None:
        whole: dict[str, Any] = {"select": [], "pipeline": [], "push_gateway": None}
        self._arguments = Namespace(**{**vars(arguments), **whole})
        self._say = partial(pasted, arguments, arguments.env)
        self._api_is_well = api_is_well
        self._looked: Looked | None = None
        self._failed: GitOpsError | None = None
        self._asked = False

    def compiled(self, *, stale: bool) -> Iterator[Check]:
        """Whether it compiles to what was reviewed; the server is asked meanwhile, and what it has is not compiled.

        `stale`: that the lock does not fit has been told.
        """
        from kfp_gitops.operate.doctor.check import missing, ok
        from kfp_gitops.reconcile import desired
        from kfp_gitops.reconcile.folder import texts

        arguments = self._arguments
        try:
            found = texts(options.manifests(arguments), arguments.env)
            desired.prove(found, arguments.host, partial(self._unproved, found))
        except GitOpsError as error:
            self._look()
            if stale and isinstance(error, RefusedError):
                return
            mend = (
                f"python scripts/render.py --env {arguments.env} --lock   # and have the difference reviewed"
            )
            yield missing("compiled", str(error), mend)
            return
        yield ok("compiled", "to what was reviewed")

    def _unproved(self, found: Texts) -> Sequence[int] | None:
        from kfp_gitops.reconcile import desired

        self._look()
        return desired.unproved(found, self._looked.actual) if self._looked else None

    def _look(self) -> None:
        from kfp_gitops.commands.reconcile import look

        if self._asked:
            return
        self._asked = True
        if not self._api_is_well():
            return
        try:
            self._looked = look.at(self._arguments)
        except GitOpsError as error:
            self._failed = error

    def checks(self) -> Iterator[Check]:
        """What it found on the server."""
        from kfp_gitops.operate.doctor.check import missing, unknown

        show = self._say("reconcile.py plan")
        if self._failed:
            yield missing("plan", str(self._failed), show)
        elif not self._looked:
            yield unknown("plan", "not made: what is missing above comes first", show)
        else:
            yield from self._planned(self._looked)
            yield from self._faults(self._looked)

    def _planned(self, looked: Looked) -> Iterator[Check]:
        from kfp_gitops.operate.doctor.check import missing, ok
        from kfp_gitops.reconcile import guard

        plan, show = looked.planned, self._say("reconcile.py plan")
        todo = columns.counted(len(plan.differences), "difference")
        yield ok("plan", f"{todo} that an apply makes good" if plan.differences else "nothing to do")
        names = sorted({f"{change.kind} {change.name}" for change in plan.conflicts})
        if names:
            what = f"not ours, or not what was reviewed: {columns.some(names, 5)}; nothing of it is touched"
            yield missing("names", what, f"{show}   # says whose they are, and what to do")
        else:
            yield ok("names", "ours, or free")
        try:
            guard.check(plan, guard.Limits(), desired_pipelines=len(looked.desired.pipelines))
        except RefusedError as error:
            yield missing("removals", str(error), show)
        else:
            yield ok("removals", "no more than an apply makes unasked")

    def _faults(self, looked: Looked) -> Iterator[Check]:
        from kfp_gitops.operate.doctor.check import missing, ok

        faults = [one for one in looked.status.faults if one.name not in _OF_THE_SERVER]
        for fault in faults:
            command = fault.command
            ours = command.partition(" ")[0].endswith(".py")
            yield missing(fault.name, fault.cause, self._say(command) if ours else command)
        for name, well in _KINDS.items():
            if all(fault.name != name for fault in faults):
                yield ok(name, well)
