"""What forecasting every few hours is worth, and what a run of it costs.

Accuracy on the real series that pass validation, by models trained a week ago and updated since: the newest seven days,
each hour from the newest run before it. Floors on the services of the section `acting`, decided every three hours and
daily. Then processor time: a run's steps on made-up services, and fetching from a Prometheus that holds them.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from predictive_scaling import steps
from predictive_scaling.backtest import freshness
from predictive_scaling.backtest.codec import StoredModel, decode
from predictive_scaling.backtest.folds import training_window
from predictive_scaling.backtest.freshness import Aged, by_rhythm
from predictive_scaling.backtest.reforecast import forecast_from
from predictive_scaling.backtest.training import Job, TrainingOptions, train_series
from predictive_scaling.base.documents import sha256
from predictive_scaling.base.series import HOURS_PER_DAY, HourlySeries
from predictive_scaling.recommend.acting.choice import chosen, floor_course, levels_by_hour, outcomes
from predictive_scaling.recommend.acting.past import MINUTES_PER_DAY, MINUTES_PER_HOUR, WARM_UP, Past, ahead
from predictive_scaling.recommend.acting.responses import response
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.usage.fetch import UsageQuery
from predictive_scaling.usage.tables import write_table
from predictive_scaling.usage.validation import ValidationRules

from .acting import plans
from .acting.usage import OPTIONS, Service, services
from .forecast import real_cases
from .house import Figure, Row, Settings

RHYTHMS = (24, 12, 6, 3, 1)
EVERY, WEEK = 3, 7
SERVICES, DAYS = 100, 29
START = 1_704_067_200  # 2024-01-01T00:00:00Z
NAMES = ("cpu_cores:rate5m", "pod_memory_bytes:max", "replicas:count")


def rows(settings: Settings) -> Iterator[Row]:
    """Accuracy, floors, and what it costs."""
    yield _accuracy(settings.size)
    yield _floors(settings.size)
    yield from _cost(settings.folder, settings.size or SERVICES)


def trained(series: HourlySeries, until: int) -> StoredModel | None:
    """The blend as it is trained on what is before an hour."""
    job = Job("s", "cpu", series.between(series.start, until), TrainingOptions(candidates=("blend",)))
    champion = train_series(job).champion
    return None if champion is None else decode(champion.encoded, sha256(champion.encoded))


def _accuracy(limit: int | None) -> Row:
    cases, starts = real_cases(limit)
    aged: dict[int, list[Aged]] = {rhythm: [] for rhythm in RHYTHMS}
    for case in cases:
        series = HourlySeries(starts[case.name], case.values)
        stored = trained(series, series.end - WEEK * HOURS_PER_DAY)
        for rhythm in RHYTHMS if stored else ():
            found = by_rhythm(stored, series, rhythm, series.end - WEEK * HOURS_PER_DAY, WEEK)
            aged[rhythm] += [found] if found else []
    gains = {rhythm: freshness.gain(rhythm, aged[rhythm], aged[HOURS_PER_DAY]) for rhythm in RHYTHMS}
    details = [
        {"a run every … h": str(rhythm), "accuracy": each.accuracy[0], "above p95": each.over95[0]}
        for rhythm, each in gains.items()
        if each
    ]
    mine, daily = (1 - float(line["accuracy"]) for line in (details[RHYTHMS.index(EVERY)], details[0]))
    return Row(
        f"{len(aged[EVERY])} real series, a week of hours: error of a forecast made every {EVERY} h",
        Figure(f"every {EVERY} h", mine, mine),
        Figure("daily", daily, daily),
        unit="of usage",
        note="models trained a week before",
        details=tuple(details),
    )


def shifted(past: Past, hours: int) -> Past:
    """The same, its days beginning so many hours later; the newest that is not whole is left out."""
    if not hours:
        return past
    cut, days = (HOURS_PER_DAY - hours) * MINUTES_PER_HOUR, past.days - 1
    minutes = past.demand[: len(past.demand) - cut][-(WARM_UP + days * MINUTES_PER_DAY) :]
    known = tuple(one and other for one, other in zip(past.known, past.known[1:], strict=False))
    return replace(past, demand=minutes, known=known, first_hour=(past.first_hour + hours) % HOURS_PER_DAY)


def _decided(service: Service, days: int, rates: Sequence[float], every: int) -> np.ndarray:
    """A course of floors, each hour's from the newest decision before it."""
    past = service.past
    hours = past.demand[WARM_UP:].reshape(-1, MINUTES_PER_HOUR).mean(axis=1)
    series = HourlySeries(service.first_hour, hours)
    levels = {day: np.zeros(HOURS_PER_DAY) for day in range(past.days - days, past.days)}
    weekly = {
        day: trained(series, series.start + HOURS_PER_DAY * day)
        for day in range(past.days - days, past.days, WEEK)
    }
    for begin in range(0, HOURS_PER_DAY, every):
        moved = shifted(past, begin)
        table = response(moved, OPTIONS.scaler)
        for at, day in enumerate(levels):
            stored = weekly[max(each for each in weekly if each <= day)]
            expected = _expected(stored, series, series.start + HOURS_PER_DAY * day + begin)
            found = levels_by_hour(moved, table, day, rates[at], expected)
            levels[day][begin : begin + every] = found[:every]
    return ahead(floor_course(past, levels), OPTIONS.lead_minutes)


