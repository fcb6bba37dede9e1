"""`run --as NAME`: a developer's own beside an environment, as `run` sees it; registered anew before it runs."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping
from contextlib import redirect_stdout
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import metrics
from kfp_gitops.commands import mine
from kfp_gitops.commands.common import Parser
from kfp_gitops.commands.pasted import pasted
from kfp_gitops.commands.run.here import Here
from kfp_gitops.sources.selection import Selection

if TYPE_CHECKING:
    from kfp_gitops.operate.asides.working import Working
    from kfp_gitops.reconcile.folder import Folder
    from kfp_gitops.reconcile.records import Desired

_SHARED = (
    "root", "env", "host", "mine", "until", "patience", "timeout", "token_file", "cookies_file", "ca_file",
)  # fmt: skip


def here(arguments: Namespace) -> Here:
    """The environment, or with --as what is one's own beside it; its pipelines have the names that KFP knows."""
    from kfp_gitops.reconcile import aside

    if not arguments.mine:
        return Here(arguments, arguments.env)
    return Own(named(arguments), aside.owner_of("", arguments.env, arguments.mine).environment)


def named(arguments: Namespace) -> Namespace:
    """Whoever says --as alice may say `churn` for alice-churn, and the other way round."""
    from kfp_gitops.operate.asides import working

    if not arguments.mine:
        return arguments
    begin, name = working.prefix(arguments.mine), arguments.pipeline
    named = f"{begin}{name}" if name and not name.startswith(begin) else name
    return Namespace(**{**vars(arguments), "pipeline": named})


class Own(Here):
    """What is one's own beside an environment."""

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """environment.yaml of manifests/ENV, with the names of one's own; nothing of it was made in KFP."""
        from kfp_gitops.operate.asides import working

        found, begin = (
            mine.settings(self.arguments.root, self.arguments.env),
            working.prefix(self.arguments.mine),
        )
        entries = [{"name": f"{begin}{one['name']}"} for one in found["pipelines"]]
        return {**found, "pipelines": entries}

    @cached_property
    def working(self) -> Working:
        """What the inputs give now, of the pipelines that are asked for."""
        name = self.arguments.pipeline
        begin = len(self.arguments.mine) + 1
        return mine.working(self.arguments, Selection(globs=(name[begin:],) if name else ()))

    @cached_property
    def wanted(self) -> Desired:
        """The same as one's own."""
        return mine.of(self.arguments, self.working)

    @cached_property
    def folder(self) -> Folder:
        """Its manifests."""
        return self.working.beside(self.wanted)

    def said(self, text: str) -> str:
        """A command as one types it to reach the same."""
        return pasted(self.arguments, self.arguments.env, text)

    def registered(self) -> int:
        """Register what differs of the pipeline that is to run, told as progress; the exit code."""
        from kfp_gitops.commands.reconcile import apply

        with redirect_stdout(sys.stderr):  # what was asked for is the run
            return apply.carry_out(_of_apply(self.arguments), self.wanted)


def _of_apply(arguments: Namespace) -> Namespace:
    """What an apply is given, all of it as usual but for where and as whom."""
    from kfp_gitops.commands.reconcile import apply, approved

    parser = Parser("apply", "")
    apply.add_options(parser)
    approved.add(parser)
    usual = vars(parser.parse_args(["--env", arguments.env]))
    shared = {name: getattr(arguments, name) for name in _SHARED}
    return Namespace(**{**usual, **shared, "report": metrics.Report(arguments.env, "apply")})
