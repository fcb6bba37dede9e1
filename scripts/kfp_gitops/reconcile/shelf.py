"""Rendered pipelines one after the other: their texts are packed, and those that many share are kept once.

The texts of 10,000 pipelines are 200 MB. All of them are kept, for all must be of one state of their folder, and what
is proved after KFP was asked must be what was read before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from kfp_gitops.base.packed import Alike
from kfp_gitops.rendering.rendered import RenderedPipeline

_Specs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of a pipeline without unpacking it; `digest` is the identity of its files."""

    place: int
    release: str
    digest: str


class Shelf(Sequence[RenderedPipeline]):
    """Pipelines in the order in which they were put there; each that is taken is unpacked."""

    def __init__(self, pipelines: Iterable[RenderedPipeline] = ()) -> None:
        self._labels: dict[str, Label] = {}
        self._packed: list[tuple[bytes, _Specs]] = []
        self._alike = Alike()
        self._texts: dict[str, str] = {}
        self._specs: dict[_Specs, _Specs] = {}
        for pipeline in pipelines:
            self.put(pipeline)

    def put(self, pipeline: RenderedPipeline) -> None:
        """At its end."""
        self._labels[pipeline.name] = Label(len(self._packed), pipeline.release, pipeline.digest)
        texts = pipeline.texts()
        specs = self._shared(texts.pop("specs"))
        self._packed.append((self._alike.pack(json.dumps(texts)), specs))

    def _shared(self, specs: Mapping[str, str]) -> _Specs:
        """The same objects for the same texts."""
        kept = self._texts.setdefault
        found = tuple((kept(name, name), kept(text, text)) for name, text in specs.items())
        return self._specs.setdefault(found, found)

    @property
    def labels(self) -> Mapping[str, Label]:
        """By the pipelines' names, in their order."""
        return self._labels

    def __len__(self) -> int:
        return len(self._packed)

    @overload
    def __getitem__(self, place: int) -> RenderedPipeline: ...
    @overload
    def __getitem__(self, place: slice) -> list[RenderedPipeline]: ...
    def __getitem__(self, place: int | slice) -> RenderedPipeline | list[RenderedPipeline]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        content, specs = self._packed[place]
        return RenderedPipeline.of({**json.loads(self._alike.unpack(content)), "specs": dict(specs)})

    def __iter__(self) -> Iterator[RenderedPipeline]:
        return (self[place] for place in range(len(self)))
