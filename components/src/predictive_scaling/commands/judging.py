"""Arguments that steps share: of validation, training, gates and plan, with their defaults."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from predictive_scaling.backtest.evaluation import Gates
from predictive_scaling.backtest.training import TrainingOptions
from predictive_scaling.commands.inputs import add_input
from predictive_scaling.models import COMPLEXITY, ModelOptions
from predictive_scaling.recommend.plan import PlanOptions
from predictive_scaling.usage.per_pod import CONTAINER, SERVICE
from predictive_scaling.usage.validation import ValidationRules


def add_rules(parser: ArgumentParser) -> None:
    """What is read, and when it passes."""
    rules = ValidationRules()
    add_input(parser)
    parser.add_argument("--now", default="", help="instant to treat as now, such as 2026-11-23T04:00:00Z")
    parser.add_argument(
        "--freq", default=rules.freq, help="sampling step, such as 5min or 1h (default %(default)s)"
    )
    parser.add_argument(
        "--min-records",
        type=int,
        default=rules.min_records,
        help="rows of 5 minutes that a service must have; of a coarser step as many fewer (default %(default)s)",
    )
    parser.add_argument(
        "--quality-threshold",
        type=float,
        default=rules.quality_threshold,
        help="share of a metric's rows that must be usable, 0 to 1 (default %(default)s)",
    )
    parser.add_argument(
        "--min-days",
        type=int,
        default=rules.min_days,
        help="days of history that a metric must have (default %(default)s)",
    )
    parser.add_argument(
        "--stale-action",
        choices=["fail", "warn"],
        default=rules.stale_action,
        help="what newest rows that are too old do; of old files give --now instead (default %(default)s)",
    )
    parser.add_argument(
        "--memory-of",
        choices=[CONTAINER, SERVICE],
        default=CONTAINER,
        help="service: memory is a sum over pods, divided by the column replicas",
    )
    parser.add_argument(
        "--implausible",
        choices=["fail", "warn"],
        default=rules.implausible,
        help="what numbers do that can be no cores or bytes (default %(default)s)",
    )


def chosen_rules(found: Namespace) -> ValidationRules:
    """What `add_rules` was given."""
    return ValidationRules(
        freq=found.freq,
        min_records=found.min_records,
        quality_threshold=found.quality_threshold,
        min_days=found.min_days,
        stale_action=found.stale_action,
        implausible=found.implausible,
    )


def add_training(parser: ArgumentParser) -> None:
    """How is forecast, and by which models."""
    options = TrainingOptions()
    parser.add_argument(
        "--horizon-hours",
        type=int,
        default=options.horizon_hours,
        help="how far ahead is forecast (default %(default)s)",
    )
    parser.add_argument(
        "--cv-folds",
        type=int,
        default=options.cv_folds,
        help="days of the past that are forecast to judge by; the first 3 only choose (default %(default)s)",
    )
    parser.add_argument(
        "--candidates",
        nargs="+",
        choices=COMPLEXITY,
        metavar="MODEL",
        default=list(options.candidates),
        help=f"models that compete, of {', '.join(COMPLEXITY)} (default {' '.join(options.candidates)}); "
        "prophet takes most of the time",
    )
    parser.add_argument(
        "--growth",
        choices=["linear", "flat"],
        default="linear",
        help="Prophet's trend (default %(default)s)",
    )


def training_options(found: Namespace) -> TrainingOptions:
    """What `add_training` was given."""
    models = ModelOptions(growth=found.growth)
    return TrainingOptions(found.horizon_hours, found.cv_folds, tuple(found.candidates), models)


def add_gates_and_plan(parser: ArgumentParser) -> None:
    """When a forecast serves alone, and how much more than it says is planned."""
    gates, plan = Gates(), PlanOptions()
    parser.add_argument(
        "--accuracy-threshold",
        type=float,
        default=gates.accuracy_threshold,
        help="least accuracy, 0 to 1, of a forecast that serves alone, beside the gates by safety; 0 is no such gate "
        "(default %(default)s)",
    )
    parser.add_argument(
        "--headroom",
        type=float,
        default=plan.headroom,
        help="what the plan of cpu is in proportion to: the higher, the fewer hours are over it (default %(default)s)",
    )
    parser.add_argument(
        "--memory-headroom",
        type=float,
        default=plan.memory_headroom,
        help="factor on what memory is planned to need (default %(default)s)",
    )


def plan_options(found: Namespace) -> PlanOptions:
    """What `add_gates_and_plan` was given; raises InputError."""
    return PlanOptions(found.headroom, memory_headroom=found.memory_headroom)
