"""`reconcile trigger`: one pass over the triggers of an environment, or one after the other."""

from __future__ import annotations

import re
import time
from argparse import ArgumentTypeError, Namespace
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import metrics, replies, stopping
from kfp_gitops.base.errors import ExitCode, GitOpsError, UsageError
from kfp_gitops.commands import connection, console
from kfp_gitops.commands.reconcile import options, passed
from kfp_gitops.commands.reconcile.circumstances import with_notes
from kfp_gitops.reconcile import locking

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.operate.operations.continuing import Continued
    from kfp_gitops.operate.triggering.also import Also
    from kfp_gitops.operate.triggering.one_pass import Sources
    from kfp_gitops.reconcile.records import Desired

_TIMEOUT = 240.0
"""Seconds of a pass, unless --timeout says otherwise."""
_IN_ALL = (
    "how long a pass may wait for KFP, and for another pass before it, in all; a single request has 60 s "
    f"(default: {_TIMEOUT:g})"
)
_LOCK = 30.0
_ABOUT = """Start the runs that triggers owe: after a run of another pipeline, or on new data (`triggers` of a
manifest). One pass looks once and starts what is due: at most one run for each cause, always, also when it is killed
or runs twice. It reads the rendered manifests, plans nothing and registers nothing: what is not registered yet waits.
In a cluster a CronJob runs it each minute (`delivery.triggerSchedule`); --every is for a laptop and for demos."""
_EXAMPLES = """  python scripts/reconcile.py trigger --env dev                       one pass
  python scripts/reconcile.py trigger --env dev --every 60s           one each minute, until Ctrl-C
  python scripts/reconcile.py trigger --env dev --json                what it did, a line of JSON each, and the sum
  python scripts/reconcile.py trigger --env dev --push-gateway http://pushgateway:9091 --period 60
                                                                      as the CronJob of each minute tells Prometheus
  python scripts/reconcile.py status --env dev                        what waits, what was missed, and why
  python scripts/reconcile.py pause --env dev --until 8h              nothing is started for so long"""
_EVERY = re.compile(r"([1-9][0-9]{0,4})(s|m)")


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    about = "start the runs that are due after other runs and on new data"
    parser = subcommands.add_parser("trigger", help=about, description=_ABOUT, examples=_EXAMPLES)
    options.add_target(parser, _IN_ALL)
    connection.add_metadata(parser)
    group = parser.add_argument_group("the pass")
    group.add_argument(
        "--every", type=_every, metavar="60s",
        help="look again and again, so long after the beginning of the look before (5s or more); ends by Ctrl-C",
    )  # fmt: skip
    group.add_argument(
        "--json", action="store_true",
        help="a line of JSON for each step (schemas/step.schema.json), and for the sum (schemas/pass.schema.json)",
    )  # fmt: skip
    group.add_argument(
        "--termination-log", type=Path, metavar="FILE", help="where a pod's last words go: the sum as JSON"
    )
    group.add_argument(
        "--lease", metavar="NAMESPACE/NAME",
        help="the Kubernetes Lease of the triggers, in which is kept what no list of KFP tells; not the one that apply "
        "holds (default: a file lock on this machine)",
    )  # fmt: skip
    group.add_argument(
        "--lock-timeout", type=connection.seconds, default=_LOCK, metavar="S",
        help=f"seconds to wait for another pass (default: {_LOCK:g})",
    )  # fmt: skip
    group.add_argument(
        "--period", type=connection.seconds, metavar="S",
        help="seconds from one pass to the next at most, for the Pushgateway: the alert that none came waits three "
        "times that",
    )  # fmt: skip
    parser.set_defaults(run=run)


def _every(text: str) -> float:
    found = _EVERY.fullmatch(text)
    seconds = int(found[1]) * (60 if found[2] == "m" else 1) if found else 0
    if not 5 <= seconds <= 3600:
        raise ArgumentTypeError(f"{text!r}: write 5s to 60m, such as 60s")
    return float(seconds)


