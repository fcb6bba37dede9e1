"""KFP wrapper of the step `publish_recommendation`."""
# ruff: noqa: PLR0913, PLR0917, B006 -- the component's interface; KFP reads its defaults

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Model, Output


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def publish_recommendation(
    clean: Input[Dataset],
    validation: Input[Artifact],
    forecast_cpu: Input[Dataset],
    forecast_memory: Input[Dataset],
    model_cpu: Input[Model],
    model_memory: Input[Model],
    evaluation: Input[Artifact],
    recommendation: Output[Artifact],
    proposal: Output[Artifact],
    report: Output[HTML],
    error_log: Output[Artifact],
    shapes: Input[Artifact] = None,
    judged: Input[HTML] = None,
    services: dict = {},
    events: list = [],
    mode: str = "forecast_only",
    headroom: float = 1.15,
    block_hours: int = 4,
    target_utilisation: float = 0.7,
    max_headroom: float = 1.45,
    memory_headroom: float = 1.05,
    lead_minutes: int = 10,
    floor_budget: float = 1.28,
    registry: str = "",
    run_id: str = "",
    now_override: str = "",
    keep_models: bool = False,
    forecast_load: Input[Dataset] = None,
    model_load: Input[Model] = None,
    release: str = "",
    usage_source: str = "",
) -> NamedTuple("Outputs", [("fallback_share", float), ("success", bool)]):
    """Merge accepted forecasts and constants for the rest into one recommendation.

    Args:
        clean: Repaired rows from validate_data, of failing services too.
        validation: Findings from validate_data, whose reasons are noted.
        forecast_cpu: Forecasts of cpu from train_model.
        forecast_memory: Forecasts of memory from train_model.
        model_cpu: Models of cpu from train_model.
        model_memory: Models of memory from train_model.
        evaluation: Decisions from validate_model.
        shapes: What the services are, from fetch_usage; with another source there is none.
        services: What people say of them, over that; such as {checkout: {container: app, cores: 0.5, max: 40, kind:
            Deployment}}. A service whose replicas' cores nothing says gets no floor.
        events: Known events: their floors, or their factor on what is forecast, count while they last.
        mode: forecast_only computes and shows; publish also writes to the registry and pushes floors; pull-request
            also writes to the registry, with the proposal.
        headroom: What the plan of cpu is in proportion to, at least 1: the higher, the fewer hours are over it.
        block_hours: Hours that share one capacity.
        target_utilisation: Share of a replica's cores to use, 0-1.
        max_headroom: What raising the quiet hours may make of p95 over the whole plan, at a headroom of 1.15; 1
            raises none.
        memory_headroom: Factor on what memory is planned to need, at least 1.
        lead_minutes: How long before its hour a floor counts, 0-60.
        floor_budget: The most that floors may make of the pods without them, as a factor, at least 1.
        registry: s3://bucket/prefix or a folder, for models and recommendations.
        run_id: Identity of the run, noted in the recommendation.
        now_override: Instant to treat as now (ISO 8601 with zone), for backtests; empty means the clock.
        keep_models: Models in force stay so beside the new ones, for a run that trains none.
        forecast_load: Forecasts of the load, where it is forecast.
        model_load: Models of the load.
        judged: The page of validate_model, where there is one; the report takes it in.
        release: Digest of the release that the pipeline was rendered from, for the report.
        usage_source: Where the usage is from, in words or as its address, for the report; a password in it is left out.

    Returns:
        recommendation: The document predictive-scaling/v1, JSON.
        proposal: Folder of patches for a GitOps pull request, replica floors and memory requests; YAML.
        report: The forecast report: what would be done against today's, and how good the forecasts are; HTML.
        error_log: What was wrong with the data, by service and metric; JSON.
        fallback_share: Share of service and metric entries that no model serves, 0-1.
        success: Whether a model serves any entry.
    """
    from predictive_scaling import tasks as steps
    from predictive_scaling.plan import PlanOptions

    return steps.publish_recommendation(
        clean.path,
        validation.path,
        [forecast_cpu.path, forecast_memory.path, *([forecast_load.path] if forecast_load else [])],
        [model_cpu.path, model_memory.path, *([model_load.path] if model_load else [])],
        evaluation.path,
        recommendation.path,
        proposal.path,
        PlanOptions(
            headroom,
            block_hours,
            target_utilisation,
            max_headroom=max_headroom,
            memory_headroom=memory_headroom,
            floor_budget=floor_budget,
        ),
        mode,
        registry,
        run_id,
        now_override,
        keep_models=keep_models,
        error_log=error_log.path,
        around=steps.Surroundings(
            services, shapes.path if shapes else "", lead_minutes=lead_minutes, events=events
        ),
        report=steps.Report(report.path, judged.path if judged else "", release, usage_source),
    )
