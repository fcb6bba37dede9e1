"""`preview list`: the previews that are on a KFP."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import columns, visible
from kfp_gitops.base.errors import ExitCode
from kfp_gitops.commands import console
from kfp_gitops.commands.preview import options

if TYPE_CHECKING:
    from datetime import datetime

    from kfp_gitops.reconcile.aside import Known

_EXAMPLES = """  python scripts/preview.py list --host http://127.0.0.1:8888
  python scripts/preview.py list --host http://127.0.0.1:8888 --json"""


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    parser = subcommands.add_parser(
        "list", help="the previews that are there", description="List the previews of this repository.",
        examples=_EXAMPLES,
    )  # fmt: skip
    options.add_environment(parser)
    options.add_kfp(parser)
    parser.add_argument("--json", action="store_true", help="for machines: schemas/previews.schema.json")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """A line each."""
    from kfp_gitops.operate.previews import left

    its = options.home(arguments)
    api = options.api(arguments, its)
    found, now = left.there(api, its.repository), api.now()
    if arguments.json:
        console.result(json.dumps([_entry(one) for one in found], indent=2))
        return ExitCode.OK
    for one in found:
        console.result(visible.line(_line(one, now)))
    if not found:
        console.note("there is no preview")
    return ExitCode.OK


def _line(one: Known, now: datetime) -> str:
    until = f"until {one.over:%Y-%m-%d %H:%M} UTC" if one.over else "without an end"
    over = ", over: gc takes it down" if one.is_over(now) else ""
    return f"{one.owner.environment}  {until}{over}  {columns.some(one.pipelines) if one.pipelines else 'no pipeline'}"


def _entry(one: Known) -> dict[str, object]:
    over = f"{one.over:%Y-%m-%dT%H:%M:%SZ}" if one.over else None
    return {"preview": one.owner.environment, "over": over, "pipelines": one.pipelines}
