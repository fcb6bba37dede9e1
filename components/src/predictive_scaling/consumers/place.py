"""Where consumers stand: which run's floors they read, from which Prometheus, and on what Kubernetes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from predictive_scaling.base.daily import LEAD_MINUTES
from predictive_scaling.base.errors import InputError

MAX_LEAD_MINUTES = 60
UTILISATION = 0.7
TOLERANCE_SINCE = (1, 35)
"""`behavior.scaleUp.tolerance` is on by default from here on; 1.33 and 1.34 drop it in silence."""
NEWEST = (1, 37)
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VERSION = re.compile(r"v?1\.([0-9]{1,3})(\..*)?")


@dataclass(frozen=True)
class Place:
    """A run's environment and namespace, as on its gauges; `utilisation` is for what has no autoscaler yet, 0–1.

    With `by_container` the reactive trigger looks at the main container alone, whatever the others request;
    `authentication` names the TriggerAuthentication that has KEDA's bearer token for Prometheus.
    Raises InputError.
    """

    environment: str
    namespace: str
    prometheus: str
    lead_minutes: int = LEAD_MINUTES
    kubernetes: tuple[int, int] = NEWEST
    utilisation: float = UTILISATION
    by_container: bool = False
    authentication: str = ""

    def __post_init__(self) -> None:
        if not _VALUE.fullmatch(self.environment):  # it becomes a label's value of an HPA's metric
            raise InputError(
                f"--environment {self.environment!r}: give its name as the gauges have it, such as prod"
            )
        if not _LABEL.fullmatch(self.namespace):
            raise InputError(f"--namespace {self.namespace!r}: this is no namespace's name")
        if not 0 <= self.lead_minutes <= MAX_LEAD_MINUTES:
            raise InputError(f"--lead-minutes {self.lead_minutes}: give 0 to {MAX_LEAD_MINUTES}")
        if not 0.01 <= self.utilisation <= 1:
            raise InputError(f"--utilisation {self.utilisation}: give a share of the request, 0.01 to 1")
        if self.authentication and not _LABEL.fullmatch(self.authentication):
            raise InputError(
                f"--authentication {self.authentication!r}: this is no TriggerAuthentication's name"
            )
        _check_address(self.prometheus)

    @property
    def tolerant(self) -> bool:
        """Whether this Kubernetes lets an autoscaler say its own tolerance."""
        return self.kubernetes >= TOLERANCE_SINCE


def version(text: str) -> tuple[int, int]:
    """A Kubernetes version as 1.34; raises InputError."""
    found = _VERSION.fullmatch(text.strip())
    if not found or int(found[1]) < 23:  # autoscaling/v2
        raise InputError(f"--kubernetes {text}: write it as 1.34; from 1.23 on, which has autoscaling/v2")
    return 1, int(found[1])


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(ord(each) <= 32 for each in url):
        raise InputError("--prometheus: write http://HOST:PORT, as KEDA reaches it in the cluster")
    if parts.username is not None or parts.password is not None:
        raise InputError(
            "--prometheus: it would stand in Git with its password; leave that out, and give --authentication"
        )
