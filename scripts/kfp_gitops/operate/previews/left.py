"""The previews that are on a KFP, and those whose time is over: the garbage that a pass collects."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.reconcile import aside, takedown
from kfp_gitops.reconcile.aside import Known
from kfp_gitops.reconcile.takedown import Gone, TakenDown

_CALLED = re.compile(r"pr-([1-9]\d*)")


@dataclass(frozen=True)
class Collected:
    """What was taken down of whom."""

    of: Known
    taken: TakenDown


def number_of(known: Known) -> int | None:
    """The pull request that an aside is a preview of; None: it is somebody's own."""
    found = _CALLED.fullmatch(known.owner.environment)
    return int(found[1]) if found else None


def there(api: KfpApi, repository: str) -> list[Known]:
    """The previews of a repository, by number."""
    found = [one for one in aside.known(api.marked(), repository) if number_of(one) is not None]
    return sorted(found, key=lambda one: number_of(one) or 0)


def collect(api: KfpApi, repository: str, tell: Callable[[Gone], None] = lambda _: None) -> list[Collected]:
    """Take down each aside of a repository whose time is over, previews and people's own; two lists where none is.

    Raises:
        RemoteError: the next pass goes on.
    """
    now = api.now()
    return [
        Collected(one, takedown.taken_down(api, one.owner, tell, ended=now))
        for one in takedown.over(api, repository, now)
    ]