def _expected(stored: StoredModel | None, series: HourlySeries, origin: int) -> float | None:
    if stored is None:
        return None
    mean = float(forecast_from(stored, training_window(series, origin), HOURS_PER_DAY).p50.mean())
    return mean if np.isfinite(mean) else None


def _floors(limit: int | None) -> Row:
    days = 2 * WEEK
    found = services(days, limit)
    if not found:
        days, found = WEEK, services(WEEK, limit)
    until = [[each.past.until(each.past.days - back) for each in found] for back in range(days, 0, -1)]
    rates = [chosen(known, OPTIONS).rate for known in until]
    made = {
        "autoscaler alone": [np.zeros(len(each.past.demand)) for each in found],
        **{
            f"every {every} h": [_decided(each, days, rates, every) for each in found]
            for every in (24, 6, EVERY)
        },
    }
    pasts = [each.past for each in found]
    newest = [range(past.days - days, past.days) for past in pasts]
    played = dict(zip(made, outcomes(pasts, newest, list(made.values()), plans.autoscaler(5.0)), strict=True))
    alone = played["autoscaler alone"]
    details = [
        {
            "decided": name,
            "unserved %": 100 * float(each.unserved.mean()),
            "pods / alone": float(each.pods.mean() / alone.pods.mean()),
        }
        for name, each in played.items()
    ]
    mine, daily = (float(details[at]["unserved %"]) for at in (3, 1))
    return Row(
        f"{len(found)} services, {days} days, pods ready after 5 min: minutes unserved, floors every {EVERY} h",
        Figure(f"every {EVERY} h", mine, mine),
        Figure("daily", daily, daily),
        unit="% of minutes",
        note=f"at {float(details[3]['pods / alone']) / float(details[1]['pods / alone']):.2f} × its pod-hours",
        details=tuple(details),
    )


def _cost(folder: Path, number: int) -> Iterator[Row]:
    details, path = [], SimpleNamespace(**{name: str(folder / name) for name in (
        "raw", "clean", "validation", "report", "features", "evaluation", "r", "p", "actions"
    )})  # fmt: skip
    registry = str(folder / "registry")
    write_table(_usage(number), path.raw, compress=True)
    train = _run(
        path, registry, f"{pd.Timestamp(START, unit='s') + pd.Timedelta(days=DAYS - 1)}+00:00", train=True
    )
    again = _run(
        path, registry, f"{pd.Timestamp(START, unit='s') + pd.Timedelta(days=DAYS)}+00:00", train=False
    )
    details += [
        {"step": name, "training, s": train.get(name, 0.0), "forecast, s": again[name]} for name in again
    ]
    mine, theirs = sum(again.values()), sum(train.values())
    yield Row(
        f"{number} made-up services, {DAYS} days in steps of 5 min: processor time of a run, without fetching",
        Figure("forecast with the models in force", mine, mine),
        Figure("training", theirs, theirs),
        details=tuple(details),
    )
    with contextlib.suppress(ImportError):
        yield _fetching(folder, number)


def _usage(number: int) -> pd.DataFrame:
    draw, at = np.random.default_rng(1), np.arange(DAYS * 288)
    stamps = pd.to_datetime(START + 300 * at, unit="s", utc=True)
    shape = 1 + 0.5 * np.sin(at / 288 * 2 * np.pi)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "timestamp": stamps,
                    "service": f"s{each:03}",
                    "cpu": (shape + 0.2 * draw.random(len(at))).round(6),
                    "memory": (1e8 * (shape + 0.2 * draw.random(len(at)))).round(),
                }
            )
            for each in range(number)
        ],
        ignore_index=True,
    )


def _timed(spent: dict[str, float], name: str, step: Callable[[], object]) -> object:
    before = sum(os.times()[:4])
    with contextlib.redirect_stdout(None):
        result = step()
    spent[name] = sum(os.times()[:4]) - before
    return result


