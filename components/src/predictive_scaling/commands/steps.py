"""The subcommands of `python -m predictive_scaling`: each calls steps and gives an exit code."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from predictive_scaling import steps
from predictive_scaling.backtest.evaluation import Gates
from predictive_scaling.backtest.training import TrainingOptions
from predictive_scaling.commands.command import Command
from predictive_scaling.commands.consumers import CONSUMERS
from predictive_scaling.commands.doctor import DOCTOR
from predictive_scaling.commands.fetch import FETCH
from predictive_scaling.commands.inputs import LOAD, add_input, tidy_file
from predictive_scaling.commands.judging import (
    add_gates_and_plan,
    add_rules,
    add_training,
    chosen_rules,
    plan_options,
    training_options,
)
from predictive_scaling.commands.propose import PROPOSE
from predictive_scaling.commands.surroundings import add_surroundings, surroundings
from predictive_scaling.models.features import TARGET_COLUMNS, FeatureEngineer
from predictive_scaling.models.load import loaded
from predictive_scaling.usage.tables import read_table

VALIDATE_LESSON = """\
  python -m predictive_scaling validate --input usage.csv.gz --report verdict.md

Each service and each metric is judged by itself; verdict.md says what is wrong with each, and what was repaired.
The rules: docs/forecasting.md, «Validation»; other tools' files and units: docs/usage-data.md.

Exit codes: 0 passed · 1 no service is left, or too many fail; why is on the line · 2 bad usage or bad input."""
RECOMMEND_LESSON = """\
  kubectl kustomize overlays/prod > rendered.yaml
  python -m predictive_scaling recommend --input usage.csv.gz --over rendered.yaml --namespace shop --output out

