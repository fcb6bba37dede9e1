"""Steps that release: publish, fall back."""
# ruff: noqa: PLR0913, PLR0917 -- a step has as many parameters as its component

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from predictive_scaling._console import say
from predictive_scaling.clock import resolve_now
from predictive_scaling.documents import Document, pretty_bytes, read_document, write_bytes
from predictive_scaling.publishing import PUBLISH, Release, accepted_models, publish, require_mode
from predictive_scaling.pushing import push_recommendation, pushgateway
from predictive_scaling.recommendation import PlanOptions, Recommender, fallback_share
from predictive_scaling.run_archive import archive_run
from predictive_scaling.store import open_registry
from predictive_scaling.tables import read_table
from predictive_scaling.training_tables import FORECAST_COLUMNS
from predictive_scaling.validation import CLEAN_COLUMNS


def publish_recommendation(
    clean: str,
    forecasts: Sequence[str],
    models: Sequence[str],
    evaluation: str,
    recommendation: str,
    options: PlanOptions,
    mode: str,
    registry: str,
    run_id: str,
    now_override: str = "",
) -> float:
    """Merge accepted forecasts and constants into one document; mode `publish` also releases it to the registry.

    Gives the share of entries that no model serves.
    """
    require_mode(mode, registry)
    judged = read_document(evaluation)
    tables = [read_table(path, FORECAST_COLUMNS) for path in forecasts]
    forecast = pd.concat([table for table in tables if not table.empty] or tables[:1], ignore_index=True)
    recommender = Recommender(options, run_id, resolve_now(now_override))
    document = recommender.merged(read_table(clean, CLEAN_COLUMNS), forecast, judged)
    files = {"source.csv.gz": clean} | {f"predictions-{at}.csv": path for at, path in enumerate(forecasts)}
    _release(document, accepted_models(models, judged), recommendation, mode, registry, files)
    return fallback_share(document)


def fallback_recommendation(
    clean: str,
    recommendation: str,
    services: Sequence[str],
    reason: str,
    options: PlanOptions,
    mode: str,
    registry: str,
    run_id: str,
    now_override: str = "",
) -> None:
    """Recommend constants from usage alone; without usable data, a valid document that recommends nothing."""
    require_mode(mode, registry)
    recommender = Recommender(options, run_id, resolve_now(now_override))
    document = recommender.fallback_only(read_table(clean, CLEAN_COLUMNS), services, reason)
    _release(document, [], recommendation, mode, registry, {"source.csv.gz": clean})


def _release(
    document: Document,
    models: Sequence[Release],
    path: str,
    mode: str,
    registry: str,
    files: Mapping[str, str],
) -> None:
    write_bytes(path, pretty_bytes(document))
    share = fallback_share(document)
    until = document["valid_until"]
    say(f"{len(document['services'])} services, {share:.0%} of entries without a model, valid until {until}")
    if mode == PUBLISH:
        opened = open_registry(registry)
        archive_run(opened, publish(opened, document, models), files)
    gateway = pushgateway()
    if gateway:
        push_recommendation(gateway, document, with_floors=mode == PUBLISH)
