"""Registering a preview: an aside of its own owner; what it touches no longer is taken down. Killed anywhere, again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from kfp_gitops.base.errors import RefusedError
from kfp_gitops.base.places import Plain
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.operate.previews import home as homes
from kfp_gitops.operate.previews.home import Home
from kfp_gitops.operate.previews.proposal import Proposal
from kfp_gitops.reconcile import aside, desired, takedown
from kfp_gitops.reconcile.apply import Outcome, apply
from kfp_gitops.reconcile.events import Event
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Aside, Desired, Options
from kfp_gitops.reconcile.takedown import Gone, TakenDown

_KEPT = 1
"""Versions of earlier pushes that stay beside the one of this: somebody may still look at them."""


@dataclass(frozen=True)
class Registered:
    """What came of it: the pipelines as they are on KFP, what an apply did, what of an earlier push went."""

    desired: Desired
    outcome: Outcome
    narrowed: TakenDown


def wanted(folder: Path, proposal: Proposal, home: Home, host: str, until: datetime) -> Desired:
    """What shall be registered; compiled and proved here (imports kfp).

    Of whom it is, on which KFP and as whom its steps run is what `home` says, whatever was rendered.

    Raises:
        InputError, RefusedError: as `desired.load` and `aside.aside`.
    """
    homes.refuse_other(home, proposal.environment)
    place = Plain(folder, f"manifests/{home.environment}")
    found = desired.load(place, home.environment, host, proposal.head)
    strangers = {one.name for one in found.pipelines} ^ {*proposal.pipelines}
    if strangers or found.absent:
        raise RefusedError(
            f"what was rendered has other pipelines than it says: {', '.join(sorted(strangers))}"
        )
    account = home.service_account
    pipelines = tuple(replace(one, service_account=account, team="") for one in found.pipelines)
    found = replace(
        found,
        owner=Owner(home.repository, home.environment),
        namespace=home.namespace,
        service_account=account,
        pipelines=pipelines,
        keep_versions=_KEPT,
    )
    return aside.aside(found, f"{proposal.prefix}-", home.owner(proposal.number), until)


def register(
    api: KfpApi,
    wanted_: Desired,
    tell: Callable[[Event], None] = lambda _: None,
    told_gone: Callable[[Gone], None] = lambda _: None,
) -> Registered:
    """Make KFP have just this of the preview.

    Raises:
        RemoteError: it is begun anew.
        RefusedError: a pipeline of that name is somebody else's.
    """
    takedown.announced(api, wanted_)
    went = takedown.narrowed(api, wanted_.owner, [one.called for one in wanted_.pipelines], told_gone)
    options = Options(triggers=False)
    actual = observe(api, wanted_, options)
    found = plan(wanted_, actual, options)
    if found.conflicts:
        lines = [f"{one.kind} {one.name} {one.reason}" for one in found.conflicts]
        raise RefusedError("\n".join(lines))
    return Registered(wanted_, apply(api, wanted_, found, actual, options, tell), went)


def taken_down(
    api: KfpApi, home: Home, number: int, tell: Callable[[Gone], None] = lambda _: None
) -> TakenDown:
    """All of a preview; first it is noted that its time is over, so what is left when this is killed is found by gc.

    Raises:
        RemoteError: it is begun anew.
    """
    owner = home.owner(number)
    if not any(one.owner == owner for one in aside.known(api.marked(), home.repository)):
        return TakenDown()
    over = Aside(home.environment, api.now())
    takedown.announced(api, Desired(owner, api.host, home.namespace, (), aside=over))
    return takedown.taken_down(api, owner, tell)
