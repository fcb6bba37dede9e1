"""What KFP made is looked at before it is relied on; one that could not be trusted later is taken back at once."""

from __future__ import annotations

from datetime import timedelta

from kfp_gitops.base.errors import RemoteError
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.reconcile import drift, timing
from kfp_gitops.reconcile.api import Kfp

_SKEW = timedelta(seconds=60)
"""A creation that takes longer than that is refused like a wrong clock, and can be tried again."""


def require(api: Kfp, made: ActualSchedule, account: str) -> None:
    """A recurring run that was just made: its date is that of replies, and its steps run as `account` or KFP's default.

    Raises:
        RemoteError: one of these is not so.
    """
    _require_one_clock(api, made)
    _require_account(api, made, account)


def _require_account(api: Kfp, made: ActualSchedule, declared: str) -> None:
    """KFP tells its default only in what it made; one that is not known to be it would not be trusted later."""
    if drift.as_account(made.service_account, declared):
        return
    api.delete_schedule(made.id)
    raise RemoteError(
        f"KFP runs the steps of {made.name} as {made.service_account}: if that is right, write "
        f"`kfp.serviceAccount: {made.service_account}` in the environment's values, render, and commit"
    )


def _require_one_clock(api: Kfp, made: ActualSchedule) -> None:
    """What is due is decided by the time that replies tell: it must be the time by which KFP dates its objects."""
    off = api.now() - made.created
    if abs(off) <= _SKEW:
        return
    api.delete_schedule(made.id)
    raise RemoteError(
        f"KFP dated a recurring run {timing.rfc3339(made.created)} when its replies, or without a Date this "
        f"machine, said {timing.rfc3339(made.created + off)}: schedules cannot be replaced safely; set the clocks "
        "of KFP, of the proxies before it and of this machine (NTP)"
    )
