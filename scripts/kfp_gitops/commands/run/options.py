"""The command line of `run`: what can be asked, and what goes with what."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kfp_gitops.base.errors import UsageError
from kfp_gitops.commands import again, connection, mine
from kfp_gitops.commands.common import Parser

_EXAMPLES = """  python scripts/run.py --env dev --pipeline quickstart --host http://127.0.0.1:8888 --wait
  python scripts/run.py --env dev --pipeline predictive-scaling --param cv_folds=10 --param 'candidates=["prophet"]'
  python scripts/run.py --env dev --pipeline quickstart --local           on this machine, without a server
  python scripts/run.py --env dev --pipeline quickstart --local --watch   again on each save of what it is made of
  python scripts/run.py --env dev --as alice --pipeline churn --wait      beside dev, as it is here, committed or not
  python scripts/run.py --compare                         the two newest runs on this machine: metrics, outputs, code
  python scripts/run.py --env dev --compare RUN_A RUN_B   runs of the server, or folders of runs here
  python scripts/run.py --all --list --failed --since 12h                 what failed tonight, everywhere
  python scripts/run.py --env prod --list --pipeline 'churn-*'            the last day's runs of these
  python scripts/run.py --env dev --status RUN_ID                         how it went, who started it, why it failed
  python scripts/run.py --env dev --status RUN_ID --outputs               and what its tasks gave and measured
  python scripts/run.py --env dev --logs RUN_ID train                     the end of a task's log
  python scripts/run.py --env dev --terminate RUN_ID
  python scripts/run.py --env dev --terminate --all-running --pipeline 'churn-*'
  python scripts/run.py --env dev --rerun RUN_ID --param threshold=7 --wait
  python scripts/run.py --env dev --pipeline predictive-scaling --schedule weekly    fire it now, once
  python scripts/run.py --env dev --pipeline predictive-scaling --backfill 2026-01-01..2026-01-31 --parallel 2
  python scripts/run.py --env prod --backfill --missed                    make up for what status names

