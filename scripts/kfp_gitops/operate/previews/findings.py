"""What is known of a preview that has run: of each pipeline its run, and the previewed environment's, compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kfp_gitops.base.errors import GitOpsError, RemoteError
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.metadata import RunResults
from kfp_gitops.operate.comparing import compared, of_server
from kfp_gitops.operate.comparing.compared import Comparison
from kfp_gitops.operate.comparing.sides import Side
from kfp_gitops.operate.following import Known, Shown, Watch
from kfp_gitops.operate.previews import trial
from kfp_gitops.operate.previews.home import Home
from kfp_gitops.operate.previews.trial import Ended
from kfp_gitops.operate.results import Results
from kfp_gitops.operate.runlook import reason
from kfp_gitops.reconcile.folder import Folder


@dataclass(frozen=True)
class Finding:
    """Of one pipeline: `mine` is the preview's run, `theirs` that of the previewed environment, where there is one."""

    pipeline: str
    mine: Side | None = None
    theirs: Side | None = None
    compared: Comparison | None = None
    why: tuple[str, ...] = ()
    """Why its run failed, as lines."""
    missing: str = ""
    """Why there is no run, or none to hold it against."""


class Reader:
    """Reads runs, and what they gave; where the metadata store once did not tell, it is not asked again."""

    def __init__(self, results: Results, home: Home, prefix: str) -> None:
        self.api = results.watch.api
        self.home, self.prefix = home, prefix
        self._results, self._silent = results, ""

    def of(self, ended: Ended, not_run: Mapping[str, str]) -> list[Finding]:
        """Of each pipeline that was run, by its name in the repository, and of those that were `not_run` why.

        Raises:
            RemoteError: KFP does not answer.
        """
        found = [self._of(self._own(name), shown) for name, shown in ended.shown.items()]
        found += [Finding(self._own(name), missing=why) for name, why in not_run.items()]
        return sorted(found, key=lambda one: one.pipeline)

    def _own(self, name: str) -> str:
        return name.removeprefix(f"{self.prefix}-")

    def _of(self, pipeline: str, shown: Shown) -> Finding:
        mine = replace(self._side(shown), pipeline=pipeline)
        found = reason.of(self.api, shown, lambda text: text)
        why = tuple(line.strip() for line in reason.told(found, shown, mine.place, 100))
        theirs, missing = self._theirs(pipeline)
        both = compared.compare(theirs, mine) if theirs else None
        return Finding(pipeline, mine, theirs, both, why, missing)

    def _theirs(self, pipeline: str) -> tuple[Side | None, str]:
        if self.home.apart:
            return None, self.home.apart
        try:
            run_id = trial.last(self.api, self.home.previewed_owner, pipeline)
            if run_id is None:
                return None, f"{self.home.previewed} has no run of it yet"
            return replace(self._side(self._results.watch.look(run_id)), pipeline=pipeline), ""
        except RemoteError as error:  # it is beside what was asked for
            return None, f"the last run of {self.home.previewed} cannot be read: {error}"

    def _side(self, shown: Shown) -> Side:
        link = self.api.run_link(shown.run.id)
        link = link.replace(self.api.host, self.home.ui, 1) if self.home.ui else link
        return of_server.side(shown, link, self._given(shown))

    def _given(self, shown: Shown) -> RunResults | str:
        if not self._silent:
            try:
                return self._results.of(shown)
            except GitOpsError as error:
                self._silent = str(error)
        return self._silent


def watch(api: KfpApi, folder: Folder, prefix: str) -> Watch:
    """What reads runs, and knows the tasks by the manifests: an aside's pipeline has another name than its manifest."""
    aside = {f"{prefix}-{name}": manifest for name, manifest in folder.manifests.items()}
    manifests = {**folder.manifests, **aside}
    return Watch(api, Known(manifests, {}, lambda name: folder.inner(name.removeprefix(f"{prefix}-"))))
