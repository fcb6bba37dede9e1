"""What is wrong with a server that answers: it goes not with the environment, or its clock is another. Pure."""

from __future__ import annotations

from datetime import datetime

from kfp_gitops.kfpserver.kfpapi.features import Features, wrong_namespace
from kfp_gitops.operate.faults.fault import Fault

SKEW = 30.0
"""Seconds between our clock and the server's that a schedule's replacement can bear."""


def namespace(features: Features, wanted: str | None, environment: str) -> Fault | None:
    """A namespace that is set on a KFP of one user, or none on one of several: no recurring run can be made there."""
    fault = wrong_namespace(features, wanted)
    if fault is None:
        return None
    what, todo = fault
    render = f"render.py --env {environment}"
    where = f"environments/{environment}/values.yaml"
    return Fault("namespace", what, f"{todo} in {where}, then `python scripts/{render}`, and commit")


def clock(told: datetime, now: datetime) -> Fault | None:
    """The server's clock and the one of this machine are apart."""
    skew = abs((now - told).total_seconds())
    if skew <= SKEW:
        return None
    mend = "let NTP set the clock of the machine that is wrong: compare `date -u` here and in a pod of ml-pipeline"
    return Fault("clock", f"{skew:.0f} s off the server's", mend)
