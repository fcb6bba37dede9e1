"""Steps that release: publish, fall back."""
# ruff: noqa: PLR0913, PLR0917 -- a step has as many parameters as its component

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from predictive_scaling.backtest.training_tables import FORECAST_COLUMNS
from predictive_scaling.base.clock import iso, resolve_now
from predictive_scaling.base.console import say
from predictive_scaling.base.documents import Document, pretty_bytes, read_document, write_bytes
from predictive_scaling.base.errors import MissingObjectError
from predictive_scaling.proposals.releasing import propose, run_files
from predictive_scaling.proposals.writing import write_files
from predictive_scaling.recommend.evidence import Evidence
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.recommend.publishing import (
    FORECAST_ONLY,
    PUBLISH,
    PULL_REQUEST,
    Release,
    accepted_models,
    current_pointer,
    publish,
    require_mode,
    require_namespace,
)
from predictive_scaling.recommend.recommendation import Recommender, fallback_share
from predictive_scaling.recommend.run_archive import archive_run
from predictive_scaling.shapes.shape import Shape
from predictive_scaling.steps.data import refused_metrics
from predictive_scaling.steps.ending import in_force
from predictive_scaling.steps.faults import Fault, from_services, write_error_log
from predictive_scaling.steps.noting import tell_notes
from predictive_scaling.steps.showing import Report
from predictive_scaling.steps.surroundings import Surroundings
from predictive_scaling.steps.unheard import noted, over, unheard_of
from predictive_scaling.store.opening import open_registry
from predictive_scaling.tell.logs import log
from predictive_scaling.tell.pushing import deliver
from predictive_scaling.usage.tables import read_table
from predictive_scaling.usage.validation import CLEAN_COLUMNS, SERVICE_NAME


class Published(NamedTuple):
    """Share of service and metric entries that no model serves, and whether any is served."""

    fallback_share: float
    success: bool


def publish_recommendation(
    clean: str,
    validation: str,
    forecasts: Sequence[str],
    models: Sequence[str],
    evaluation: str,
    recommendation: str,
    proposal: str,
    options: PlanOptions,
    mode: str,
    registry: str,
    run_id: str,
    now_override: str = "",
    *,
    keep_models: bool = False,
    error_log: str = "",
    around: Surroundings | None = None,
    report: Report | None = None,
) -> Published:
    """Merge accepted forecasts and constants into one document; the modes but forecast_only also release it.

    With `keep_models` the models in force stay so beside the new ones: for a run that trains none. `around` is what is
    known of the services; without a size of its own a service gets no replicas. `report` is the page of all
    that, where one is asked for.
    """
    require_mode(mode, registry)
    now = resolve_now(now_override)
    judged = read_document(evaluation)
    tables = [read_table(path, FORECAST_COLUMNS) for path in forecasts]
    forecast = pd.concat([table for table in tables if not table.empty] or tables[:1], ignore_index=True)
    recommender = _recommender(options, run_id, now, around)
    evidence = _evidence(clean, validation, registry, recommender.place.namespace)
    document = noted(recommender.merged(evidence, forecast, judged), evidence.end(now), now)
    shapes = [*recommender.shapes.shapes.values()]
    if report:
        report.write(document, shapes, evidence.clean, validation, judged)
    files = {"source.csv.gz": clean} | {f"predictions-{at}.csv": path for at, path in enumerate(forecasts)}
    paths = _Paths(recommendation, proposal, files)
    accepted = accepted_models(models, judged, iso(now))
    unheard = _release(document, accepted, paths, mode, registry, shapes, now, keep_models=keep_models)
    share = fallback_share(document)
    faults = [*unheard, *from_services(document), *_odd(recommender)]
    success = write_error_log(error_log, faults, success=share < 1 and not over(document, now))
    return Published(share, success)


