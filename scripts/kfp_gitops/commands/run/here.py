"""One environment as `run` sees it: its settings at once, its server and its manifests when they are needed."""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import UsageError
from kfp_gitops.base.places import Plain
from kfp_gitops.commands import connection
from kfp_gitops.kfpserver.ownership import Owner

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.language.manifest import Manifest
    from kfp_gitops.operate.following import Watch
    from kfp_gitops.operate.results import Results
    from kfp_gitops.reconcile.folder import Folder
    from kfp_gitops.reconcile.records import Adopts


@dataclass(frozen=True)
class Here:
    """An environment of the repository, and what was given to reach it."""

    arguments: Namespace
    environment: str

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """environment.yaml of manifests/ENV."""
        from kfp_gitops.reconcile.folder import settings_of

        place = Plain.at(files.folder_inside(self.arguments.root.absolute(), f"manifests/{self.environment}"))
        return settings_of(place, self.environment)

    @cached_property
    def folder(self) -> Folder:
        """Everything of it: of 1,000 pipelines it takes its time."""
        from kfp_gitops.reconcile.folder import read

        return read(self.arguments.root / "manifests" / self.environment, self.environment)

    def adopts(self, pipeline: str) -> Adopts | None:
        """What of a pipeline was made in KFP."""
        from kfp_gitops.reconcile.records import Adopts

        entries = self.settings["pipelines"]
        return Adopts.of(next((one.get("adopts") for one in entries if one["name"] == pipeline), None))

    @property
    def called(self) -> dict[str, str]:
        """What KFP calls the pipelines that were made there → their names here."""
        entries = self.settings["pipelines"]
        return {one["adopts"]["pipeline"]: one["name"] for one in entries if "adopts" in one}

    def pipeline_id(self, pipeline: str) -> str:
        """Its id on KFP, where it may have another name."""
        its = self.adopts(pipeline)
        return self.api.pipeline_id(its.pipeline if its else pipeline)

    def version_id(self, pipeline: str, pipeline_id: str) -> str:
        """The id of the version that is locked; where the pipeline was made in KFP, it may have any name there."""
        locked, of_any_name = self.folder.locked[pipeline], self.adopts(pipeline) is not None
        return self.api.version_id(pipeline_id, locked.version, locked.digest, of_any_name=of_any_name)

    def by_hand(self, pipeline: str, schedule: str, pipeline_id: str) -> tuple[str, ...]:
        """The ids of the recurring runs that were made in KFP and are this schedule."""
        its = self.adopts(pipeline)
        named = its.schedules.get(schedule) if its else None
        found = self.api.schedules_named({named.name}) if named else ()
        return tuple(one.id for one in found if one.pipeline_id == pipeline_id and one.owner is None)

    @property
    def owner(self) -> Owner:
        """Whose its objects are."""
        return Owner(self.settings["repository"], self.environment)

    @cached_property
    def host(self) -> str:
        """Where its KFP is."""
        from kfp_gitops.reconcile.hosts import checked_host

        return checked_host(self.arguments.host or self.settings["kfp"]["host"])

    @cached_property
    def api(self) -> KfpApi:
        """Its KFP."""
        kfp = self.settings["kfp"]
        found = connection.api(self.arguments, self.host, kfp["namespace"], math.inf)
        found.service_account = kfp.get("serviceAccount", "")
        return found

    @cached_property
    def watch(self) -> Watch:
        """What reads runs, and knows the manifests that they are shown by."""
        from kfp_gitops.operate.following import Known, Late, Watch

        def known() -> Known:
            folder = self.folder
            versions = {name: entry.version for name, entry in folder.locked.items()}
            return Known(folder.manifests, versions, folder.inner)

        return Watch(self.api, Late(known))

    @cached_property
    def results(self) -> Results:
        """What reads outputs and metrics of runs."""
        from kfp_gitops.operate.results import Results

        return Results(self.watch, connection.metadata(self.arguments, self.api, self.settings["kfp"]))

    def manifest(self, pipeline: str) -> Manifest:
        """Of one pipeline.

        Raises:
            UsageError: there is none of that name; with those that there are.
        """
        if pipeline not in self.folder.manifests:
            known = ", ".join(self.folder.manifests) or "none"
            raise UsageError(f"no pipeline {pipeline!r} in {self.environment}; there are: {known}")
        return self.folder.manifests[pipeline]

    def said(self, text: str) -> str:
        """A command as one types it to reach the same environment: `run.py --status ID` → `python scripts/run.py …`."""
        from kfp_gitops.commands.pasted import pasted

        return pasted(self.arguments, self.environment, text)