--schedule S without --backfill starts one run with the registered version, the schedule's parameters and those of
--param, whether the schedule is on or off; a parameter for the firing's instant gets the present one. Once: its name is
S-fired-MINUTE, and whoever asks again within a minute of its start, because the first call was killed or its answer was
lost, is shown that run and starts no other. It makes up for no missed firing: --backfill does."""
_ABOUT = (
    "Run a pipeline once, with the environment's parameters; or see the runs there were, stop or repeat them."
)
FIRED = 20
"""Runs of one pipeline that are listed, where nobody says since when."""


def parser() -> Parser:
    """All of it."""
    found = Parser("run.py", _ABOUT, _EXAMPLES)
    found.add_argument("--env", metavar="ENV", help="the environment; needed but for --all --list")
    found.add_argument(
        "--pipeline", metavar="P",
        help="the pipeline to run; with --list and --terminate --all-running a name or a glob, such as 'churn-*'",
    )  # fmt: skip
    found.add_argument(
        "--param", action="append", default=[], metavar="K=V", help="a parameter that differs; repeatable"
    )
    found.add_argument("--wait", action="store_true", help="follow the run to its end")
    mine.add(found, renews=True)
    _add_local(found.add_argument_group("on this machine"))
    host = "the KFP API (default: what environment.yaml says); with --all ENV=URL, one for each"
    connection.add(
        found,
        host=host,
        several=True,
        timeout="give up waiting after S seconds; the run goes on (default: never)",
    )
    connection.add_metadata(found)
    _add_looks(found)
    again.add(found)
    found.add_argument(
        "--yes", action="store_true",
        help=f"do not ask: --all-running always asks, --backfill above {again.ASKS_ABOVE} runs",
    )  # fmt: skip
    return found


def _add_local(group: Any) -> None:
    group.add_argument(
        "--local", action="store_true",
        help="compile the manifest and run it on this machine; needs no server",
    )  # fmt: skip
    group.add_argument(
        "--watch", action="store_true",
        help="with --local: compile, render and run it, and again on each save of components/, templates/ or "
        "environments/; tells what the change did to metrics and outputs; Ctrl-C ends it",
    )  # fmt: skip
    group.add_argument(
        "--out", type=Path, metavar="DIR", help="with --local: a new folder for what the run writes"
        " (default: .local-runs/P-TIME of the repository)",
    )  # fmt: skip
    group.add_argument(
        "--workers", type=int, default=2, metavar="N", help="with --local: tasks at a time (default: 2)"
    )
    group.add_argument(
        "--pass-env", action="append", default=[], metavar="NAME",
        help="with --local: a variable of this environment that the steps see, beside PATH and its like; repeatable",
    )  # fmt: skip
    group.add_argument(
        "--mount", action="append", default=[], metavar="PATH",
        help="with --local: this machine's folder PATH stands for the volume claim, secret or config map that is"
        " mounted there; repeatable",
    )  # fmt: skip
    group.add_argument(
        "--cache", action="store_true", help="with --local: answer a task from what it gave before, as KFP does"
        " where the pipeline lets it (default: every task runs)",
    )  # fmt: skip


def _add_looks(found: ArgumentParser) -> None:
    group = found.add_argument_group("what there was")
    group.add_argument(
        "--compare", nargs="*", metavar="RUN",
        help="two runs side by side: parameters, metrics, outputs, seconds, code; each the folder of a local run or an "
        "id of the server's (with --env; --metadata says where its metrics are); none given: the two newest on this "
        "machine, of --pipeline if that is given",
    )  # fmt: skip
    group.add_argument(
        "--list", action="store_true",
        help="the runs, the newest first: of one pipeline the newest twenty, of several those of the last day",
    )  # fmt: skip
    group.add_argument(
        "--all", action="store_true", dest="everywhere",
        help="with --list: of all environments; one that cannot be reached hides no other, and the exit code is 4",
    )  # fmt: skip
    group.add_argument("--failed", action="store_true", help="with --list: only those that failed")
    group.add_argument(
        "--since",
        metavar="T",
        help="with --list: created since then: 12h, 30m, 7d, or an instant in RFC 3339",
    )
    group.add_argument(
        "--status", metavar="RUN",
        help="one run: its tasks, why it failed, its version, parameters and who started it",
    )  # fmt: skip
    group.add_argument(
        "--outputs", action="store_true",
        help="with --status: also what its tasks gave and logged, from KFP's metadata store (--metadata)",
    )  # fmt: skip
    group.add_argument(
        "--json", action="store_true",
        help="--list, --status and --compare for machines: schemas/runs.schema.json, run.schema.json and "
        "comparison.schema.json",
    )  # fmt: skip
    group.add_argument(
        "--logs", nargs="+", metavar=("RUN", "TASK"),
        help="the end of the log of a task, by its id in --status, of each item and attempt, if KFP gives it",
    )  # fmt: skip
    group.add_argument(
        "--lines", type=_natural, default=None, metavar="N",
        help="with --logs: so many lines of each (default: 200; 0: all, as they come)",
    )  # fmt: skip
    stop = found.add_argument_group("stop")
    stop.add_argument(
        "--terminate", nargs="?", const="", metavar="RUN",
        help="stop a run: its pods are killed, it becomes FAILED, and its exit task does not run",
    )  # fmt: skip
    stop.add_argument(
        "--all-running", action="store_true",
        help="with --terminate: every run of the environment, or of --pipeline, that has not ended; asks first",
    )  # fmt: skip


def _natural(text: str) -> int:
    from kfp_gitops.commands.reconcile.options import natural

    return natural(text)


_ASKS = ("list", "status", "logs", "terminate", "rerun", "backfill", "local", "compare")
_GOES_WITH = {
    "everywhere": ("--all", ("list",)),
    "failed": ("--failed", ("list",)),
    "since": ("--since", ("list",)),
    "outputs": ("--outputs", ("status",)),
    "json": ("--json", ("list", "status", "compare")),
    "lines": ("--lines", ("logs",)),
    "all_running": ("--all-running", ("terminate",)),
    **{
        name: (f"--{name.replace('_', '-')}", ("backfill",))
        for name in ("missed", "held", "include_fired", "redo_failed", "dry_run")
    },
}
_SHAPES = {
    "list": "run.py --env dev --list --failed --since 12h",
    "status": "run.py --env dev --status RUN_ID",
    "logs": "run.py --env dev --logs RUN_ID TASK",
    "terminate": "run.py --env dev --terminate RUN_ID` or `run.py --env dev --terminate --all-running",
    "local": "run.py --env dev --pipeline P --local",
    "compare": "run.py --compare .local-runs/A .local-runs/B",
    "backfill": "run.py --env dev --pipeline P --backfill 2026-01-01..2026-01-31",
    "missed": "run.py --env dev --backfill --missed",
    "held": "run.py --env dev --backfill --held",
}


def checked(arguments: Namespace) -> None:
    """What goes with what.

    Raises:
        UsageError: all that does not, each with an example of the shape.
    """
    problems = [*_together(arguments)]
    if problems:
        raise UsageError("\n".join(f"run.py: {problem}" for problem in problems))
    arguments.hosts = arguments.host
    if not arguments.everywhere and arguments.env is not None:
        arguments.host = connection.hosts(arguments.host, [arguments.env]).get(arguments.env)


def asked(arguments: Namespace) -> list[str]:
    """What is asked for instead of a run, by the options' names; --terminate without a run is asked for, too."""
    return [name for name in _ASKS if getattr(arguments, name) not in (None, False)]


