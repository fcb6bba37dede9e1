"""Steps that release: publish, fall back, clean up."""
# ruff: noqa: PLR0913, PLR0917 -- a step has as many parameters as its component

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pandas as pd

from predictive_scaling._console import say
from predictive_scaling.clock import resolve_now
from predictive_scaling.documents import Document, pretty_bytes, read_document, write_bytes
from predictive_scaling.errors import InputError, RegistryError
from predictive_scaling.publishing import PUBLISH, Release, accepted_models, publish, require_mode
from predictive_scaling.pushing import push_recommendation, pushgateway
from predictive_scaling.recommendation import PlanOptions, Recommender, fallback_share
from predictive_scaling.store import open_registry
from predictive_scaling.tables import read_table
from predictive_scaling.training_tables import FORECAST_COLUMNS
from predictive_scaling.validation import CLEAN_COLUMNS

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


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
    _release(document, accepted_models(models, judged), recommendation, mode, registry)
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
    _release(document, [], recommendation, mode, registry)


def _release(document: Document, models: Sequence[Release], path: str, mode: str, registry: str) -> None:
    write_bytes(path, pretty_bytes(document))
    share = fallback_share(document)
    until = document["valid_until"]
    say(f"{len(document['services'])} services, {share:.0%} of entries without a model, valid until {until}")
    if mode == PUBLISH:
        publish(open_registry(registry), document, models)
    gateway = pushgateway()
    if gateway:
        push_recommendation(gateway, document, with_floors=mode == PUBLISH)


def cleanup(summary: str, status: Document, registry: str, run_id: str) -> None:
    """Delete the run's temporary objects, then print and write one JSON line with its final state.

    `status` holds plain values such as state and error_message. A registry that does not answer is told in the line
    and fails nothing: a run that did its work is not to be called failed for what it left behind.
    """
    deleted, failure = 0, ""
    try:
        deleted = _delete_temporary(registry, run_id)
    except (InputError, RegistryError) as error:
        failure = str(error)
    found = {"run_id": run_id, **status, "deleted": deleted, "cleanup_error": failure}
    line = json.dumps(found, sort_keys=True, ensure_ascii=False)
    say(line)
    write_bytes(summary, f"{line}\n".encode())


def _delete_temporary(registry: str, run_id: str) -> int:
    """Without a registry or run there is nothing to delete; a strange run id must not widen what is deleted."""
    if not registry or not run_id:
        return 0
    if not RUN_ID.fullmatch(run_id):
        raise InputError(f"{run_id!r} is not a run id")
    return open_registry(registry).delete_under(f"tmp/{run_id}")
