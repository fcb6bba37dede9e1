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
    reason: str = ""
    """Why its run failed, as a part of one line; "": it did not, or nothing tells why."""
    command: str = ""
    """What shows a run that failed."""


class Reader:
    """Reads runs, and what they gave; where the metadata store once did not tell, it is not asked again.

    `say`: how a person types `run.py --status ID`.
    """

    def __init__(self, results: Results, home: Home, prefix: str, say: reason.Say) -> None:
        self.api = results.watch.api
        self.home, self.prefix, self.say = home, prefix, say
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
        theirs, missing = self._theirs(pipeline)
        both = compared.compare(theirs, mine) if theirs else None
        found = Finding(pipeline, mine, theirs, both, missing=missing)
        return self._why(found, shown) if shown.run.state in ("FAILED", "CANCELED") else found

    def _why(self, finding: Finding, shown: Shown) -> Finding:
        """With the reason, and the command: KFP 2.17.0 tells no error, other servers do."""
        found, place = reason.of(self.api, shown, self.say), finding.mine.place if finding.mine else ""
        said = reason.in_a_line(found, shown)
        lines = [line.strip() for line in reason.told(found, shown, place, 100)] or [f"error: {said}"]
        command = self.say(f"run.py --status {shown.run.id}")
        return replace(finding, why=(*lines, "the run:", command), reason=said, command=command)

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