def _together(arguments: Namespace) -> Iterator[str]:
    found = asked(arguments)
    yield from _empty(arguments)
    if len(found) > 1 and arguments.local:
        yield f"--local takes no --{found[0]}: it speaks to no server"
    elif len(found) > 1:
        yield f"--{found[0]} and --{found[1]} are two things; give one of them"
    for name, (option, wanted) in _GOES_WITH.items():
        if getattr(arguments, name) not in (None, False) and not {*found} & {*wanted}:
            yield f"{option} goes with --{' and --'.join(wanted)}, as in `{_SHAPES.get(name, _SHAPES[wanted[0]])}`"
    yield from _missing(arguments, found)
    yield from _needless(arguments, found)
    yield from _only_local(arguments)
    yield from mine.not_of_a_run(arguments, found)


_TEXTS = ("env", "until", "pipeline", "schedule", "backfill", "tick_parameter", "rerun", "status", "since")


def _empty(arguments: Namespace) -> Iterator[str]:
    """A variable that was not set: it must not mean that the option was not given, so all, or a run that is started."""
    given = {f"--{name.replace('_', '-')}": getattr(arguments, name) for name in _TEXTS}
    given["--as"] = arguments.mine
    for option, text in {**given, "--logs": "" if "" in (arguments.logs or ()) else None}.items():
        if text is not None and not text.strip():
            yield f"{option} is given as an empty text: is a variable not set?"


def _missing(arguments: Namespace, found: Sequence[str]) -> Iterator[str]:
    """What is asked for without saying of what."""
    if arguments.env is None and not arguments.everywhere and "compare" not in found:
        yield "--env ENV is needed, as in `run.py --env dev …`; --all --list shows the runs of all environments"
    if arguments.terminate == "" and not arguments.all_running:
        yield f"--terminate needs a run, as in `{_SHAPES['terminate']}`"
    if arguments.logs is not None and len(arguments.logs) != 2:
        yield f"--logs needs a run and a task of it, as in `{_SHAPES['logs']}`; --status RUN_ID shows its tasks"
    if not (found or arguments.pipeline):
        yield (
            "give --pipeline P to run it, or one of --list, --status RUN, --logs RUN TASK, --terminate RUN and "
            "--rerun RUN; see --help"
        )
    if arguments.compare is not None and len(arguments.compare) not in (0, 2):
        yield f"--compare takes two runs, as in `{_SHAPES['compare']}`, or none: the two newest on this machine"
    if "local" in found and not arguments.pipeline:
        yield f"--local needs --pipeline P, as in `{_SHAPES['local']}`"
    if arguments.backfill:
        yield from again.not_together(arguments, _SHAPES["backfill"])


def _needless(arguments: Namespace, found: Sequence[str]) -> Iterator[str]:
    """What would be passed over."""
    if arguments.everywhere and arguments.env:
        yield "--all is of all environments; leave out --env, or --all"
    if arguments.terminate and arguments.all_running:
        yield "--terminate RUN and --all-running are two things; give one of them"
    if arguments.schedule and found and "backfill" not in found:
        yield f"--schedule is fired by itself or goes with --backfill, not with --{found[0]}"
    if arguments.wait and {"list", "status", "logs", "compare"} & {*found}:
        yield f"--wait follows a run that is started or terminated, and goes not with --{found[0]}"
    if arguments.param and {"list", "status", "logs", "terminate", "compare"} & {*found}:
        yield f"--param is for a run that is started; --{found[0]} starts none"


def _only_local(arguments: Namespace) -> Iterator[str]:
    if arguments.pass_env and not arguments.local:
        yield "--pass-env is for --local; on KFP a manifest's `env` names what its steps see"
    if arguments.mount and not arguments.local:
        yield "--mount is for --local; on KFP a manifest's `volumes` names what its steps find"
    if arguments.watch and not arguments.local:
        yield f"--watch is for --local, as in `{_SHAPES['local']} --watch`"
    if arguments.cache and not arguments.local:
        yield "--cache is for --local; on a server the pipeline says what is cached"
