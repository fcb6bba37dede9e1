"""Pipelines and their versions."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from kfp_gitops.base.errors import NotFoundError, RemoteError, TakenError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi import models
from kfp_gitops.kfpserver.kfpapi.actual import ActualPipeline, ActualVersion
from kfp_gitops.kfpserver.kfpapi.generated import kfp_server_api
from kfp_gitops.kfpserver.kfpapi.requests import Requests, by_name, there
from kfp_gitops.kfpserver.kfpapi.transport import at_once
from kfp_gitops.kfpserver.ownership import Owner, other_content
from kfp_gitops.language.identity import digest_of_stored

_VERSIONS = 25
"""Versions at once: KFP tells the whole IR of each, up to a megabyte."""
EVERY = "*"
"""In place of a version's name: the IR of each is read."""
_APPLY = "run `python scripts/reconcile.py apply --env ENV`"


class Pipelines(Requests):
    """Pipelines and their versions."""

    def pipelines(
        self, names: Mapping[str, str] | Collection[str], owner: Owner | None = None
    ) -> dict[str, ActualPipeline]:
        """The pipelines of these names with their versions: pages of all, and a request for each, at once.

        A mapping says of each name which version's IR is read. All others of an owner are told without their versions.
        """
        list_pipelines = self._client.pipelines.pipeline_service_list_pipelines
        pages = self._pages("pipelines", lambda **page: list_pipelines(**self._in_namespace(), **page))
        read = names if isinstance(names, Mapping) else {}
        with at_once() as pool:

            def begin(name: str, item: Any) -> Future[dict[str, ActualVersion]]:
                return pool.submit(self.versions, item.pipeline_id, read.get(name, ""))

            listed: list[Any] = []
            begun: dict[int, Future[dict[str, ActualVersion]]] = {}
            for item in pages:  # the next page is asked for while the versions of this one are
                listed.append(item)
                if item.name in names:
                    begun[id(item)] = begin(item.name, item)
            found = by_name(listed, names, lambda item: item.name)
            its = {name: begun.get(id(item)) or begin(name, item) for name, item in found.items()}
            ours = {name: models.pipeline(item, its[name].result()) for name, item in found.items()}
        told = {id(item) for item in found.values()}
        rest = (models.pipeline(item, {}) for item in listed if id(item) not in told)
        return {item.name: item for item in rest if owner and item.owner == owner} | ours

    def pipeline(self, name: str, version: str = "") -> ActualPipeline | None:
        """The pipeline of a name with its versions, or None; of one version the IR is read."""
        get = self._client.pipelines.pipeline_service_get_pipeline_by_name
        try:
            found = self._read(lambda: get(name, **self._in_namespace()))
        except NotFoundError:
            return None
        return models.pipeline(found, self.versions(found.pipeline_id, version))

    def versions(self, pipeline_id: str, read: str = "") -> dict[str, ActualVersion]:
        """The versions of a pipeline by name; of the one to be read, or of EVERY one, with the digest of its IR."""
        now = self._client.clock.now()
        told = self._versions(pipeline_id)
        found = (
            models.version(item, now, digest_of_stored if read in (EVERY, item.name) else None)
            for item in told
        )
        return {version.name: version for version in found}

    def version_exists(self, pipeline_id: str, version_id: str) -> bool:
        """Whether a version is there; KFP looks at its id alone."""
        get = self._client.pipelines.pipeline_service_get_pipeline_version
        try:
            self._read(lambda: get(pipeline_id or "-", version_id))
        except NotFoundError:
            return False
        return True

    def pipeline_id(self, name: str) -> str:
        """The id of a pipeline that must exist."""
        found = self.pipeline(name)
        if found is None:
            raise NotFoundError(f"{self.host}: pipeline {name!r} is not registered; {_APPLY}")
        return found.id

    def version_id(self, pipeline_id: str, version: str, digest: str, *, of_any_name: bool = False) -> str:
        """The id of a version that must exist, with the IR of this digest; or of any name, where none has this one.

        Raises:
            TakenError: what has its name holds another IR.
        """
        for found in self.versions(pipeline_id, version).values():
            if found.name != version:
                continue
            if found.digest != digest:
                raise TakenError(f"{self.host}: version {version} {other_content(found.digest, digest)}")
            return found.id
        every = self.versions(pipeline_id, EVERY).values() if of_any_name else ()
        equal = [one for one in every if one.digest == digest]
        if not equal:
            raise NotFoundError(f"{self.host}: version {version} is not registered; {_APPLY}")
        return max(equal, key=lambda one: (one.created, one.id)).id

    def compiled(self, pipeline_id: str, version_id: str) -> models.Compiled | None:
        """A version with its IR, or None when it is there no more."""
        get = self._client.pipelines.pipeline_service_get_pipeline_version
        try:
            return models.compiled(self._read(lambda: get(pipeline_id, version_id)))
        except NotFoundError:
            return None

    def _versions(self, pipeline_id: str) -> Iterator[Any]:
        list_versions = self._client.pipelines.pipeline_service_list_pipeline_versions
        return self._pages("pipeline_versions", lambda **page: list_versions(pipeline_id, **page), _VERSIONS)

    def create_pipeline(self, name: str, description: str) -> ActualPipeline:
        """Create an empty pipeline; one that exists already is returned as it is."""
        body = kfp_server_api.V2beta1Pipeline(
            name=name, display_name=name, description=description, namespace=self.namespace
        )
        create = self._client.pipelines.pipeline_service_create_pipeline
        made = self._create(create, body)
        found = models.pipeline(made, {}) if made else self.pipeline(name)
        return there(found, self.host, f"pipeline {name!r}")

    def adopt_pipeline(
        self, found: ActualPipeline, owner: Owner, taken: Collection[str] = ()
    ) -> ActualPipeline:
        """Mark a pipeline as ours, in its tags, and with it the recurring runs of these ids, in one request.

        Raises:
            RemoteError: the server keeps no tags.
        """
        name, tags = found.called or found.name, ownership.tags(owner, taken, found.tags)
        body = kfp_server_api.V2beta1Pipeline(tags=tags)
        update = self._client.pipelines.pipeline_service_update_pipeline
        self._repeat(update, found.id, body)
        marked = self.pipeline(name)
        if marked is None or marked.owner != owner or not tags.items() <= marked.tags.items():
            raise RemoteError(
                f"{self.host}: this server keeps no tags (KFP before 2.17), so pipeline {name!r} cannot be "
                "marked as ours; delete it there, or give ours another name"
            )
        return marked

    def delete_pipeline(self, pipeline_id: str) -> None:
        """Delete a pipeline with its versions."""
        delete = self._client.pipelines.pipeline_service_delete_pipeline
        self._gone(delete, pipeline_id, cascade=True)

    def upload_version(
        self, pipeline_id: str, name: str, ir: str, description: str, tags: Mapping[str, str] | None = None
    ) -> ActualVersion:
        """Upload a version, and read what KFP made of it; one of this name that exists already is returned as it is.

        Servers before 2.17 take no tags, and pass over them in silence.
        """
        more = {"tags": json.dumps(dict(tags))} if tags else {}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pipeline.yaml"
            path.write_text(ir, "utf-8")
            upload = self._client.pipeline_uploads.upload_pipeline_version
            made = self._create(
                upload, str(path), name=name, display_name=name, pipelineid=pipeline_id,
                description=description, **more,
            )  # fmt: skip
        if not made:
            found = by_name(self.versions(pipeline_id, name).values(), (name,), lambda item: item.name)
            first: ActualVersion = there(found.get(name), self.host, f"version {name}")
            return first
        return models.version(made, self._client.clock.now(), digest_of_stored)

    def delete_version(self, pipeline_id: str, version_id: str) -> None:
        """Delete a version."""
        delete = self._client.pipelines.pipeline_service_delete_pipeline_version
        self._gone(delete, pipeline_id, version_id)
