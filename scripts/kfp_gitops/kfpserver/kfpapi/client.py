"""KFP's API as this project uses it: records of ours, and failures as ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal, TypeVar

from kfp_gitops.base.errors import DeniedError, GarbledError, RemoteError, TemporaryError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi import models
from kfp_gitops.kfpserver.kfpapi.catalogue import Catalogue
from kfp_gitops.kfpserver.kfpapi.experiments import Experiments
from kfp_gitops.kfpserver.kfpapi.features import Features, release
from kfp_gitops.kfpserver.kfpapi.pipelines import Pipelines
from kfp_gitops.kfpserver.kfpapi.recurring_runs import RecurringRuns
from kfp_gitops.kfpserver.kfpapi.requests import equals
from kfp_gitops.kfpserver.kfpapi.runs import Runs
from kfp_gitops.kfpserver.kfpapi.transport import at_once, each
from kfp_gitops.kfpserver.ownership import Owner

T = TypeVar("T")
NOTE = "kfp-gitops-"
"""What the names of experiments begin with that hold a note and no runs."""

_VERSION = 30
"""The most characters of a server's version that are read: whoever builds an image may call it anything."""


class KfpApi(Pipelines, Catalogue, Experiments, RecurringRuns, Runs):
    """One KFP, one namespace; threads may share it."""

    def features(self) -> Features:
        """What the server is and can do; reads only."""
        with at_once() as pool:
            known = pool.submit(self._knows_tags)
            health, date = self._read(self._client.health)
            tags = known.result()
        # It is noted in descriptions of 255 characters.
        version = "-".join(str(health.get("tag_name") or "").split())[:_VERSION]
        version = "" if version == "unknown" else version
        found = release(version)
        # kubeflow/pipelines #12574 came with 2.16. Where the version is not told, tags tell that it is newer.
        orphan = found >= (2, 16) if found else tags
        return Features(version, bool(health.get("multi_user")), tags, orphan, date)

    def _knows_tags(self) -> bool:
        """A server before 2.17 refuses to filter by them."""
        list_pipelines = self._client.pipelines.pipeline_service_list_pipelines
        wanted = equals("tags.kfp-gitops", "probe")
        try:
            self._read(lambda: list_pipelines(filter=wanted, page_size=1, **self._in_namespace()))
        except (DeniedError, TemporaryError, GarbledError):
            raise
        except RemoteError:
            return False
        return True

    def has_anything_of(self, owner: Owner) -> bool:
        """Whether any pipeline, experiment or recurring run is marked as an owner's; notes of ours do not count."""
        lists = (
            ("pipelines", self._client.pipelines.pipeline_service_list_pipelines),
            ("experiments", self._client.experiments.experiment_service_list_experiments),
            ("recurring_runs", self._client.recurring_runs.recurring_run_service_list_recurring_runs),
        )
        return any(
            owner
            in (
                ownership.owner(found.description),
                ownership.owner_in_tags(models.texts(found.tags)),
            )
            and not (found.display_name or "").startswith(NOTE)
            for items, listed in lists
            for found in self._pages(
                items, lambda listed=listed, **page: listed(**self._in_namespace(), **page)
            )
        )

    def probe(self, what: Literal["pipelines", "experiments", "jobs", "runs"]) -> None:
        """Ask for one object of a kind, to see whether we may."""
        lists = {
            "pipelines": self._client.pipelines.pipeline_service_list_pipelines,
            "experiments": self._client.experiments.experiment_service_list_experiments,
            "jobs": self._client.recurring_runs.recurring_run_service_list_recurring_runs,
            "runs": self._client.runs.run_service_list_runs,
        }
        self._read(lambda: lists[what](page_size=1, **self._in_namespace()))

    def now(self) -> datetime:
        """The server's time, in whole seconds."""
        return self._client.clock.now()

    def together(self, reads: Iterable[Callable[[], T]]) -> list[T]:
        """The results of reads that do not depend on one another, made at once."""
        return each(lambda read: read(), reads)