Replicas are recommended where a replica's CPU request is known: from --services, --over or --shapes, in this order.
In the folder: report.html (what to change against today's, the forecasts and how good they are), recommendation.json
(for `propose`), validation.md. Nothing is pushed as gauges: a pipeline's run does that.

Exit codes: 0 done · 1 the data did not pass, and constants of the past are recommended · 2 bad usage or bad input ·
4 the registry failed."""


def _validate_arguments(parser: ArgumentParser) -> None:
    add_rules(parser)
    parser.add_argument("--report", help="write the Markdown report here")
    parser.add_argument("--clean", help="write the repaired rows here, gzipped")


def _validate(found: Namespace) -> int:
    with TemporaryDirectory() as folder, tidy_file(found) as raw:
        clean, report = found.clean or f"{folder}/clean", found.report or f"{folder}/report"
        result = steps.validate_data(
            str(raw),
            clean,
            f"{folder}/validation",
            report,
            chosen_rules(found),
            found.now,
            memory_of=found.memory_of,
        )
    return 0 if result.passed else 1


def _features_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--input", required=True, help="repaired rows, as `validate --clean` writes them")
    parser.add_argument("--output", required=True, help="hourly features, CSV")
    parser.add_argument(
        "--services", nargs="*", default=[], metavar="NAME", help="these alone (default: all)"
    )
    parser.add_argument(
        "--window-days",
        type=int,
        default=FeatureEngineer().window_days,
        help="newest days that are kept (default %(default)s)",
    )


def _features(found: Namespace) -> int:
    steps.engineer_features(found.input, found.output, found.services, "1h", found.window_days)
    return 0


def _train_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--input", required=True, help="hourly features, as `features` writes them")
    parser.add_argument("--output", required=True, help="folder for model/, cv.csv.gz and forecast.csv")
    parser.add_argument("--metric", required=True, choices=tuple(TARGET_COLUMNS), help="what is forecast")
    parser.add_argument("--service", default="", help="train this service alone")
    add_training(parser)


def _train(found: Namespace) -> int:
    _train_into(found.input, Path(found.output), found.metric, found.service, training_options(found))
    return 0


def _train_into(features: str, folder: Path, metric: str, service: str, options: TrainingOptions) -> None:
    cv, forecast = str(folder / "cv.csv.gz"), str(folder / "forecast.csv")
    steps.train_model(features, str(folder / "model"), cv, forecast, metric, service, options)


def _recommend_arguments(parser: ArgumentParser) -> None:
    add_rules(parser)
    add_training(parser)
    parser.add_argument(
        "--output", required=True, help="folder for recommendation.json, report.html and the rest"
    )
    add_gates_and_plan(parser)
    parser.add_argument("--registry", default="", help="also publish to this folder or s3://bucket/prefix")
    parser.add_argument(
        "--run-id", default="by-hand", help="name of this run in what is written (default %(default)s)"
    )
    add_surroundings(parser)


def _recommend(found: Namespace) -> int:
    """All steps in order, as the pipeline runs them."""
    around = surroundings(found)
    around.merged()  # what is wrong there is told before the work, not after it
    around.known_events()
    out, options = Path(found.output), training_options(found)
    gates = Gates(accuracy_threshold=found.accuracy_threshold)
    plan_options(found)  # what is wrong there, too
    clean, features = str(out / "clean.csv.gz"), str(out / "features.csv")
    validation, verdict = str(out / "validation.json"), str(out / "validation.md")
    with tidy_file(found) as raw:
        rules, of = chosen_rules(found), found.memory_of
        checked = steps.validate_data(str(raw), clean, validation, verdict, rules, found.now, memory_of=of)
    if not checked.passed:
        _fall_back(found, around, clean, validation, checked.reason)
        return 1
    window = FeatureEngineer().window_days
    steps.engineer_features(clean, features, checked.services, "1h", window, validation, events=around.events)
    has_load = bool(loaded(read_table(features, ("timestamp", "service"))))
    metrics = tuple(TARGET_COLUMNS)[: 3 if has_load else 2]
    for metric in metrics:
        _train_into(features, out / metric, metric, "", options)
    _release(found, around, gates, metrics)
    return 0


def _release(found: Namespace, around: steps.Surroundings, gates: Gates, metrics: Sequence[str]) -> None:
    out = Path(found.output)
    cv, forecasts, models = (
        [str(out / metric / name) for metric in metrics] for name in ("cv.csv.gz", "forecast.csv", "model")
    )
    evaluation, report = (
        str(out / "evaluation.json"),
        str(out / "report.html"),
    )  # once more below, with all of it
    features = str(out / "features.csv")
    validation = str(out / "validation.json")
    inputs = cv[0], cv[1], forecasts[0], forecasts[1], features
    load = dict(zip(("cv_load", "forecast_load"), (*cv[2:], *forecasts[2:]), strict=False))
    steps.validate_model(*inputs, evaluation, report, gates, validation=validation, **load)
    steps.publish_recommendation(
        str(out / "clean.csv.gz"),
        str(out / "validation.json"),
        forecasts,
        models,
        evaluation,
        str(out / "recommendation.json"),
        str(out / "proposal"),
        plan_options(found),
        _mode(found),
        found.registry,
        found.run_id,
        found.now,
        around=around,
        report=steps.Report(report, report, source=found.input),
    )


def _fall_back(
    found: Namespace, around: steps.Surroundings, clean: str, validation: str, reason: str
) -> None:
    out = Path(found.output)
    steps.fallback_recommendation(
        clean,
        validation,
        str(out / "recommendation.json"),
        str(out / "proposal"),
        [],
        reason,
        plan_options(found),
        _mode(found),
        found.registry,
        found.run_id,
        found.now,
        data_failed=True,
        around=around,
        report=steps.Report(str(out / "report.html"), source=found.input),
    )


def _mode(found: Namespace) -> str:
    return "publish" if found.registry else "forecast_only"


def _summarize_arguments(parser: argparse.ArgumentParser) -> None:
    add_input(parser)


def _summarize(found: Namespace) -> int:
    with TemporaryDirectory() as folder, tidy_file(found) as data:
        steps.summarize_usage(str(data), f"{folder}/summary")
    return 0


COMMANDS = (
    DOCTOR,
    FETCH,
    LOAD,
    Command("summarize", "Print usage statistics by service", _summarize_arguments, _summarize),
    Command("validate", "Judge and repair usage data", _validate_arguments, _validate, VALIDATE_LESSON),
    Command("features", "Make hourly features from repaired rows", _features_arguments, _features),
    Command("train", "Backtest candidates, train champions, forecast", _train_arguments, _train),
    PROPOSE,
    CONSUMERS,
    Command(
        "recommend",
        "Run all steps and write a recommendation",
        _recommend_arguments,
        _recommend,
        RECOMMEND_LESSON,
    ),
)
