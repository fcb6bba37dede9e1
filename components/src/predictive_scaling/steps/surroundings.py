"""What a run is told of its services beside their usage: shapes, values, manifests, and where they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from predictive_scaling.base.daily import LEAD_MINUTES
from predictive_scaling.base.documents import read_document
from predictive_scaling.base.errors import InputError
from predictive_scaling.base.settings import setting
from predictive_scaling.recommend.recommendation import Place
from predictive_scaling.shapes.document import read_shapes
from predictive_scaling.shapes.manifests import of_namespace, read_manifests
from predictive_scaling.shapes.merged import Merged, merged
from predictive_scaling.shapes.values import said_of
from predictive_scaling.usage import events
from predictive_scaling.usage.events import Event

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Surroundings:
    """`services` and `events` as values have them, the path of a document of shapes, paths of rendered manifests.

    `namespace` empty means the setting NAMESPACE.
    """

    services: Mapping[str, Any] = field(default_factory=dict)
    shapes: str = ""
    over: Sequence[str] = ()
    namespace: str = ""
    lead_minutes: int = LEAD_MINUTES
    events: Sequence[Mapping[str, Any]] = ()

    def place(self) -> Place:
        """Where the services are; raises InputError for what is no namespace."""
        namespace = self.namespace or setting("NAMESPACE")
        if namespace and not _NAMESPACE.fullmatch(namespace):
            raise InputError(f"{namespace!r} is no namespace's name: it must be a DNS-1123 label")
        return Place(setting("ENVIRONMENT"), namespace, self.lead_minutes)

    def merged(self) -> Merged:
        """One shape by service; raises InputError for what cannot be read. Read once: a file may be a pipe."""
        return self._merged

    @cached_property
    def _merged(self) -> Merged:
        seen = read_shapes(read_document(self.shapes), "shapes") if self.shapes else []
        written = [shape for path in self.over for shape in read_manifests(path)]
        namespace = self.place().namespace
        of_namespace(written, namespace)
        return merged(seen, written, said_of(self.services), namespace)

    def known_events(self) -> list[Event]:
        """What no forecast can know; raises InputError for all that is no event."""
        return events.read(self.events)
