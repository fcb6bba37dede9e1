"""`new backfill ID`: days that shall run once more, or at last, as a file that is reviewed and then carried out."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, InputError, Problem, UsageError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.base.yamltext import Document, Path, parse
from kfp_gitops.commands import begun, console
from kfp_gitops.commands.common import Parser
from kfp_gitops.sources import backfills, environment

_ID = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
_SCHEMA = "scripts/kfp_gitops/language/schemas/backfill.schema.json"
_OPTIONS = ("pipeline", "days", "reason", "schedule", "cron", "tick_parameter", "param", "parallel", "again")

_SET_BY = {
    "from": "--days", "to": "--days", "parameters": "--param", "tickParameter": "--tick-parameter",
    "skipExisting": "--again", "pipeline": "--pipeline", "schedule": "--schedule", "cron": "--cron",
    "parallel": "--parallel", "reason": "--reason",
}  # fmt: skip
"""Key of the file → the option that sets it."""


def add(parser: Parser) -> None:
    """Declare what only a backfill takes."""
    group = parser.add_argument_group("of a backfill")
    group.add_argument("--pipeline", metavar="P", help="whose days they are")
    group.add_argument(
        "--days", metavar="FROM..TO", help="both days whole, in UTC: 2026-01-01..2026-01-31; or two instants"
    )
    group.add_argument("--reason", metavar="TEXT", help="why, for whoever reviews it, and whoever asks later")
    group.add_argument("--schedule", metavar="S", help="whose firings; needed where the pipeline has several")
    group.add_argument(
        "--cron", metavar="C", help="firings of its own, where the pipeline has no schedule or other ones are meant: "
        "six fields with seconds first, in UTC, such as '0 0 3 * * *'",
    )  # fmt: skip
    group.add_argument(
        "--tick-parameter", metavar="NAME", help="the parameter that gets each firing's instant (default: "
        "scheduled_at or now_override, whichever the pipeline declares)",
    )  # fmt: skip
    group.add_argument(
        "--param", action="append", default=[], metavar="K=V", help="a parameter of its runs that differs from the "
        "schedule's, as `run.py --param`; repeatable",
    )  # fmt: skip
    group.add_argument("--parallel", type=int, metavar="N", help="runs at once (default: 1)")
    group.add_argument(
        "--again", action="store_true", help="also the days that have run already, each once more"
    )


def refuse(arguments: Namespace) -> None:
    """What is of a backfill says nothing of anything else."""
    given = [name for name in _OPTIONS if getattr(arguments, name)]
    if given:
        raise UsageError(f"new.py: --{given[0].replace('_', '-')} is for `backfill ID`; see --help")


def begin(arguments: Namespace) -> int:
    """Write it and render; nothing that is there is overwritten."""
    root, name = arguments.root, arguments.name
    if not _ID.fullmatch(name):
        raise UsageError(
            f"new.py: {name!r} cannot name a backfill; write a-z, 0-9 and -, a letter first, at most 40, such as "
            "prices-of-march"
        )
    missing = [f"--{key}" for key in ("pipeline", "days", "reason") if not getattr(arguments, key)]
    if missing:
        which = f"{' and '.join(missing)} {'are' if missing[1:] else 'is'}"
        raise UsageError(f"new.py backfill {name}: {which} needed; see --help")
    env = environment.load(root, arguments.env)
    path = backfills.path(env.name, name, arguments.team or "")
    if any(one.id == name for one in env.backfills) or (root / path).exists():
        raise UsageError(f"new.py: {env.name} has a backfill {name!r} already; an id is used once")
    depth = "../" * path.count("/")
    text = f"# yaml-language-server: $schema={depth}{_SCHEMA}\n{dump(_entry(arguments))}"
    files.write_text(root, path, text)
    try:
        begun.render(root, "--env", env.name)
    except InputError as error:  # the file is taken back, so what is wrong is told of the options
        raise _of_options(error, path, parse(text, path), name) from error
    console.result(f"add {path}")  # told once it is so: what does not render is taken back
    begun.say(
        f"python scripts/diff.py --env {env.name}                how many runs it asks for, and which days",
        "commit, and have it reviewed; once it is merged, apply and the pass each minute carry it out",
        f"python scripts/reconcile.py status --env {env.name}    how far it is",
    )
    return ExitCode.OK


def _of_options(error: InputError, path: str, document: Document, name: str) -> UsageError:
    """What is wrong with the file, by the options that set it; anything else as it is."""
    keys: list[tuple[Path, str]] = [((key,), _SET_BY[key]) for key in document.value]
    keys += [(("parameters", key), f"--param {key}") for key in document.value.get("parameters", {})]
    options = {document.problem(at, "", "", key=True).line: option for at, option in keys}

    def told(one: Problem) -> str:
        if one.path != path:
            return str(one)
        before = (line for line in options if line <= one.line)  # a value may have several lines
        line = max(before, default=min(options))
        return f"new.py backfill {name}: {options[line]}: {_in_options(one.what)}; {_in_options(one.todo)}"

    return UsageError("\n".join(map(told, error.problems)))


def _in_options(text: str) -> str:
    """`tickParameter` of a file → `--tick-parameter`."""
    text = re.sub(r"`parameters: \{([\w-]+): …\}`", r"`--param \1=…`", text)
    return re.sub(r"`(\w+)`", lambda found: f"`{_SET_BY.get(found[1], found[1])}`", text)


def _entry(arguments: Namespace) -> dict[str, Any]:
    first, dots, last = arguments.days.partition("..")
    if not dots:
        raise UsageError(f"new.py: --days {arguments.days}: write FROM..TO, as in 2026-01-01..2026-01-31")
    found: dict[str, Any] = {"pipeline": arguments.pipeline}
    found |= {"schedule": arguments.schedule} if arguments.schedule else {}
    found |= {"cron": arguments.cron} if arguments.cron else {}
    found |= {"from": first, "to": last}
    found |= {"tickParameter": arguments.tick_parameter} if arguments.tick_parameter else {}
    given = dict(map(_given, arguments.param))
    found |= {"parameters": given} if given else {}
    found |= {"parallel": arguments.parallel} if arguments.parallel is not None else {}
    found |= {"skipExisting": False} if arguments.again else {}
    return {**found, "reason": arguments.reason}


def _given(text: str) -> tuple[str, Any]:
    """Name and value: a number, true, a list or a map as JSON says it; anything else is text, quoted JSON too."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"new.py: --param {text}: write NAME=VALUE, as in --param horizon_hours=7")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
