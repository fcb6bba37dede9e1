"""`manifests/<env>/` as it stands: read and checked, nothing compiled, no kfp imported."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from kfp_gitops.base import files, generated, processes, yamltext, yamlvalue
from kfp_gitops.base.errors import InputError, Problem, attempted, raise_if_any
from kfp_gitops.base.places import Place, Plain, Source
from kfp_gitops.compiling import lock
from kfp_gitops.compiling.lock import Locked
from kfp_gitops.kfpserver.ownership import same
from kfp_gitops.language.manifest import Manifest, Schedule, Slo, Trigger, reader, slo
from kfp_gitops.language.manifest import triggers as manifest_triggers
from kfp_gitops.reconcile.shelf import Shelf
from kfp_gitops.rendering.rendered import ENVIRONMENT, INNER, LOCK, RenderedPipeline
from kfp_gitops.rendering.rendered import read_from as rendered_pipeline
from kfp_gitops.sources import brought
from kfp_gitops.sources.selection import ALL, Selection


@dataclass(frozen=True)
class Texts:
    """manifests/<env>/ as it stands, its manifests not looked into: read part by part, and kept packed."""

    environment: Mapping[str, Any]
    """What environment.yaml says of all of it; `pipelines` are those of all parts."""
    shelf: Shelf
    locked: Mapping[str, Locked]
    path: str
    selection: Selection = field(default=ALL, kw_only=True)
    beside: frozenset[str] = field(default=frozenset(), kw_only=True)
    """The pipelines and tombstones that were not selected; nothing else here is of them."""


@dataclass(frozen=True)
class Folder:
    """manifests/<env>/ as read whole, before anything is compiled."""

    environment: Mapping[str, Any]
    rendered: Mapping[str, RenderedPipeline]
    locked: Mapping[str, Locked]
    path: str
    manifests: Mapping[str, Manifest]

    def inner(self, pipeline: str) -> dict[str, Manifest]:
        """The pipelines inside one, by name."""
        base = f"{self.path}/pipelines/{pipeline}/{INNER}"
        texts = self.rendered[pipeline].inner.items()
        return {name: reader.read(text, f"{base}/{name}.yaml") for name, text in texts}


@dataclass(frozen=True)
class Head:
    """What desired state takes of a manifest: 1,000 whole ones, with the place of every value, take 125 MB."""

    description: str
    schedules: tuple[Schedule, ...]
    triggers: tuple[Trigger, ...]
    owner: str = ""
    slo: Slo | None = None

    def text(self) -> str:
        """As JSON, for another process: what a manifest holds is JSON."""
        schedules = [vars(one) for one in self.schedules]
        triggers = [[manifest_triggers.written(one), one.at] for one in self.triggers]
        of_slo = vars(self.slo) if self.slo else None
        return json.dumps({**vars(self), "schedules": schedules, "triggers": triggers, "slo": of_slo})

    @classmethod
    def of(cls, text: str) -> Head:
        """The reverse of `text`."""
        found = json.loads(text)
        schedules = (Schedule(**{**one, "at": tuple(one["at"])}) for one in found["schedules"])
        triggers = (manifest_triggers.of(one, tuple(at)) for one, at in found["triggers"])
        of_both = {"schedules": tuple(schedules), "triggers": tuple(triggers)}
        return cls(**{**found, **of_both, "slo": slo.of(found)})


def read(folder: Path | Place, environment: str) -> Folder:
    """Read a rendered environment; compiles nothing and imports no kfp.

    Raises:
        InputError: something is missing or malformed; run render.
    """
    return whole(texts(folder, environment))


def whole(found: Texts) -> Folder:
    """All of what was read.

    Raises:
        InputError: a manifest is malformed.
    """
    rendered = {pipeline.name: pipeline for pipeline in found.shelf}
    manifests = {name: _manifest(f"{found.path}/pipelines/{name}", one) for name, one in rendered.items()}
    return Folder(found.environment, rendered, found.locked, found.path, manifests)


def texts(folder: Path | Place, environment: str, selection: Selection = ALL) -> Texts:
    """Read a rendered environment, or what is selected of it, without looking into its manifests.

    A path is one of a repository.

    Raises:
        InputError: something is missing or malformed; run render.
        UsageError: the selection names what is not there.
    """
    return _place(folder).whole(lambda source: _texts(source, environment, selection))


def heads(found: Texts, beside: Callable[[], object] = lambda: None) -> dict[str, Head]:
    """What desired state takes of each pipeline, by name; read on all cores, `beside` as in `processes.spread`.

    Raises:
        InputError: every manifest that is malformed.
    """
    answers = processes.spread(partial(_head, found.path), found.shelf, beside=beside)
    raise_if_any(Problem.of(texts) for answer in answers for texts in answer.get("problems", ()))
    return {name: Head.of(answer["head"]) for name, answer in zip(found.shelf.labels, answers, strict=True)}


def _head(folder: str, rendered: RenderedPipeline) -> dict[str, Any]:
    """Or its problems, as texts: it may be another process that reads."""
    path = f"{folder}/pipelines/{rendered.name}"
    try:
        head = _valid_head(rendered, path) or _any_head(rendered, path)
    except InputError as error:
        return {"problems": [problem.texts() for problem in error.problems]}
    return {"head": head.text()}


def _valid_head(rendered: RenderedPipeline, path: str) -> Head | None:
    """Where there is nothing to tell about the manifest, and all of it stands in it; it need not be made then."""
    document = yamlvalue.read(rendered.manifest, f"{path}/pipeline.yaml")
    if document is None or not reader.is_valid(document) or "ir" in document.value["spec"]:
        return None
    value = document.value
    about = value["metadata"]
    starts = reader.schedules(value), reader.triggers(value)
    return Head(about["description"], *starts, about["owner"], slo.of(value))


def _any_head(rendered: RenderedPipeline, path: str) -> Head:
    manifest = _manifest(path, rendered)
    return Head(manifest.description, manifest.schedules, manifest.triggers, manifest.owner, manifest.slo)


def settings_of(folder: Path | Place, environment: str) -> Mapping[str, Any]:
    """What environment.yaml says: whose it is, which KFP, which pipelines.

    Raises:
        InputError: it is missing or malformed, or of another environment.
    """
    return _place(folder).whole(lambda source: _settings(source, environment))


def teams(folder: Path | Place, environment: str) -> dict[str, str]:
    """Every pipeline and tombstone of environment.yaml, however it is delivered → team; "" where it is of none.

    Raises:
        InputError: it is missing or malformed, or of another environment.
    """
    return _place(folder).whole(lambda source: _teams(source, environment))


def called(folder: Path | Place, environment: str) -> dict[str, str]:
    """What KFP calls a pipeline or tombstone of environment.yaml → its name, where that is another.

    Raises:
        InputError: as `teams`.
    """
    return _place(folder).whole(lambda source: _called(source, environment))


def _called(source: Source, environment: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in chain([source], source.parts()):
        settings = _settings(part, environment)
        entries = (*settings.get("pipelines", ()), *settings.get("absent", ()))
        found |= {entry["adopts"]["pipeline"]: entry["name"] for entry in entries if "adopts" in entry}
    return found


def _place(folder: Path | Place) -> Place:
    return Plain.at(folder) if isinstance(folder, Path) else folder


def _teams_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """Pipeline or tombstone of environment.yaml → team; "" where it is of none."""
    # The head of archives names none itself: its parts do.
    entries = (*settings.get("pipelines", ()), *settings.get("absent", ()))
    return {entry["name"]: entry.get("team", "") for entry in entries}


def _teams(source: Source, environment: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in chain([source], source.parts()):
        found |= _teams_of(_settings(part, environment))
    return found


def _selected(settings: Mapping[str, Any], names: frozenset[str] | None) -> Mapping[str, Any]:
    """The same with some of its pipelines and tombstones; None: with all."""
    if names is None:
        return settings
    kept = {
        key: [entry for entry in settings[key] if entry["name"] in names]
        for key in ("pipelines", "absent")
        if key in settings
    }
    if "backfills" in settings:
        kept["backfills"] = [one for one in settings["backfills"] if one["pipeline"] in names]
    return {**settings, **kept}


def _texts(source: Source, environment: str, selection: Selection) -> Texts:
    """Of one part after the other no more is kept than what is packed; all of them belong to one `source`."""
    settings = _settings(source, environment)
    # What there is stands in all parts, and is read first: a name that none has is refused.
    known = _teams(source, environment) if selection else {}
    chosen = selection.chosen(known, environment) if selection else None
    shelf, entries = Shelf(), []
    shared: dict[str, str] = {}
    in_kfp: dict[str, str] = {}
    locked: dict[str, Locked] = {}
    problems: list[Problem] = []
    for part in source.parts():
        whole = settings if part is source else _settings(part, environment)
        problems += _one_of_kfp_for_two(part, whole, in_kfp)
        of_part = _selected(whole, chosen)
        problems += _twice(part, of_part, shelf.labels)
        for entry in of_part["pipelines"]:
            pipeline = attempted(problems, partial(rendered_pipeline, part, entry, shared))
            if pipeline is not None and not problems:
                shelf.put(pipeline)
            entries.append({key: value for key, value in entry.items() if key != "components"})
        of_lock = attempted(problems, partial(_locked, part)) or {}
        locked.update({name: entry for name, entry in of_lock.items() if chosen is None or name in chosen})
    raise_if_any(problems)
    found = {**_selected(settings, chosen), "pipelines": entries}
    beside = known.keys() - (chosen or ())
    return Texts(found, shelf, locked, source.name, selection=selection, beside=frozenset(beside))


def _locked(part: Source) -> Mapping[str, Locked]:
    return lock.read(part.read_text(LOCK), f"{part.name}/{LOCK}")


def _twice(part: Source, settings: Mapping[str, Any], known: Mapping[str, object]) -> Iterator[Problem]:
    """A merge by lines may have left a pipeline twice, or as a tombstone, too: nobody knows which is meant."""
    names = Counter(entry["name"] for key in ("pipelines", "absent") for entry in settings.get(key, ()))
    for name in (name for name, count in names.items() if count > 1 or name in known):
        what, todo = f"{name!r} stands in it twice", "run `python scripts/render.py --all --lock`"
        yield Problem(f"{part.name}/{ENVIRONMENT}", 0, 0, what, todo)


def _one_of_kfp_for_two(
    part: Source, settings: Mapping[str, Any], first: dict[str, str]
) -> Iterator[Problem]:
    """Two that were merged, each well alone: by a tombstone the other's pipeline and schedules would be deleted."""
    for entry in (*settings["pipelines"], *settings.get("absent", ())):
        called = str(entry.get("adopts", {}).get("pipeline", entry["name"]))
        if (other := first.setdefault(same(called), entry["name"])) != entry["name"]:
            what = f"{other!r} and {entry['name']!r} are both the pipeline {called!r} of KFP"
            todo = "take `adopts` out of the values of one of them, and render"
            yield Problem(f"{part.name}/{ENVIRONMENT}", 0, 0, what, todo)


def _settings(source: Source, environment: str) -> Mapping[str, Any]:
    if not source.path.is_dir():
        present = ", ".join(files.list_folders(source.path.parent, ".")) or "none"
        todo = f"there are: {present}; render one with `python scripts/render.py --env ENV`"
        raise InputError.of(str(source.path), "no such folder", todo)
    text, path = source.read_text(ENVIRONMENT), f"{source.name}/{ENVIRONMENT}"
    found: Mapping[str, Any] = generated.read("environment", text, path).value
    if found["environment"] != environment:
        what = f"this is the environment {found['environment']!r}, not {environment!r}"
        document = yamltext.parse(text, path, yamltext.GENERATED)
        raise InputError(
            [document.problem(("environment",), what, "give the folder of the environment you mean")]
        )
    return found


def _manifest(folder: str, rendered: RenderedPipeline) -> Manifest:
    manifest = reader.read(rendered.manifest, f"{folder}/pipeline.yaml")
    return brought.completed(manifest, brought.read_all(rendered.irs, folder, manifest.ir))
