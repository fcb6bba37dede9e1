"""Compare two states of a rendered environment. Pure: texts in, records out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kfp_gitops.diff import components, delivery, graph, nodes, schedules
from kfp_gitops.diff.fields import differences
from kfp_gitops.diff.model import Action, Change, EnvironmentDiff, Kind, PipelineDiff
from kfp_gitops.manifest.migration import migrated
from kfp_gitops.rendered import INNER
from kfp_gitops.yamltext import parse_all

Texts = Mapping[str, str]

_MANIFEST = "pipeline.yaml"
_COMPONENTS = "components/"
_INNER = f"{INNER}/"


@dataclass(frozen=True)
class State:
    """One state of `manifests/<env>/`: path below the folder → text, and the name that a person gives the state."""

    name: str
    texts: Texts


@dataclass(frozen=True)
class _Entry:
    """What the environment's own files say of one pipeline."""

    settings: Mapping[str, Any]
    release: str | None
    version: str | None


_ABSENT = _Entry({}, None, None)


def compare(environment: str, before: State, after: State, now: datetime) -> EnvironmentDiff:
    """All that differs; `now` (aware) is where the next firings are counted from.

    Raises:
        InputError: a file is not YAML at all, with its position.
    """
    old, new = settings(before), settings(after)
    zone = str(new.get("timeZone") or old.get("timeZone") or "UTC")
    left, right = _entries(before, old), _entries(after, new)
    was, is_ = _folders(before), _folders(after)
    nothing = State(before.name, {})
    absent = {str(entry["name"]): str(entry["delete"]) for entry in new.get("absent", ())}
    found = [
        _pipeline(
            *(name, left.get(name), right.get(name), was.get(name, nothing), is_.get(name, nothing), now),
            absent=absent.get(name),
        )
        for name in sorted({**left, **right})
    ]
    changed, noise = delivery.changes(_others(before), _others(after))
    found_settings = [*_setting_changes(old, new), *changed]
    return EnvironmentDiff(
        environment=environment,
        base=before.name,
        zone=zone,
        changes=found_settings,
        pipelines=[item for item in found if item.semantic or item.noise],
        warnings=[*_environment_warnings(found_settings)],
        noise=noise,
    )


def documents(text: str, path: str) -> list[Any]:
    """The values of a YAML text's documents; a nested or tagged oddity is an InputError."""
    return [document.value for document in parse_all(text, path)]


def _document(state: State, path: str) -> Any:
    """The first document of a file, manifests in the present version of the language; None without a file."""
    text = state.texts.get(path)
    found = next(iter(parse_all(text, f"{state.name}: {path}")), None) if text is not None else None
    return migrated(found).value if found else None


def settings(state: State) -> Mapping[str, Any]:
    """What environment.yaml says; empty when there is none."""
    return _mapping(_document(state, "environment.yaml"))


def manifests(state: State) -> dict[str, Mapping[str, Any]]:
    """Pipeline → manifest as YAML data."""
    folders, names = _folders(state), _entries(state, settings(state))
    return {name: _mapping(_document(folders[name], _MANIFEST)) for name in names if name in folders}


def _entries(state: State, environment: Mapping[str, Any]) -> dict[str, _Entry]:
    locked = _mapping(_mapping(_document(state, "versions.lock.yaml")).get("pipelines"))
    return {
        str(item["name"]): _Entry(
            {key: value for key, value in item.items() if key not in ("name", "release")},
            item.get("release"),
            _mapping(locked.get(item["name"])).get("version"),
        )
        for item in environment.get("pipelines") or []
        if isinstance(item, Mapping) and "name" in item
    }


def _setting_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    left, right = (
        {k: v for k, v in side.items() if k not in ("pipelines", "apiVersion")} for side in (before, after)
    )
    if left and right:
        for field, old, new in differences(left, right):
            yield Change(Action.CHANGED, Kind.SETTING, "environment", field, old, new)


