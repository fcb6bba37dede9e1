"""`promote --verify`: what releases did in the environment that they come from."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kfp_gitops.commands import connection

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.kfpserver.metadata import RunResults
    from kfp_gitops.reconcile.folder import Folder
    from kfp_gitops.review.promotion.proof import Proof
    from kfp_gitops.review.promotion.status import Pending


@dataclass(frozen=True)
class Before:
    """The environment that releases come from, as it is rendered, and its server."""

    arguments: Namespace

    def proofs(self, waiting: Sequence[Pending]) -> list[Proof]:
        """What each of them did there.

        Raises:
            GitOpsError: its server cannot be asked.
        """
        from kfp_gitops.kfpserver.ownership import Owner
        from kfp_gitops.review.promotion import proof

        owner = Owner(self._folder.environment["repository"], self.arguments.source)
        of = self._folder
        source = proof.Source(self.api, owner, self._results, proof.by_hand(of), proof.locked(of))
        return proof.proofs(source, waiting)

    @cached_property
    def _folder(self) -> Folder:
        from kfp_gitops.reconcile.folder import read

        root: Path = self.arguments.root
        return read(root / "manifests" / self.arguments.source, self.arguments.source)

    @cached_property
    def api(self) -> KfpApi:
        """Its KFP."""
        from kfp_gitops.reconcile.hosts import checked_host

        kfp = self._folder.environment["kfp"]
        host = checked_host(self.arguments.host or kfp["host"])
        return connection.api(self.arguments, host, kfp["namespace"])

    @cached_property
    def _results(self) -> Callable[[str], RunResults]:
        from kfp_gitops.operate.following import Known, Watch
        from kfp_gitops.operate.results import Results

        found = self._folder
        versions = {name: entry.version for name, entry in found.locked.items()}
        watch = Watch(self.api, Known(found.manifests, versions, found.inner))
        metadata = connection.metadata(self.arguments, self.api, found.environment["kfp"])
        return Results(watch, metadata).results
