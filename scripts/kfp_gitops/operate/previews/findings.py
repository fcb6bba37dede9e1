"""What is known of a preview that has run: of each pipeline its run, and the previewed environment's, compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kfp_gitops.base.errors import RemoteError
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.operate.comparing import compared, of_server
from kfp_gitops.operate.comparing.compared import Comparison
from kfp_gitops.operate.comparing.sides import Side
from kfp_gitops.operate.following import Known, Shown, Watch
from kfp_gitops.operate.previews import trial
from kfp_gitops.operate.previews.home import Home
from kfp_gitops.operate.previews.trial import Ended
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


def watch(api: KfpApi, folder: Folder, prefix: str) -> Watch:
    """What reads runs, and knows the tasks by the manifests: an aside's pipeline has another name than its manifest."""
    manifests = {f"{prefix}-{name}": manifest for name, manifest in folder.manifests.items()}
    return Watch(api, Known(manifests, {}, lambda name: folder.inner(name.removeprefix(f"{prefix}-"))))


def of(
    api: KfpApi, home: Home, prefix: str, watching: Watch, ended: Ended, not_run: Mapping[str, str]
) -> list[Finding]:
    """Of each pipeline that was run, by its name in the repository, and of those that were `not_run` why.

    Raises:
        RemoteError: KFP does not answer.
    """
    found = [
        _of(api, home, name.removeprefix(f"{prefix}-"), shown, watching)
        for name, shown in ended.shown.items()
    ]
    found += [Finding(name.removeprefix(f"{prefix}-"), missing=why) for name, why in not_run.items()]
    return sorted(found, key=lambda one: one.pipeline)


def _of(api: KfpApi, home: Home, pipeline: str, shown: Shown, watching: Watch) -> Finding:
    mine = replace(_side(api, shown, home), pipeline=pipeline)
    why = reason.told(reason.of(api, shown, lambda text: text), shown, mine.place, 100)
    theirs, missing = _theirs(api, home, pipeline, watching)
    both = compared.compare(theirs, mine) if theirs else None
    return Finding(pipeline, mine, theirs, both, tuple(line.strip() for line in why), missing)


def _theirs(api: KfpApi, home: Home, pipeline: str, watching: Watch) -> tuple[Side | None, str]:
    if home.apart:
        return None, home.apart
    try:
        run_id = trial.last(api, home.previewed_owner, pipeline)
        if run_id is None:
            return None, f"{home.previewed} has no run of it yet"
        return replace(_side(api, watching.look(run_id), home), pipeline=pipeline), ""
    except RemoteError as error:  # it is beside what was asked for
        return None, f"the last run of {home.previewed} cannot be read: {error}"


def _side(api: KfpApi, shown: Shown, home: Home) -> Side:
    link = api.run_link(shown.run.id)
    return of_server.side(shown, link.replace(api.host, home.ui, 1) if home.ui else link, "not asked for")
