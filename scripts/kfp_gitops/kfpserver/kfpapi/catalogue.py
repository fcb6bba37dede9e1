"""What is on a server whoever made it: pipelines, and of each what its newest version holds."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import NotFoundError
from kfp_gitops.kfpserver.kfpapi import models
from kfp_gitops.kfpserver.kfpapi.actual import Marked
from kfp_gitops.kfpserver.kfpapi.models import Listed, NamedExperiment, Stored
from kfp_gitops.kfpserver.kfpapi.requests import Requests


class Catalogue(Requests):
    """Pipelines of anybody; reads only."""

    def catalogue(self) -> Iterator[Listed]:
        """All pipelines of the namespace, without their versions."""
        list_pipelines = self._client.pipelines.pipeline_service_list_pipelines
        for found in self._pages("pipelines", lambda **page: list_pipelines(**self._in_namespace(), **page)):
            yield models.listed(found)

    def newest(self, pipeline_id: str, count: int) -> list[Stored]:
        """So many of the newest versions, the newest first; of two of one second KFP takes either for the newest."""
        list_versions = self._client.pipelines.pipeline_service_list_pipeline_versions
        page = self._read(lambda: list_versions(pipeline_id, sort_by="created_at desc", page_size=count))
        return [models.stored(found) for found in self._rows(page, "pipeline_versions")]

    def stored(self, pipeline_id: str, version_id: str) -> Stored | None:
        """A version, or None when it is there no more."""
        get = self._client.pipelines.pipeline_service_get_pipeline_version
        try:
            return models.stored(self._read(lambda: get(pipeline_id or "-", version_id)))
        except NotFoundError:
            return None

    def versions_called(self, pipeline_id: str, name: str) -> list[Stored]:
        """The versions of a pipeline that are called so."""
        list_versions = self._client.pipelines.pipeline_service_list_pipeline_versions
        found = self._pages("pipeline_versions", lambda **page: list_versions(pipeline_id, **page), 25)
        return [one for one in map(models.stored, found) if one.name == name]

    def marked(self) -> list[Marked]:
        """The pipelines and experiments of the namespace whose descriptions say whose they are, archived ones too."""
        list_pipelines = self._client.pipelines.pipeline_service_list_pipelines
        list_experiments = self._client.experiments.experiment_service_list_experiments
        pipelines = self._pages("pipelines", lambda **page: list_pipelines(**self._in_namespace(), **page))
        experiments = self._pages(
            "experiments", lambda **page: list_experiments(**self._in_namespace(), **page)
        )
        of_pipelines = (models.marked("pipeline", found.pipeline_id, found) for found in pipelines)
        of_experiments = (models.marked("experiment", found.experiment_id, found) for found in experiments)
        return [one for one in (*of_pipelines, *of_experiments) if one is not None]

    def all_experiments(self) -> list[NamedExperiment]:
        """The experiments of the namespace."""
        list_experiments = self._client.experiments.experiment_service_list_experiments
        pages = self._pages("experiments", lambda **page: list_experiments(**self._in_namespace(), **page))
        return [models.named_experiment(found) for found in pages]
