"""What runs left, for those that they start: looked up where a trigger first hands on an output."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from kfp_gitops.base.errors import RemoteError, UsageError
from kfp_gitops.commands import connection
from kfp_gitops.commands.reconcile import options

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.operate.following import Known
    from kfp_gitops.operate.results import ForTriggers, Left


@dataclass(frozen=True)
class LeftByRuns:
    """Implements `causes.seams.Results` for one pass: several triggers may ask for the same run."""

    arguments: Namespace
    api: KfpApi
    _told: dict[str, Left] = field(default_factory=dict)

    def results(self, run_id: str) -> Left:
        """What a run left.

        Raises:
            RemoteError: it cannot be told; also where nobody said where that is kept, which may be said any time.
        """
        if run_id not in self._told:
            try:
                self._told[run_id] = self._looked.results(run_id)
            except UsageError as error:
                raise RemoteError(str(error)) from error
        return self._told[run_id]

    @cached_property
    def _looked(self) -> ForTriggers:
        from kfp_gitops.operate.following import Late, Watch
        from kfp_gitops.operate.results import ForTriggers, Results
        from kfp_gitops.reconcile.folder import settings_of

        kfp = settings_of(options.manifests(self.arguments), self.arguments.env)["kfp"]
        metadata = connection.metadata(self.arguments, self.api, kfp)
        return ForTriggers(Results(Watch(self.api, Late(self._known)), metadata))

    def _known(self) -> Known:
        """The manifests, whose ids triggers name: of 1,000 pipelines it takes its time."""
        from kfp_gitops.operate.following import Known
        from kfp_gitops.reconcile.folder import read

        folder = read(options.manifests(self.arguments), self.arguments.env)
        versions = {name: entry.version for name, entry in folder.locked.items()}
        return Known(folder.manifests, versions, folder.inner)
