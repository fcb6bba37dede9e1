"""Putting a release into the registry: models, then the recommendation, then the pointer to both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from predictive_scaling.documents import Document, pretty_bytes, read_document, sha256
from predictive_scaling.errors import InputError
from predictive_scaling.models.codec import decode
from predictive_scaling.store import CURRENT, Registry
from predictive_scaling.training_tables import MANIFEST, model_file
from predictive_scaling.validation import require_service_name

CURRENT_SCHEMA = "predictive-scaling-current/v1"
FORECAST_ONLY, PUBLISH = "forecast_only", "publish"


@dataclass(frozen=True)
class Release:
    """A model file that passed its gate."""

    service: str
    metric: str
    data: bytes

    @property
    def key(self) -> str:
        """Where it goes in the registry."""
        return f"models/{self.service}/{self.metric}/{sha256(self.data)}.json"


def require_mode(mode: str, registry: str) -> None:
    """Raise InputError for an unknown mode, and for publishing to nowhere."""
    if mode not in (FORECAST_ONLY, PUBLISH):
        raise InputError(f"mode is {mode!r}; it must be {FORECAST_ONLY} or {PUBLISH}")
    if mode == PUBLISH and not registry:
        raise InputError("mode is publish, but registry is empty")


def accepted_models(folders: Iterable[str | Path], evaluation: Document) -> list[Release]:
    """Models of the folders that the evaluation accepted; each is checked against its manifest before it is trusted."""
    accepted = {
        (each["service"], each["metric"]) for each in evaluation["results"] if each["decision"] == "model"
    }
    return [release for folder in folders for release in _models(Path(folder), accepted)]


def _models(folder: Path, accepted: set[tuple[str, str]]) -> list[Release]:
    manifest = read_document(folder / MANIFEST)
    metric = str(manifest["metric"])
    chosen = [entry for entry in manifest["models"] if (entry["service"], metric) in accepted]
    return [_release(folder, metric, entry) for entry in chosen]


def _release(folder: Path, metric: str, entry: Document) -> Release:
    service = require_service_name(str(entry["service"]))
    data = (folder / model_file(service)).read_bytes()
    decode(data, str(entry["sha256"]))
    return Release(service, metric, data)


def publish(registry: Registry, recommendation: Document, models: Sequence[Release]) -> Document:
    """Write the release; gives the pointer. Killed at any point, the previous release stays in force whole."""
    for model in models:
        registry.put(model.key, model.data)
    data = pretty_bytes(recommendation)
    key = f"recommendations/{sha256(data)}.json"
    registry.put(key, data)
    pointer = _pointer(recommendation, key, models)
    registry.put(CURRENT, pretty_bytes(pointer))
    return pointer


def _pointer(recommendation: Document, key: str, models: Sequence[Release]) -> Document:
    current: dict[str, dict[str, str]] = {}
    for model in models:
        current.setdefault(model.service, {})[model.metric] = model.key
    copied = {name: recommendation[name] for name in ("run_id", "generated_at", "valid_until")}
    return {"schema": CURRENT_SCHEMA, **copied, "recommendation": key, "models": current}
