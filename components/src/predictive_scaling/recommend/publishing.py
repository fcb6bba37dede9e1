"""Putting a release into the registry: models, then the recommendation, then the pointer to both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from predictive_scaling.backtest.codec import decode
from predictive_scaling.backtest.evaluation import GUARDED, SERVED
from predictive_scaling.backtest.training_tables import MANIFEST, model_file
from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.documents import Document, parse_object, pretty_bytes, read_document, sha256
from predictive_scaling.base.errors import InputError, MissingObjectError, RegistryError
from predictive_scaling.models import BY_LOAD
from predictive_scaling.recommend.entries import SCORES
from predictive_scaling.store.registry import CURRENT, Registry
from predictive_scaling.usage.validation import require_service_name

CURRENT_SCHEMA = "predictive-scaling-current/v1"
FORECAST_ONLY, PUBLISH, PULL_REQUEST = "forecast_only", "publish", "pull-request"
MODES = (FORECAST_ONLY, PUBLISH, PULL_REQUEST)
PLACE = ("environment", "namespace")
BY_LOAD_SCORE = "by_load"
"""Of a model of cpu that is in force: cores by load were better than it on the folds."""


@dataclass(frozen=True)
class Release:
    """A model file that serves, and what it scored (and why it is guarded); without scores, those before stay."""

    service: str
    metric: str
    data: bytes
    scores: Document = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Where it goes in the registry."""
        return f"models/{self.service}/{self.metric}/{sha256(self.data)}.json"


def require_mode(mode: str, registry: str) -> None:
    """Raise InputError for an unknown mode, and for publishing to nowhere."""
    if mode not in MODES:
        raise InputError(f"mode is {mode!r}; it must be {', '.join(MODES[:-1])} or {MODES[-1]}")
    if mode != FORECAST_ONLY and not registry:
        raise InputError(f"mode is {mode}, but registry is empty")


def require_namespace(pointer: Document | None, namespace: str) -> None:
    """Raise InputError where the pointer is another namespace's: a prefix holds one, or each would undo the other."""
    before = str((pointer or {}).get("namespace", ""))
    if before and before != namespace:
        mine = f"the namespace {namespace}" if namespace else "a run that names no namespace"
        raise InputError(
            f"the registry holds the recommendation of the namespace {before}, and this is {mine}; "
            "give each namespace a prefix of its own, such as s3://bucket/models/prod/shop"
        )


def accepted_models(folders: Iterable[str | Path], evaluation: Document, trained_at: str) -> list[Release]:
    """Models of the folders that serve, alone or guarded; each is checked against its manifest before it is trusted.

    `trained_at` is an instant, for those of which the evaluation does not say when they were trained.
    """
    accepted = {
        (str(each["service"]), str(each["metric"])): each
        for each in evaluation["results"]
        if each["decision"] in SERVED
    }
    return [release for folder in folders for release in _models(Path(folder), accepted, trained_at)]


def _models(folder: Path, accepted: Mapping[tuple[str, str], Document], at: str) -> list[Release]:
    manifest = read_document(folder / MANIFEST)
    metric = str(manifest["metric"])
    chosen = [entry for entry in manifest["models"] if (entry["service"], metric) in accepted]
    return [_release(folder, metric, entry, accepted[entry["service"], metric], at) for entry in chosen]


def _release(folder: Path, metric: str, entry: Document, judged: Document, at: str) -> Release:
    service = require_service_name(str(entry["service"]))
    data = (folder / model_file(service)).read_bytes()
    decode(data, str(entry["sha256"]))
    scores = {name: judged[name] for name in SCORES}
    if metric == "cpu" and judged.get("champion") == BY_LOAD:
        scores[BY_LOAD_SCORE] = True
    scores |= {"guarded": judged["reason"]} if judged["decision"] == GUARDED else {}
    return Release(service, metric, data, {**scores, "trained_at": judged.get("trained_at", at)})


def publish(
    registry: Registry, recommendation: Document, models: Sequence[Release], kept: Document | None = None
) -> Document:
    """Write the release; gives the pointer. Killed at any point, the previous release stays in force whole.

    `kept` is the pointer before, whose models stay in force beside the new ones: given by a run that trained none. Such
    a run may have begun before the newest training ended; then its models do not come back. Raises InputError where
    another namespace's recommendation is in force.
    """
    require_namespace(current_pointer(registry), str(recommendation.get("namespace", "")))
    for model in models:
        registry.put(model.key, model.data)
    data = pretty_bytes(recommendation)
    key = f"recommendations/{sha256(data)}.json"
    registry.put(key, data)
    pointer = _pointer(recommendation, key, models, kept or {})
    registry.put(CURRENT, pretty_bytes(pointer))
    return pointer


def _pointer(recommendation: Document, key: str, models: Sequence[Release], kept: Document) -> Document:
    current: dict[str, dict[str, str]] = {name: dict(keys) for name, keys in kept.get("models", {}).items()}
    trained: dict[str, dict[str, Document]] = {
        name: dict(all_) for name, all_ in kept.get("trained", {}).items()
    }
    for model in models:
        if _is_older(model, trained):
            continue
        current.setdefault(model.service, {})[model.metric] = model.key
        if model.scores:
            trained.setdefault(model.service, {})[model.metric] = model.scores
    copied = {name: recommendation[name] for name in ("run_id", "generated_at", "valid_until")}
    copied |= {name: recommendation[name] for name in PLACE if name in recommendation}
    return {
        "schema": CURRENT_SCHEMA,
        **copied,
        "recommendation": key,
        "models": current,
        "trained": trained,
    }


def _is_older(model: Release, trained: Mapping[str, Mapping[str, Document]]) -> bool:
    """Whether a model was trained before the one that is in force."""
    before, mine = (
        trained.get(model.service, {}).get(model.metric, {}).get("trained_at"),
        model.scores.get("trained_at"),
    )
    return bool(before and mine) and parse_instant(str(mine)) < parse_instant(str(before))


def current_pointer(registry: Registry) -> Document | None:
    """The pointer to what is in force; None when nothing was ever published. Raises RegistryError."""
    try:
        pointer = parse_object(registry.get(CURRENT), CURRENT)
    except MissingObjectError:
        return None
    if pointer.get("schema") != CURRENT_SCHEMA:
        raise RegistryError(f"{CURRENT} has schema {pointer.get('schema')!r}, expected {CURRENT_SCHEMA!r}")
    return pointer
