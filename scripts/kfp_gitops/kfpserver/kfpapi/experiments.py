"""Experiments."""

from __future__ import annotations

from collections.abc import Collection

from kfp_gitops.kfpserver.kfpapi import models
from kfp_gitops.kfpserver.kfpapi.actual import ActualExperiment
from kfp_gitops.kfpserver.kfpapi.generated import kfp_server_api
from kfp_gitops.kfpserver.kfpapi.models import NamedExperiment
from kfp_gitops.kfpserver.kfpapi.requests import Requests, by_name, equals, predicate, there


class Experiments(Requests):
    """Experiments."""

    def experiment(self, name: str) -> ActualExperiment | None:
        """The experiment of a name, or None."""
        list_experiments = self._client.experiments.experiment_service_list_experiments
        wanted = equals("display_name", name)
        pages = self._pages(
            "experiments", lambda **page: list_experiments(filter=wanted, **self._in_namespace(), **page)
        )
        found = by_name(pages, (name,), lambda item: item.display_name).get(name)
        return models.experiment(found) if found else None

    def experiments(self, names: Collection[str], beginning: str = "\0") -> dict[str, ActualExperiment]:
        """The experiments of these names, and those whose name begins so."""
        list_experiments = self._client.experiments.experiment_service_list_experiments
        pages = self._pages("experiments", lambda **page: list_experiments(**self._in_namespace(), **page))
        listed = list(pages)
        found = by_name(listed, names, lambda item: item.display_name)
        found.update(
            (item.display_name, item) for item in listed if (item.display_name or "").startswith(beginning)
        )
        return {name: models.experiment(item) for name, item in found.items()}

    def experiment_id(self, name: str) -> str:
        """The id of an experiment that must exist."""
        return there(self.experiment(name), self.host, f"experiment {name!r}").id

    def create_experiment(self, name: str, description: str) -> ActualExperiment:
        """Create an experiment; one that exists already is returned as it is."""
        body = kfp_server_api.V2beta1Experiment(
            display_name=name, description=description, namespace=self.namespace
        )
        create = self._client.experiments.experiment_service_create_experiment
        made = self._create(create, body)
        found = models.experiment(made) if made else self.experiment(name)
        return there(found, self.host, f"experiment {name!r}")

    def archive_experiment(self, experiment_id: str) -> None:
        """Archive an experiment, and with it its runs; KFP disables its recurring runs."""
        archive = self._client.experiments.experiment_service_archive_experiment
        self._repeat(archive, experiment_id)

    def unarchive_experiment(self, experiment_id: str) -> None:
        """Bring an experiment back; its runs and recurring runs stay as they are."""
        unarchive = self._client.experiments.experiment_service_unarchive_experiment
        self._repeat(unarchive, experiment_id)

    def delete_experiment(self, experiment_id: str) -> None:
        """Delete an experiment; what runs are in it stay, and cannot be deleted any more (seen on KFP 2.17.0)."""
        delete = self._client.experiments.experiment_service_delete_experiment
        self._gone(delete, experiment_id)

    def experiments_like(self, text: str) -> list[NamedExperiment]:
        """The experiments whose name holds a text."""
        list_experiments = self._client.experiments.experiment_service_list_experiments
        wanted = predicate("IS_SUBSTRING", "display_name", stringValue=text)
        pages = self._pages(
            "experiments", lambda **page: list_experiments(filter=wanted, **self._in_namespace(), **page)
        )
        return [models.named_experiment(found) for found in pages if text in (found.display_name or "")]
