"""What may be changed of a pipeline, and of a version likewise: resource_manager.go `UpdatePipeline`.

An empty display name changes nothing, empty tags clear them.
"""

from __future__ import annotations

from typing import Any

from kfp_gitops.devserver.app import App
from kfp_gitops.devserver.body import Message
from kfp_gitops.devserver.errors import InternalError
from kfp_gitops.devserver.limits import check_tags
from kfp_gitops.devserver.mysql import DataError
from kfp_gitops.devserver.store import Table


def read(app: App, body: Message) -> dict[str, object]:
    found: dict[str, object] = {}
    if name := body.text("display_name"):
        found["display_name"] = name
    if body.has("tags") and app.features.tags:
        check_tags(tags := body.strings("tags"))
        found["tags"] = tags
    return found


def write(table: Table[Any], key: str, changes: dict[str, object]) -> None:
    if not changes:
        return
    try:
        table.update(key, **changes)
    except DataError as error:
        raise InternalError(f"Failed to update {table.resource}", f"{error}") from error