def _run(path: SimpleNamespace, registry: str, now: str, *, train: bool) -> dict[str, float]:
    """Processor seconds of every step of a run."""
    spent: dict[str, float] = {}
    kinds = {
        kind: [f"{path.r}-{kind}-{m}" for m in ("cpu", "memory")] for kind in ("cv", "forecast", "model")
    }
    rules = ValidationRules(stale_action="warn")
    checked = _timed(
        spent,
        "validate_data",
        lambda: steps.validate_data(path.raw, path.clean, path.validation, path.report, rules, now),
    )
    _timed(
        spent,
        "engineer_features",
        lambda: steps.engineer_features(
            path.clean, path.features, checked.services, "1h", 45, path.validation
        ),
    )
    if train:
        options = TrainingOptions(candidates=("blend",))
        for at, metric in enumerate(("cpu", "memory")):
            model, cv, forecast = (kinds[kind][at] for kind in ("model", "cv", "forecast"))
            _timed(
                spent,
                f"train_model {metric}",
                lambda m=model, c=cv, f=forecast, n=metric: steps.train_model(
                    path.features, m, c, f, n, "", options
                ),
            )
        _timed(
            spent,
            "validate_model",
            lambda: steps.validate_model(
                *kinds["cv"], *kinds["forecast"], path.features, path.evaluation, path.report, steps_gates()
            ),
        )
    else:
        _timed(
            spent,
            "forecast_current",
            lambda: steps.forecast_current(
                path.features, registry, kinds["forecast"], kinds["model"], path.evaluation, 24, 15, now,
                every_hours=float(EVERY),
            ),
        )  # fmt: skip
    around = steps.Surroundings({f"s{each:03}": {"cores": 0.25} for each in range(1000)})
    _timed(
        spent,
        "publish_recommendation",
        lambda: steps.publish_recommendation(
            path.clean, path.validation, kinds["forecast"], kinds["model"], path.evaluation, path.r, path.p,
            PlanOptions(), "publish", registry, "run", now, keep_models=not train, around=around,
            report=steps.Report(path.actions),
        ),
    )  # fmt: skip
    return spent


def steps_gates() -> object:
    """Gates that let everything through: the cost is of models that serve."""
    from predictive_scaling.backtest.evaluation import Gates

    return Gates(accuracy_threshold=0.0, min_skill=-1.0, max_over95=1.0)


def _fetching(folder: Path, number: int) -> Row:
    """Everything, and what is new after three hours, from a Prometheus of recorded series."""
    from servers.prometheus import PrometheusServer, backfill

    backfill("\n".join(_recorded(number)), folder / "prometheus")
    server = PrometheusServer(folder / "prometheus")
    server.start()
    spent: dict[str, float] = {}
    try:
        query = UsageQuery(days=DAYS - 1, namespace="shop", source="rules")
        first, second = (
            pd.Timestamp(START, unit="s") + pd.Timedelta(days=DAYS, hours=h, minutes=-175) for h in (0, 3)
        )
        for name, now, how in (("everything", first, "extend"), ("what is new", second, "extend")):
            began = time.perf_counter()
            _timed(
                spent,
                name,
                lambda now=now, how=how, name=name: steps.fetch_usage(
                    str(folder / "fetched"),
                    server.url,
                    query,
                    str(folder / "kept"),
                    name[:4],
                    f"{now}+00:00",
                    keep_usage=how,
                ),
            )
            spent[f"{name}, wall"] = time.perf_counter() - began
    finally:
        server.kill()
    return Row(
        f"{number} services, {DAYS - 1} days, Prometheus' recorded series: processor time of fetching every {EVERY} h",
        Figure("what is new", spent["what is new"], spent["what is new"]),
        Figure("everything", spent["everything"], spent["everything"]),
        details=tuple({"what": name, "s": value} for name, value in spent.items()),
    )


def _recorded(number: int) -> Iterator[str]:
    draw, at = np.random.default_rng(1), START + 300 * np.arange(DAYS * 288 + 40)
    for name, more, scale in zip(NAMES, ("", ',container="app"', ""), (1.0, 1e8, 5.0), strict=True):
        yield f"# TYPE predictive_scaling:{name} gauge"
        for each in range(number):
            series = (
                f'predictive_scaling:{name}{{namespace="shop",kind="Deployment",service="s{each:03}"{more}}}'
            )
            values = (scale * (1 + 0.2 * draw.random(len(at)))).round(6).tolist()
            yield "\n".join(
                f"{series} {value} {instant}" for value, instant in zip(values, at.tolist(), strict=True)
            )
    yield "# EOF\n"