def run(arguments: Namespace) -> int:
    """One pass, or one after the other until somebody ends it."""
    if arguments.every is None:
        return _pass(arguments)
    arguments.report.period = arguments.report.period or arguments.every
    stopping.listen()
    began = time.monotonic()
    _pass(arguments)  # what is wrong with the command line, or with the manifests, ends it at once
    while True:
        stopping.sleep(max(0.0, began + arguments.every - time.monotonic()))
        began = time.monotonic()
        _again(arguments)


def _again(arguments: Namespace) -> None:
    """A pass that may fail: the next one may not."""
    arguments.report = metrics.Report(arguments.env, arguments.command, period=arguments.report.period)
    arguments.budget = None
    code: int = ExitCode.DEFECT
    try:
        code = _pass(arguments)
    except UsageError:
        raise
    except GitOpsError as error:
        code = error.exit_code
        console.note(str(error))
    if arguments.push_gateway:
        metrics.push(metrics.checked(arguments.push_gateway), arguments.report, code)


def _pass(arguments: Namespace) -> int:
    from kfp_gitops.operate.operations import pause
    from kfp_gitops.operate.triggering import also, one_pass
    from kfp_gitops.reconcile import desired
    from kfp_gitops.reconcile.causes import statetext
    from kfp_gitops.reconcile.locking.parted import Part

    began, manifests = time.monotonic(), options.manifests(arguments)
    wanted = desired.reviewed(manifests, arguments.env, arguments.host)
    api = connection.api(arguments, wanted.host, wanted.namespace, _TIMEOUT)
    api.service_account = wanted.service_account
    with _locked(arguments, api, wanted) as held:
        notes = pause.notes(api)
        under = with_notes(wanted, notes, api.now())
        tell = passed.teller(json=arguments.json)
        its = Part(held, statetext.FORM)
        done = one_pass.run(api, under, notes, its, sources(arguments, api), tell)
        counted = passed.Counted(tell)
        turn = also.Turn(api, under, manifests, notes, counted, held)
        carried: list[Continued] = []
        others = also.done(beside(carried), turn)
    passed.report(arguments.report, done, wanted, counted.runs)
    passed.report_backfills(arguments.report, carried, wanted, api.now())
    found = passed.Sum(arguments.env, done, others, counted.runs, api.sent, time.monotonic() - began)
    passed.summary(found, json=arguments.json, log=arguments.termination_log)
    return ExitCode.REMOTE_FAILED if done.failed or done.problems or others else ExitCode.OK


def sources(arguments: Namespace, api: KfpApi) -> Sources:
    """Where states of data and the results of runs are looked up."""
    from kfp_gitops.commands.reconcile.left import LeftByRuns
    from kfp_gitops.operate.objectstore.states import ObjectStates
    from kfp_gitops.operate.triggering.one_pass import Sources

    return Sources(data=ObjectStates(), results=LeftByRuns(arguments, api))


def beside(carried: list[Continued]) -> Sequence[Also]:
    """What else a pass does, in this order; `carried` gets what came of each backfill."""
    from kfp_gitops.operate.triggering import backfilling, collecting

    return (("backfills", partial(backfilling.carried_on, into=carried)), ("previews", collecting.taken_down))


@contextmanager
def _locked(arguments: Namespace, api: KfpApi, wanted: Desired) -> Iterator[locking.Held]:
    """A lock of its own, so that a pass never waits for a long apply; once it is lost, nothing more is written."""
    with ExitStack() as stack:
        with replies.within(most := api.budget.left(api.host)):
            seconds = min(arguments.lock_timeout, most)
            key = key_of(api, wanted)
            held = stack.enter_context(locking.hold(arguments.lease, key, seconds, console.note))
        api.before_write = held.check
        yield held


def key_of(api: KfpApi, wanted: Desired) -> tuple[str, ...]:
    """By what the lock of an environment's triggers is known on one machine."""
    return (*options.key(api, wanted.owner), "triggers")