def fallback_recommendation(
    clean: str,
    validation: str,
    recommendation: str,
    proposal: str,
    services: Sequence[str],
    reason: str,
    options: PlanOptions,
    mode: str,
    registry: str,
    run_id: str,
    now_override: str = "",
    *,
    data_failed: bool = False,
    keep_models: bool = False,
    error_log: str = "",
    around: Surroundings | None = None,
    report: Report | None = None,
) -> bool:
    """Recommend constants from usage alone; without usable data, a valid document that recommends nothing.

    `data_failed` says that the data was not to be trusted: then what was recommended before stays, as long as it
    holds, and so do the models in force. These stay with `keep_models`, too: a run that trains none must not take those
    of a training that ended while it ran. Gives whether anything is recommended.
    """
    require_mode(mode, registry)
    now = resolve_now(now_override)
    recommender = _recommender(options, run_id, now, around)
    evidence = _evidence(clean, validation, registry, recommender.place.namespace)
    document = recommender.fallback_only(evidence, services, reason, data_failed=data_failed)
    document = noted(document, evidence.end(now), now)
    shapes = [*recommender.shapes.shapes.values()]
    if report:
        report.write(document, shapes, evidence.clean, validation)
    paths = _Paths(recommendation, proposal, {"source.csv.gz": clean})
    kept = data_failed or keep_models
    unheard = _release(document, [], paths, mode, registry, shapes, now, keep_models=kept)
    faults = [Fault(reason), *unheard, *from_services(document), *_odd(recommender)]
    recommends = bool(document["services"]) and not over(document, now)
    return write_error_log(error_log, faults, success=recommends)


def _recommender(
    options: PlanOptions, run_id: str, now: datetime, around: Surroundings | None
) -> Recommender:
    known = around or Surroundings()
    return Recommender(options, run_id, now, known.merged(), known.place(), events=known.known_events())


def _odd(recommender: Recommender) -> list[Fault]:
    """What does not fit between values, manifests and cluster; why there is no shape stands in the entry itself."""
    found = recommender.shapes
    return [Fault(text, name, "cpu") for name, text in sorted(found.told.items()) if name in found.shapes]


def _evidence(clean: str, validation: str, registry: str, namespace: str) -> Evidence:
    previous = _previous(registry) if registry else None
    require_namespace(previous, namespace)
    # What is no service's name was told by validation; no recommendation can be addressed to it.
    refused = {key: why for key, why in refused_metrics(validation).items() if SERVICE_NAME.fullmatch(key[0])}
    return Evidence.of(read_table(clean, CLEAN_COLUMNS), refused, previous)


def _previous(registry: str) -> Document | None:
    """What is in force; a registry that does not answer raises, one without a release has none."""
    try:
        return in_force(open_registry(registry))
    except MissingObjectError:
        return None


@dataclass(frozen=True)
class _Paths:
    """Where the document and the proposal go, and the files to archive with the run by name."""

    recommendation: str
    proposal: str
    archived: Mapping[str, str]


def _release(
    document: Document,
    models: Sequence[Release],
    paths: _Paths,
    mode: str,
    registry: str,
    shapes: Iterable[Shape],
    now: datetime,
    *,
    keep_models: bool,
) -> list[Fault]:
    """Write, release and push it as the mode has it; gives what is to be told of that."""
    write_bytes(paths.recommendation, pretty_bytes(document))
    proposed = run_files(document, shapes)
    write_files(Path(paths.proposal), {}, proposed)
    share = fallback_share(document)
    until = document["valid_until"]
    say(f"{len(document['services'])} services, {share:.0%} of entries without a model, valid until {until}")
    tell_notes(document)
    unheard = list(unheard_of(document, mode, now))
    for fault in unheard:
        say(f"{fault.service}: {fault.reason}" if fault.service else fault.reason)
        log("not acted on", level=logging.WARNING, **asdict(fault))
    if over(document, now):  # what was released before may still hold
        return unheard
    if mode != FORECAST_ONLY:
        opened = open_registry(registry)
        kept = current_pointer(opened) if keep_models else None
        archive_run(opened, publish(opened, document, models, kept), paths.archived)
    if mode == PULL_REQUEST:
        propose(open_registry(registry), document, proposed)
    deliver(document, with_floors=mode == PUBLISH)
    return unheard
