"""The subcommands of `python -m predictive_scaling`: each calls steps and gives an exit code."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

from predictive_scaling import steps
from predictive_scaling.backtest.evaluation import Gates
from predictive_scaling.backtest.training import TrainingOptions
from predictive_scaling.base.console import say
from predictive_scaling.base.documents import read_document
from predictive_scaling.commands.command import Command
from predictive_scaling.commands.consumers import CONSUMERS
from predictive_scaling.commands.fetch import FETCH
from predictive_scaling.commands.surroundings import add_surroundings, surroundings
from predictive_scaling.models import COMPLEXITY, ModelOptions
from predictive_scaling.models.features import FeatureEngineer
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.recommend.proposal import write_tree
from predictive_scaling.usage.checks import METRICS
from predictive_scaling.usage.per_pod import CONTAINER, SERVICE
from predictive_scaling.usage.sources import local_file
from predictive_scaling.usage.validation import ValidationRules

INPUT = "usage CSV (timestamp, service, cpu, memory; may be gzipped): a path, s3://bucket/key, sample:smd_servers_5min"


def _add_rules(parser: ArgumentParser) -> None:
    rules = ValidationRules()
    parser.add_argument("--input", required=True, help=INPUT)
    parser.add_argument("--now", default="", help="instant to treat as now, such as 2026-11-23T04:00:00Z")
    parser.add_argument("--freq", default=rules.freq, help="sampling step (default %(default)s)")
    parser.add_argument("--min-records", type=int, default=rules.min_records)
    parser.add_argument("--quality-threshold", type=float, default=rules.quality_threshold)
    parser.add_argument("--min-days", type=int, default=rules.min_days)
    parser.add_argument("--stale-action", choices=["fail", "warn"], default=rules.stale_action)
    parser.add_argument(
        "--memory-of",
        choices=[CONTAINER, SERVICE],
        default=CONTAINER,
        help="service: memory is a sum over pods, divided by the column replicas",
    )


def _rules(found: Namespace) -> ValidationRules:
    return ValidationRules(
        freq=found.freq,
        min_records=found.min_records,
        quality_threshold=found.quality_threshold,
        min_days=found.min_days,
        stale_action=found.stale_action,
    )


def _add_training(parser: ArgumentParser) -> None:
    options = TrainingOptions()
    parser.add_argument("--horizon-hours", type=int, default=options.horizon_hours)
    parser.add_argument("--cv-folds", type=int, default=options.cv_folds)
    parser.add_argument("--candidates", nargs="+", choices=COMPLEXITY, default=list(options.candidates))
    parser.add_argument("--growth", choices=["linear", "flat"], default="linear")


def _options(found: Namespace) -> TrainingOptions:
    models = ModelOptions(growth=found.growth)
    return TrainingOptions(found.horizon_hours, found.cv_folds, tuple(found.candidates), models)


def _validate_arguments(parser: ArgumentParser) -> None:
    _add_rules(parser)
    parser.add_argument("--report", help="write the Markdown report here")
    parser.add_argument("--clean", help="write the repaired rows here, gzipped")


def _validate(found: Namespace) -> int:
    with TemporaryDirectory() as folder, local_file(found.input) as raw:
        clean, report = found.clean or f"{folder}/clean", found.report or f"{folder}/report"
        result = steps.validate_data(
            str(raw),
            clean,
            f"{folder}/validation",
            report,
            _rules(found),
            found.now,
            memory_of=found.memory_of,
        )
    return 0 if result.passed else 1


def _features_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--input", required=True, help="repaired rows, as `validate --clean` writes them")
    parser.add_argument("--output", required=True, help="hourly features, CSV")
    parser.add_argument("--services", nargs="*", default=[])
    parser.add_argument("--window-days", type=int, default=FeatureEngineer().window_days)


def _features(found: Namespace) -> int:
    steps.engineer_features(found.input, found.output, found.services, "1h", found.window_days)
    return 0


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--input", required=True, help="hourly features, as `features` writes them")
    parser.add_argument("--output", required=True, help="folder for model/, cv.csv.gz and forecast.csv")
    parser.add_argument("--metric", required=True, choices=METRICS)
    parser.add_argument("--service", default="", help="train this service alone")
    _add_training(parser)


def _train(found: Namespace) -> int:
    _train_into(found.input, Path(found.output), found.metric, found.service, _options(found))
    return 0


def _train_into(features: str, folder: Path, metric: str, service: str, options: TrainingOptions) -> None:
    cv, forecast = str(folder / "cv.csv.gz"), str(folder / "forecast.csv")
    steps.train_model(features, str(folder / "model"), cv, forecast, metric, service, options)


def _recommend_arguments(parser: ArgumentParser) -> None:
    _add_rules(parser)
    _add_training(parser)
    parser.add_argument(
        "--output", required=True, help="folder for recommendation.json, report.html and the rest"
    )
    parser.add_argument("--accuracy-threshold", type=float, default=Gates().accuracy_threshold)
    parser.add_argument("--registry", default="", help="also publish to this folder or s3://bucket/prefix")
    parser.add_argument("--run-id", default="by-hand")
    add_surroundings(parser)


def _recommend(found: Namespace) -> int:
    """All steps in order, as the pipeline runs them."""
    surroundings(found).merged()  # what is wrong there is told before the work, not after it
    out, options = Path(found.output), _options(found)
    gates = Gates(accuracy_threshold=found.accuracy_threshold)
    clean, features = str(out / "clean.csv.gz"), str(out / "features.csv")
    validation, verdict = str(out / "validation.json"), str(out / "validation.md")
    with local_file(found.input) as raw:
        rules, of = _rules(found), found.memory_of
        checked = steps.validate_data(str(raw), clean, validation, verdict, rules, found.now, memory_of=of)
    if not checked.passed:
        _fall_back(found, clean, validation, checked.reason)
        return 1
    window = FeatureEngineer().window_days
    steps.engineer_features(clean, features, checked.services, "1h", window, validation)
    for metric in METRICS:
        _train_into(features, out / metric, metric, "", options)
    _release(found, gates)
    return 0


def _release(found: Namespace, gates: Gates) -> None:
    out = Path(found.output)
    cv, forecasts, models = (
        [str(out / metric / name) for metric in METRICS] for name in ("cv.csv.gz", "forecast.csv", "model")
    )
    evaluation, report = str(out / "evaluation.json"), str(out / "report.html")
    features = str(out / "features.csv")
    validation = str(out / "validation.json")
    inputs = cv[0], cv[1], forecasts[0], forecasts[1], features
    steps.validate_model(*inputs, evaluation, report, gates, validation=validation)
    steps.publish_recommendation(
        str(out / "clean.csv.gz"),
        str(out / "validation.json"),
        forecasts,
        models,
        evaluation,
        str(out / "recommendation.json"),
        str(out / "proposal"),
        PlanOptions(),
        _mode(found),
        found.registry,
        found.run_id,
        found.now,
        around=surroundings(found),
    )


def _fall_back(found: Namespace, clean: str, validation: str, reason: str) -> None:
    out = Path(found.output)
    steps.fallback_recommendation(
        clean,
        validation,
        str(out / "recommendation.json"),
        str(out / "proposal"),
        [],
        reason,
        PlanOptions(),
        _mode(found),
        found.registry,
        found.run_id,
        found.now,
        data_failed=True,
        around=surroundings(found),
    )


def _propose_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--recommendation", required=True, help="recommendation.json")
    parser.add_argument("--into", required=True, help="folder of patches in a GitOps repository's work tree")


def _propose(found: Namespace) -> int:
    """Higher values that stand there stay: merging the change can only raise a floor."""
    changed = write_tree(read_document(found.recommendation), Path(found.into))
    say("\n".join(f"raised {path}" for path in changed) or "nothing to raise")
    return 0


def _mode(found: Namespace) -> str:
    return "publish" if found.registry else "forecast_only"


def _summarize_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--input", required=True, help=INPUT)


def _summarize(found: Namespace) -> int:
    with TemporaryDirectory() as folder, local_file(found.input) as data:
        steps.summarize_usage(str(data), f"{folder}/summary")
    return 0


COMMANDS = (
    FETCH,
    Command("summarize", "Print usage statistics by service", _summarize_arguments, _summarize),
    Command("validate", "Judge and repair usage data", _validate_arguments, _validate),
    Command("features", "Make hourly features from repaired rows", _features_arguments, _features),
    Command("train", "Backtest candidates, train champions, forecast", _train_arguments, _train),
    Command("propose", "Raise the floors in a GitOps repository's patches", _propose_arguments, _propose),
    CONSUMERS,
    Command("recommend", "Run all steps and write a recommendation", _recommend_arguments, _recommend),
)
