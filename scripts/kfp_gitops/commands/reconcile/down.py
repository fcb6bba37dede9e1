"""`reconcile down`: take a developer's own away, or those whose time is over."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import columns, visible
from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import console, mine
from kfp_gitops.commands.reconcile import options
from kfp_gitops.rendering.rendered import ENVIRONMENT

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.kfpserver.ownership import Owner
    from kfp_gitops.reconcile.aside import Known
    from kfp_gitops.reconcile.records import Desired
    from kfp_gitops.reconcile.takedown import Gone, TakenDown

_ABOUT = """Take away all that was registered beside an environment by `--as NAME`: its runs (what runs is killed),
versions, pipelines and experiments. Only what is marked as exactly this one's goes; what somebody else made of it
stays, is named, and the exit code is 1. Stopped anywhere it is simply begun again."""
_EXAMPLES = """  python scripts/reconcile.py down --env dev --as alice               your own
  python scripts/reconcile.py down --env dev --as alice --dry-run     what would go
  python scripts/reconcile.py down --env dev --over                   each whose time is over, whoever's"""


def add(subcommands: Any) -> None:
    """Declare the subcommand."""
    about = "take away what --as registered beside an environment"
    parser = subcommands.add_parser("down", help=about, description=_ABOUT, examples=_EXAMPLES)
    options.add_target(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--as", dest="mine", metavar="NAME", help="whose")
    which.add_argument(
        "--over", action="store_true", help="all of this repository's on this KFP whose time is over"
    )
    parser.add_argument("--dry-run", action="store_true", help="only show what there is")
    parser.add_argument(
        "--lock-timeout", type=float, default=300.0, metavar="S",
        help="seconds to wait for an apply of the same name on this machine (default: 300)",
    )  # fmt: skip
    options.add_identity(parser)
    parser.set_defaults(run=run, lease=None)


def run(arguments: Namespace) -> int:
    """Take away; exit 1 when something of it had to stay."""
    from kfp_gitops.operate.asides import working
    from kfp_gitops.reconcile import aside, takedown

    if arguments.push_gateway:
        raise UsageError("down takes no --push-gateway: that tells of the environment")
    of, api = _owned(arguments)
    owner = working.owner(of, arguments.mine) if arguments.mine else None
    every = aside.known(api.marked(), of.repository)
    if owner is None:
        chosen = takedown.over(api, of.repository, api.now())
    else:
        chosen = [one for one in every if one.owner == owner]
    if not chosen:
        console.result(_none(owner, every))
        return ExitCode.OK
    if arguments.dry_run:
        for one in chosen:
            console.result(visible.line(_described(one)))
        return ExitCode.OK
    return max(_down(arguments, api, one) for one in chosen)


def _owned(arguments: Namespace) -> tuple[Owner, KfpApi]:
    """Of an environment that is not rendered, as an edited or a new one may be, the inputs say it."""
    folder = options.folder(arguments)
    if (
        arguments.manifests
        or (folder / ENVIRONMENT).is_file()
        or not (arguments.root / "environments" / arguments.env).is_dir()
    ):
        return options.owned(arguments)
    found = mine.settings(arguments.root, arguments.env)
    kfp = found["kfp"]
    usual = {"repository": found["repository"], "host": kfp["host"], "namespace": kfp["namespace"]}
    given = {key: value for key in usual if (value := getattr(arguments, key)) is not None}
    return options.owned(Namespace(**{**vars(arguments), **usual, **given}))


def _none(owner: Owner | None, every: list[Known]) -> str:
    said = f"nothing is there of {owner.environment}" if owner else "nothing is there whose time is over"
    others = [one.owner.environment for one in every if one.owner != owner]
    return f"{said}; there are: {columns.some(sorted(others))}" if others else said


def _described(found: Known) -> str:
    until = f"until {found.over:%Y-%m-%d %H:%M} UTC" if found.over else "without an end"
    by = f", by {found.by}" if found.by else ""
    its = columns.some(found.pipelines) or "no pipeline"
    return f"{found.owner.environment}: beside {found.of}, {until}{by}; {its}"


def _down(arguments: Namespace, api: KfpApi, found: Known) -> int:
    from kfp_gitops.reconcile import takedown

    ended = api.now() if arguments.over else None
    with options.locked(arguments, api, found.owner):
        if not ended:  # so whoever takes away what is over goes on with it, when this is killed
            takedown.announced(api, _over(api, found))
        done = takedown.taken_down(api, found.owner, _tell, ended)
    if done.renewed:
        console.note(f"{found.owner.environment}: somebody has put its end off; it stays")
        return ExitCode.OK
    console.result(f"{found.owner.environment}: {_counted(done)}")
    for one in done.left:
        console.note(visible.line(f"{one.kind} {one.name} stays: {one.why}, then run this again"))
    return ExitCode.DIFFERENCES if done.left else ExitCode.OK


def _over(api: KfpApi, found: Known) -> Desired:
    from kfp_gitops.reconcile.records import Aside, Desired

    over = Aside(found.of, api.now(), found.by)
    return Desired(found.owner, api.host, api.namespace or "", (), aside=over)


def _tell(gone: Gone) -> None:
    console.note(visible.line(f"deleted {gone.kind} {gone.name}"))


def _counted(done: TakenDown) -> str:
    kinds = dict.fromkeys(one.kind for one in done.gone)
    counts = [columns.counted(sum(one.kind == kind for one in done.gone), kind) for kind in kinds]
    left = f"; {columns.counted(len(done.left), 'object')} left" if done.left else ""
    return f"{', '.join(counts) or 'nothing'} deleted{left}"
