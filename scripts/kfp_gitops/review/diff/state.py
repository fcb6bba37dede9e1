"""One state of a rendered environment: the texts of `manifests/<env>/`, and what they say. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import parse_all
from kfp_gitops.language.manifest.migration import migrated
from kfp_gitops.rendering.rendered import ENVIRONMENT, INNER, LOCK, identity, paused_until
from kfp_gitops.review.caching import Side
from kfp_gitops.review.caching.idle import idle
from kfp_gitops.review.diff import schedules

_MANIFEST = "pipeline.yaml"
_COMPONENTS = "components/"
_INNER = f"{INNER}/"


@dataclass(frozen=True)
class Files:
    """Path below a folder → text, and the name that a person gives the state.

    What is not YAML at all is an InputError with its position, from every method that reads it.
    """

    name: str
    texts: Mapping[str, str]

    def documents(self, path: str) -> list[Any]:
        """The values of a file's YAML documents; none without the file."""
        text = self.texts.get(path)
        return list(_values(text, self._place(path))) if text is not None else []

    def document(self, path: str) -> Any:
        """The first document of a file, manifests in the present version of the language; None without a file."""
        text = self.texts.get(path)
        found = next(iter(parse_all(text, self._place(path))), None) if text is not None else None
        return migrated(found).value if found else None

    def _place(self, path: str) -> str:
        return f"{self.name}: {path}"


def _values(text: str, place: str) -> tuple[Any, ...]:
    """Pipelines share their components: a text is parsed once, and again only to say where it is wrong."""
    try:
        return _parsed(text)
    except InputError:
        return tuple(found.value for found in parse_all(text, place))


@lru_cache(maxsize=512)
def _parsed(text: str) -> tuple[Any, ...]:
    return tuple(found.value for found in parse_all(text, ""))


@dataclass(frozen=True)
class PipelineFiles(Files):
    """The folder of one pipeline."""

    def digest(self, name: str) -> str:
        """What a lock says of these files where it was made from them."""
        return identity((f"pipelines/{name}/{path}", text) for path, text in self.texts.items())

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The pipeline's manifest as YAML data."""
        return mapping(self.document(_MANIFEST))

    def specs(self) -> dict[str, Any]:
        """Component → spec."""
        return {
            path.removeprefix(_COMPONENTS).removesuffix(".yaml"): next(iter(self.documents(path)), None)
            for path in sorted(self.texts)
            if path.startswith(_COMPONENTS)
        }

    def inner(self) -> dict[str, Mapping[str, Any]]:
        """File → manifest of each pipeline that this one runs as a task."""
        return {
            path.removeprefix(_INNER): mapping(self.document(path))
            for path in self.texts
            if path.startswith(_INNER)
        }

    def side(self, manifest: Mapping[str, Any]) -> Side:
        """What is run, for the cache's part in it; `manifest` is this one's, as it is in force."""
        return Side(manifest, self.specs(), self.inner(), self.others())

    def others(self) -> dict[str, list[Any]]:
        """Path → documents: a compiled pipeline that was brought along, and whatever else lies there."""
        ours = (_COMPONENTS, _INNER)
        return {
            path: self.documents(path)
            for path in self.texts
            if path != _MANIFEST and not path.startswith(ours)
        }


@dataclass(frozen=True)
class Entry:
    """What the environment's own files say of one pipeline."""

    settings: Mapping[str, Any]
    release: str | None
    version: str | None
    manifest: str | None
    paused_until: Any = None
    """Also where the environment as a whole says it."""

    def in_force(self, folder: PipelineFiles, now: datetime) -> Mapping[str, Any]:
        """The pipeline's manifest, no schedule of which is on while it is paused."""
        return schedules.in_force(folder.manifest, self.paused_until, now)


ABSENT = Entry({}, None, None, None)


@dataclass(frozen=True)
class State(Files):
    """The folder of one environment."""

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """What environment.yaml says; empty when there is none."""
        return mapping(self.document(ENVIRONMENT))

    def entries(self) -> dict[str, Entry]:
        """Pipeline → what environment.yaml and the lock say of it."""
        locked = mapping(mapping(self.document(LOCK)).get("pipelines"))
        return {
            str(item["name"]): Entry(
                {key: value for key, value in item.items() if key not in ("name", "release")},
                item.get("release"),
                mapping(locked.get(item["name"])).get("version"),
                mapping(locked.get(item["name"])).get("manifest"),
                paused_until(self.settings, item),
            )
            for item in self.settings.get("pipelines") or []
            if isinstance(item, Mapping) and "name" in item
        }

    def pipelines(self) -> Mapping[str, PipelineFiles]:
        """Pipeline → its folder, listed in environment.yaml or not."""
        texts: dict[str, dict[str, str]] = defaultdict(dict)
        for path, text in self.texts.items():
            top, _, rest = path.partition("/")
            pipeline, slash, name = rest.partition("/")
            if top == "pipelines" and slash:
                texts[pipeline][name] = text
        return {pipeline: PipelineFiles(self.name, found) for pipeline, found in texts.items()}

    def manifests(self, now: datetime) -> dict[str, Mapping[str, Any]]:
        """Pipeline of environment.yaml → manifest as YAML data, as it is in force."""
        folders = self.pipelines()
        return {
            name: entry.in_force(folders[name], now)
            for name, entry in self.entries().items()
            if name in folders
        }

    def idle(self, now: datetime) -> dict[str, list[str]]:
        """Pipeline → its schedules that do nothing from their second firing on."""
        folders, manifests = self.pipelines(), self.manifests(now)
        return {
            name: idle(folders[name].side(manifest), enabled=True)
            for name, manifest in manifests.items()
            if schedules.by_name(manifest)
        }

    def delivery(self) -> Files:
        """What Argo CD applies."""
        ours = (ENVIRONMENT, LOCK)
        texts = {p: t for p, t in self.texts.items() if p not in ours and not p.startswith("pipelines/")}
        return Files(self.name, texts)


def mapping(value: Any) -> Mapping[str, Any]:
    """A map, or an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}
