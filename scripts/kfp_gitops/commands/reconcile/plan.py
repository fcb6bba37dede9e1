"""`reconcile plan`: show what apply would do; reads only."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from kfp_gitops.base.errors import ExitCode, GitOpsError, TemporaryError
from kfp_gitops.commands import connection, console, listing, mine
from kfp_gitops.commands.reconcile import approved, as_values, backfilled, kept, options, showing
from kfp_gitops.commands.reconcile.circumstances import circumstances
from kfp_gitops.sources import selection

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.actual import Actual
    from kfp_gitops.reconcile.folder import Texts
    from kfp_gitops.reconcile.plan import Plan
    from kfp_gitops.reconcile.records import Desired, Options

T = TypeVar("T")
_ABOUT = """Show what apply would do; exit 1 if anything. The last line, `plan <12 hex>`, is the identity of all that it
would do and of every fact on KFP that it rests on: while nothing of that moves it stays the same, whatever time
passes, and `apply --plan` carries out that plan or nothing."""
_EXAMPLES = """  python scripts/reconcile.py plan --env prod                    what merging does, and its identity
  python scripts/reconcile.py apply --env prod --plan 0123456789ab    that and nothing else, else exit 5
  python scripts/reconcile.py plan --env prod --out plan.txt     with what it rests on, a line for each object
  python scripts/reconcile.py apply --env prod --plan plan.txt   the same, and says what moved on any machine
  python scripts/reconcile.py plan --env prod --approve          for the Job of an environment that requires it
  python scripts/reconcile.py plan --env prod --as-values        what somebody changed in KFP's UI, as a diff of values
  python scripts/reconcile.py plan --env prod --as-values --open-pr   and committed on a branch, for review
  python scripts/reconcile.py plan --env dev --as alice     what differs from alice-…, your own beside it"""


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    about = "show what apply would do; exit 1 if anything"
    parser = subcommands.add_parser("plan", help=about, description=_ABOUT, examples=_EXAMPLES)
    options.add_target(parser)
    selection.add(parser, "look only at pipelines")
    mine.add(parser)
    options.add_decisions(parser)
    parser.add_argument(
        "--approve", action="store_true",
        help="approve this plan for the environment's Job, which with `delivery.requirePlan` carries out no other: "
        "write environments/ENV/approved-plan.yaml and render it; what is merged is approved. KFP's address in it is "
        "the environment's own, by which the Job reaches it, however --host reaches it from here",
    )  # fmt: skip
    as_values.add(parser)
    kept.add(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Plan one environment and show it."""
    from kfp_gitops.reconcile import desired
    from kfp_gitops.reconcile.folder import texts
    from kfp_gitops.reconcile.hosts import checked_host

    mine.checked(arguments)
    if arguments.mine:
        return _shown(arguments, *_looked(arguments, mine.wanted(arguments, options.selected(arguments))))
    if arguments.approve:
        approved.may_approve(arguments)
    as_values.may(arguments)
    found = texts(options.manifests(arguments), arguments.env, options.selected(arguments))
    if (
        arguments.as_values
    ):  # nothing is compiled: that a version is another one is told, and no IR looked into
        return as_values.run(arguments, *_look(arguments, found))
    seen: Future[tuple[Desired, Options, Actual]] = Future()
    # What KFP has already is not compiled again. Patience comes after that: what is wrong with the manifests is told
    # at once, whether KFP answers or not.
    budget = connection.budget(arguments)  # of both looks
    at_once = Namespace(**{**vars(arguments), "patience": 0.0})

    def look() -> list[int] | None:
        _fill(seen, lambda: _look(at_once, found))
        return None if seen.exception() else desired.unproved(found, seen.result()[2])

    desired.prove(found, arguments.host, look)
    try:
        wanted, decided, actual = seen.result()
    except TemporaryError:
        left = arguments.patience - budget.silent
        if left <= 0 or budget.over:
            raise
        wanted, decided, actual = _look(Namespace(**{**vars(arguments), "patience": left}), found)
    if arguments.approve:
        wanted = replace(wanted, host=checked_host(found.environment["kfp"]["host"]))
    return _shown(arguments, wanted, decided, actual)


def _shown(arguments: Namespace, wanted: Desired, decided: Options, actual: Actual) -> int:
    from kfp_gitops.reconcile import guard
    from kfp_gitops.reconcile.plan import plan

    planned = plan(wanted, actual, decided)
    arguments.report.planned((c.action, c.kind) for c in planned.changes)
    arguments.report.drift = len(planned.differences)
    planned = replace(planned, notes=(*planned.notes, *backfilled.noted(arguments, wanted, actual)))
    showing.show(arguments, planned)
    there = len(wanted.pipelines) + len(wanted.beside)
    guard.check(planned, options.limits(arguments), desired_pipelines=there)
    if arguments.approve and not planned.conflicts:
        approved.approve(arguments, planned)
    return conflicts(planned, everything=arguments.everything) or (
        ExitCode.DIFFERENCES if planned.differences else ExitCode.OK
    )


def _fill(seen: Future[T], look: Callable[[], T]) -> None:
    """A failed look is told after what does not compile, which is wrong whatever KFP says."""
    try:
        seen.set_result(look())
    except GitOpsError as error:
        seen.set_exception(error)


def _look(arguments: Namespace, found: Texts) -> tuple[Desired, Options, Actual]:
    """Desired state as its lock tells it, what was decided, and what KFP has."""
    from kfp_gitops.reconcile import desired

    return _looked(arguments, desired.as_locked(found, arguments.host, _import_the_rest))


def _looked(arguments: Namespace, wanted: Desired) -> tuple[Desired, Options, Actual]:
    from kfp_gitops.reconcile.observe import observe

    api = connection.api(arguments, wanted.host, wanted.namespace)
    decided, wanted = circumstances(arguments, api, wanted, kept.read(arguments, api, wanted.owner).witness)
    return wanted, decided, observe(api, wanted, decided)


def _import_the_rest() -> None:
    """What speaks to KFP and compares takes a fifth of a second, in which other processes read manifests."""
    import kfp_gitops.kfpserver.kfpapi.client
    import kfp_gitops.operate.operations.pause
    import kfp_gitops.reconcile.guard
    import kfp_gitops.reconcile.observe
    import kfp_gitops.reconcile.plan
    import kfp_gitops.reconcile.report  # noqa: F401  # used later


def conflicts(found: Plan, *, everything: bool = False) -> int:
    """Say what is not ours and stops a pipeline."""
    why = "nothing of this pipeline was touched"
    told = [(f"{change.kind} {change.name}", f"{change.reason}; {why}") for change in found.conflicts]
    listing.reasons(told, everything=everything)
    if found.conflicts:
        console.note(
            "a name belongs to one owner in a namespace of KFP: give the environment a KFP or namespace of its own "
            "(`kfp` in its values), rename, or take over what nobody marked with --adopt PIPELINE"
        )
    return ExitCode.REFUSED if found.conflicts else ExitCode.OK