def _environment_warnings(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        if change.field == "repository":
            yield (
                "the repository's id changes: every pipeline and schedule that this repository made becomes foreign, "
                "its old schedules go on firing beside the new ones"
            )
        elif change.field in ("kfp.host", "kfp.namespace"):
            yield f"{change.field} changes: what was registered at the old place stays there, schedules included"


def _folders(state: State) -> Mapping[str, State]:
    """Pipeline → the files of its folder."""
    texts: dict[str, dict[str, str]] = defaultdict(dict)
    for path, text in state.texts.items():
        top, _, rest = path.partition("/")
        pipeline, slash, name = rest.partition("/")
        if top == "pipelines" and slash:
            texts[pipeline][name] = text
    return {pipeline: State(state.name, found) for pipeline, found in texts.items()}


def _others(state: State) -> State:
    ours = ("environment.yaml", "versions.lock.yaml")
    texts = {p: t for p, t in state.texts.items() if p not in ours and not p.startswith("pipelines/")}
    return State(state.name, texts)


def _pipeline(
    name: str,
    old: _Entry | None,
    new: _Entry | None,
    before: State,
    after: State,
    now: datetime,
    absent: str | None,
) -> PipelineDiff:
    was, is_ = old or _ABSENT, new or _ABSENT
    result = PipelineDiff(
        name,
        action=Action.ADDED if old is None else Action.REMOVED if new is None else None,
        version_before=was.version,
        version_after=is_.version,
        release_before=was.release,
        release_after=is_.release,
    )
    if old and new and before.texts == after.texts and old == new:
        return result
    left, right = _mapping(_document(before, _MANIFEST)), _mapping(_document(after, _MANIFEST))
    changes = [*_entry_changes(name, old, new), *_changes(name, before, after, left, right)]
    replaced = schedules.replaced(left, right, result.new_version)
    result = replace(
        result,
        changes=changes if result.action is None else [],
        schedules_added=schedules.only_in(right, left),
        replaced=replaced if result.action is None else [],
        schedules_removed=schedules.only_in(left, right),
        firings=schedules.firings(left, right, now),
        graph=graph.mermaid(left, right, changes)
        if _draws(changes) and result.action is not Action.REMOVED
        else None,
    )
    return replace(
        result, warnings=[*_warnings(result, changes, absent)], noise=[*_noise(result, before, after)]
    )


def _changes(
    name: str, before: State, after: State, left: Mapping[str, Any], right: Mapping[str, Any]
) -> Iterator[Change]:
    yield from _manifest_changes(name, left, right)
    yield from components.changes(_specs(before), _specs(after))
    yield from _each(Kind.SCHEDULE, schedules.by_name(left), schedules.by_name(right))
    for path in sorted(_inner(before) | _inner(after)):
        inside = _manifest_changes(name, _mapping(_document(before, path)), _mapping(_document(after, path)))
        label = path.removeprefix(_INNER).removesuffix(".yaml")
        yield from (replace(change, name=f"{label} › {change.name}") for change in inside)
    yield from _other_files(name, before, after)


def _manifest_changes(name: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[Change]:
    yield from _named(Kind.PIPELINE, name, _about(left), _about(right))
    yield from _each(Kind.PARAMETER, _spec(left, "parameters"), _spec(right, "parameters"))
    yield from nodes.changes(nodes.flat(left), nodes.flat(right))
    yield from _each(Kind.OUTPUT, _spec(left, "outputs"), _spec(right, "outputs"))


def _entry_changes(name: str, old: _Entry | None, new: _Entry | None) -> Iterator[Change]:
    if old and new:
        yield from _named(Kind.PIPELINE, name, old.settings, new.settings)


def _about(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of the pipeline as a whole: metadata but for the name, settings of the spec, triggers."""
    own = {
        key: value
        for key, value in manifest.items()
        if key not in ("apiVersion", "kind", "spec", "schedules")
    }
    spec = {
        k: v for k, v in _mapping(manifest.get("spec")).items() if k not in ("parameters", "tasks", "outputs")
    }
    return {**own, **spec}


def _named(kind: Kind, name: str, before: Any, after: Any) -> Iterator[Change]:
    for field, old, new in differences(before, after):
        yield Change(Action.CHANGED, kind, name, field, old, new)


def _each(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in [*after, *(name for name in before if name not in after)]:
        if name not in before:
            yield Change(Action.ADDED, kind, name, after=after[name])
        elif name not in after:
            yield Change(Action.REMOVED, kind, name, before=before[name])
        else:
            yield from _named(kind, name, before[name], after[name])


def _spec(manifest: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return _mapping(_mapping(manifest.get("spec")).get(key))


def _specs(state: State) -> dict[str, Any]:
    """Component name → spec."""
    return {
        path.removeprefix(_COMPONENTS).removesuffix(".yaml"): next(
            iter(documents(text, f"{state.name}: {path}")), None
        )
        for path, text in sorted(state.texts.items())
        if path.startswith(_COMPONENTS)
    }


def _inner(state: State) -> set[str]:
    """The manifests of the pipelines that this one runs as tasks."""
    return {path for path in state.texts if path.startswith(_INNER)}


def _other_files(name: str, before: State, after: State) -> Iterator[Change]:
    """A compiled pipeline that was brought along, and whatever else lies in the folder."""
    left, right = _other_documents(before), _other_documents(after)
    for path in sorted({**left, **right}):
        for field, old, new in differences(left.get(path), right.get(path)):
            yield Change(Action.CHANGED, Kind.PIPELINE, name, f"{path}: {field}" if field else path, old, new)


def _other_documents(state: State) -> dict[str, Any]:
    return {
        path: components.without_versions(documents(text, f"{state.name}: {path}"))
        for path, text in state.texts.items()
        if path != _MANIFEST and not path.startswith((_COMPONENTS, _INNER))
    }


def _draws(changes: Sequence[Change]) -> bool:
    return any(
        c.kind in (Kind.TASK, Kind.CONDITION, Kind.LOOP, Kind.EXIT_HANDLER, Kind.COMPONENT) for c in changes
    )


_REMOVES = {
    "schedules": "its schedules are deleted; its versions, the pipeline and its runs stay",
    "versions": "its schedules and versions are deleted, its experiment is archived; the pipeline and its runs stay",
    "pipeline": "its schedules, its versions and the pipeline are deleted, its experiment is archived; its runs stay",
}
"""What `delete` beside `state: absent` means."""


def _warnings(pipeline: PipelineDiff, changes: Sequence[Change], absent: str | None) -> Iterator[str]:
    if pipeline.action is Action.REMOVED and absent in _REMOVES:
        yield f"state: absent: {_REMOVES[absent]}"
    elif pipeline.action is Action.REMOVED:
        yield (
            "it leaves the manifests: its schedules are disabled and nothing more happens to it; "
            "`state: absent` in the environment's values removes it"
        )
    for change in changes:
        if change.kind is Kind.PIPELINE and change.field == "state":
            yield f"state {change.before or 'present'} → {change.after or 'present'}"
        if change.kind is Kind.PARAMETER and change.field == "default" and change.after is None:
            yield f"parameter {change.name} has no default any more: every run and schedule must give it"
    if pipeline.new_version and pipeline.semantic and pipeline.action is None and not pipeline.version_before:
        yield "there was no lock entry before: the version cannot be compared"
    if pipeline.version_after is None and pipeline.action is not Action.REMOVED:
        yield "there is no lock entry: run `python scripts/render.py --all --lock`"


def _noise(pipeline: PipelineDiff, before: State, after: State) -> Iterator[str]:
    if pipeline.semantic:
        return
    changed = sorted(p for p in {**before.texts, **after.texts} if before.texts.get(p) != after.texts.get(p))
    if changed:
        yield f"only the writing differs (order of keys, format, comments, SDK version): {', '.join(changed)}"
    if pipeline.new_version:
        yield f"it compiles to another form: {pipeline.version_after} is registered, its schedules move to it"
    elif pipeline.release_before != pipeline.release_after:
        yield "the release differs, what it renders to here does not"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
