"""One state of a rendered environment: the texts of `manifests/<env>/`, and what they say. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import Bounds, Document, parse_all
from kfp_gitops.language.chains import edges
from kfp_gitops.language.manifest import Trigger
from kfp_gitops.language.manifest.migration import migrated
from kfp_gitops.rendering import specs
from kfp_gitops.rendering.rendered import ENVIRONMENT, INNER, LOCK, bounds_of, identity, paused_until
from kfp_gitops.review.caching import Side
from kfp_gitops.review.caching.idle import idle
from kfp_gitops.review.diff import leftover, schedules

MANIFEST = "pipeline.yaml"
_COMPONENTS = specs.PREFIX
_INNER = f"{INNER}/"
_WAITS = re.compile(r"runOn[\"']?:(?!\s*[\"']?change\b)")
_TRIGGERS = re.compile(r"^triggers:\n(?:(?:[ -].*)?\n)+", re.MULTILINE)
"""The key at the top of a manifest as it is rendered: up to the next key."""


@dataclass(frozen=True)
class Files:
    """Path below a folder → text, and the name that a person gives the state.

    What is not YAML at all is an InputError with its position, from every method that reads it.
    """

    name: str
    texts: Mapping[str, str]

    def documents(self, path: str) -> list[Any]:
        """The values of a file's YAML documents; none without the file."""
        return [found.value for found in self._parsed(path)]

    def document(self, path: str) -> Any:
        """The first document of a file, manifests in the present version of the language; None without a file."""
        found = next(iter(self._parsed(path)), None)
        return migrated(found).value if found else None

    def whole(self, path: str) -> Any:
        """All documents of a file as one value, just as they stand; ABSENT without the file."""
        return leftover.whole(self.documents(path) if path in self.texts else None)

    def _parsed(self, path: str) -> Sequence[Document]:
        text = self.texts.get(path)
        return _read(text, self._place(path), bounds_of(path)) if text is not None else ()

    def _place(self, path: str) -> str:
        return f"{self.name}: {path}"


def _read(text: str, place: str, bounds: Bounds) -> Sequence[Document]:
    """A text is parsed once, and again only to say where it is wrong.

    More than one layer asks for a file, and pipelines share their components.
    """
    try:
        return _parsed(text, bounds)
    except InputError:
        return parse_all(text, place, bounds)


@lru_cache(maxsize=512)
def _parsed(text: str, bounds: Bounds) -> tuple[Document, ...]:
    return tuple(parse_all(text, "", bounds))


@dataclass(frozen=True)
class PipelineFiles(Files):
    """The folder of one pipeline; its component specs are in it as `components/<name>.yaml`, wherever they stand."""

    shared: Mapping[str, str] = field(default_factory=dict)
    """Path of a spec here → where it stands below manifests/<env>/ for all pipelines that use it."""

    def _place(self, path: str) -> str:
        return super()._place(self.shared.get(path, path))

    def digest(self, name: str) -> str:
        """What a lock says of these files where it was made from them."""
        return identity((f"pipelines/{name}/{path}", text) for path, text in self.texts.items())

    @property
    def may_have_events(self) -> bool:
        """Whether a known event may stand in its manifest, which has such a key: most need not be read for that."""
        return "learn" in self.texts.get(MANIFEST, "")

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The pipeline's manifest as YAML data."""
        return mapping(self.document(MANIFEST))

    @cached_property
    def triggers(self) -> tuple[Trigger, ...]:
        """Its triggers that wait for more than a release; of a manifest that has none nothing is parsed."""
        text = self.texts.get(MANIFEST, "")
        if "runOn" not in text or not _WAITS.search(text):
            return ()
        own = _TRIGGERS.search(text)  # of a thousand manifests the rest need not be parsed for that
        documents = _read(own[0], self._place(MANIFEST), bounds_of(MANIFEST)) if own else ()
        return edges.read(mapping(documents[0].value) if documents else self.manifest)

    def specs(self) -> dict[str, str]:
        """Component → path of its spec."""
        return self._named(_COMPONENTS)

    def inner(self) -> dict[str, str]:
        """Name → path of the manifest of each pipeline that this one runs as a task."""
        return self._named(_INNER)

    def side(self, manifest: Mapping[str, Any]) -> Side:
        """What is run, for the cache's part in it; `manifest` is this one's, as it is in force."""
        ours = (_COMPONENTS, _INNER)
        others = {
            path: self.documents(path)
            for path in self.texts
            if path != MANIFEST and not path.startswith(ours)
        }
        specs = {name: next(iter(self.documents(path)), None) for name, path in self.specs().items()}
        inner = {path.removeprefix(_INNER): mapping(self.document(path)) for path in self.inner().values()}
        return Side(manifest, specs, inner, others)

    def _named(self, folder: str) -> dict[str, str]:
        names = {path: path.removeprefix(folder) for path in sorted(self.texts) if path.startswith(folder)}
        return {n.removesuffix(".yaml"): p for p, n in names.items() if n.endswith(".yaml") and "/" not in n}


@dataclass(frozen=True)
class Entry:
    """What the environment's own files say of one pipeline."""

    settings: Mapping[str, Any]
    release: str | None
    version: str | None
    manifest: str | None
    digest: str | None = None
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

    def entries(self) -> Mapping[str, Entry]:
        """Pipeline → what environment.yaml and the lock say of it."""
        return self._entries

    @cached_property
    def _entries(self) -> Mapping[str, Entry]:
        locked = mapping(mapping(self.document(LOCK)).get("pipelines"))
        return {
            item["name"]: Entry(
                self._own_settings(item),
                item.get("release"),
                mapping(locked.get(item["name"])).get("version"),
                mapping(locked.get(item["name"])).get("manifest"),
                mapping(locked.get(item["name"])).get("digest"),
                paused_until(self.settings, item),
            )
            for item in self._items()
        }

    def _items(self) -> list[Mapping[str, Any]]:
        """The entries of environment.yaml that name a pipeline."""
        return [item for item in _maps(self.settings.get("pipelines")) if isinstance(item.get("name"), str)]

    def _own_settings(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """What an entry says beside its release; of its components only what the specs themselves do not say."""
        found = {key: value for key, value in item.items() if key not in ("name", "release", specs.FOLDER)}
        refs = item.get(specs.FOLDER, {})
        if isinstance(refs, Mapping):
            refs = {name: digits for name, digits in refs.items() if not self.holds(name, digits)}
        return found if refs == {} else {**found, specs.FOLDER: refs}

    def holds(self, component: Any, digits: Any) -> bool:
        """Whether there is the shared file that an entry refers to so, with the text that its name says."""
        text = self.texts.get(specs.path(component, digits))
        return text is not None and specs.hash8(text) == digits

    @cached_property
    def shared(self) -> frozenset[str]:
        """Paths of the shared files that some entry refers to."""
        return frozenset(path for item in self._items() for _, _, path in specs.of_entry(item))

    @cached_property
    def strays(self) -> frozenset[str]:
        """Paths of component specs that no pipeline of environment.yaml uses."""
        return frozenset(self._strays())

    def _strays(self) -> Iterator[str]:
        listed = {item["name"]: specs.FOLDER in item for item in self._items()}
        for path in self.texts:
            match path.split("/"):
                case [specs.FOLDER, *_]:
                    if path not in self.shared:
                        yield path
                case ["pipelines", name, specs.FOLDER, *_]:
                    if listed.get(name):
                        yield path

    def absent(self) -> dict[str, str]:
        """Pipeline that is to be gone → what its tombstone deletes."""
        return {str(item.get("name")): str(item.get("delete")) for item in _maps(self.settings.get("absent"))}

    def pipelines(self) -> Mapping[str, PipelineFiles]:
        """Pipeline → its folder, listed in environment.yaml or not."""
        return self._pipelines

    @cached_property
    def _pipelines(self) -> Mapping[str, PipelineFiles]:
        texts: dict[str, dict[str, str]] = defaultdict(dict)
        for path, text in self.texts.items():
            top, _, rest = path.partition("/")
            pipeline, slash, name = rest.partition("/")
            if top == "pipelines" and slash:
                texts[pipeline][name] = text
        shared = {item["name"]: dict(self._specs(item)) for item in self._items() if specs.FOLDER in item}
        for pipeline, places in shared.items():
            own = _without_specs(texts.pop(pipeline, {}))
            found = {**own, **{path: self.texts[place] for path, place in places.items()}}
            texts |= {pipeline: found} if found else {}
        return {name: PipelineFiles(self.name, found, shared.get(name, {})) for name, found in texts.items()}

    def _specs(self, item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for component, _, path in specs.of_entry(item):
            if path in self.texts:
                yield f"{_COMPONENTS}{component}.yaml", path

    def manifest_in_force(self, name: str, now: datetime) -> Mapping[str, Any] | None:
        """That of one pipeline of environment.yaml, as it is in force."""
        folder, entry = self.pipelines().get(name), self.entries().get(name)
        return entry.in_force(folder, now) if folder and entry else None

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
        folders = ("pipelines/", _COMPONENTS)
        texts = {p: t for p, t in self.texts.items() if p not in ours and not p.startswith(folders)}
        return Files(self.name, texts)


def _without_specs(texts: Mapping[str, str]) -> dict[str, str]:
    return {path: text for path, text in texts.items() if not path.startswith(_COMPONENTS)}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    """The maps of a list; none in place of anything else."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def mapping(value: Any) -> Mapping[str, Any]:
    """A map, or an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}
