"""KFP wrapper of the step `fallback_recommendation`."""
# ruff: noqa: PLR0913, PLR0917, B006, UP006, UP035 -- the component's interface; KFP reads List and its default

from typing import List, NamedTuple

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Output


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def fallback_recommendation(
    clean: Input[Dataset],
    validation: Input[Artifact],
    recommendation: Output[Artifact],
    proposal: Output[Artifact],
    report: Output[HTML],
    error_log: Output[Artifact],
    shapes: Input[Artifact] = None,
    judged: Input[HTML] = None,
    services: dict = {},
    events: list = [],
    only: List[str] = [],
    reason: str = "",
    headroom: float = 1.15,
    mode: str = "forecast_only",
    registry: str = "",
    run_id: str = "",
    now_override: str = "",
    data_failed: bool = False,
    lead_minutes: int = 10,
    floor_budget: float = 1.28,
    keep_models: bool = False,
    release: str = "",
    usage_source: str = "",
) -> NamedTuple("Outputs", [("success", bool)]):
    """Recommend constants from usage alone, for a run in which no forecast can be used.

    Args:
        clean: Repaired rows from validate_data.
        validation: Findings from validate_data, whose reasons are noted.
        shapes: What the services are, from fetch_usage; with another source there is none.
        services: What people say of them, over that; such as {checkout: {container: app, cores: 0.5, max: 40, kind:
            Deployment}}. A service whose replicas' cores nothing says gets no floor.
        events: Known events: their floors, or their factor on what is recommended, count while they last.
        only: Services to recommend for; empty means all.
        reason: Why there is no forecast; noted in the recommendation.
        headroom: Factor on the 90th percentile, at least 1.
        mode: forecast_only computes and shows; publish also writes to the registry and pushes floors; pull-request
            also writes to the registry, with the proposal.
        registry: s3://bucket/prefix or a folder, for recommendations.
        run_id: Identity of the run, noted in the recommendation.
        now_override: Instant to treat as now (ISO 8601 with zone), for backtests; empty means the clock.
        data_failed: The data is not to be trusted: what was recommended before stays as long as it holds, and so do
            the models in force.
        lead_minutes: How long before its hour a floor counts, 0-60.
        floor_budget: The most that floors may make of the pods without them, as a factor, at least 1.
        keep_models: The models in force stay so: for a run that trained none.
        judged: The page of validate_model, where there is one; the report takes it in.
        release: Digest of the release that the pipeline was rendered from, for the report.
        usage_source: Where the usage is from, in words or as its address, for the report; a password in it is left out.

    Returns:
        recommendation: The document predictive-scaling/v1, JSON; without usable data its services are empty.
        proposal: Folder of patches for a GitOps pull request, replica floors and memory requests; YAML.
        report: The forecast report: what would be done against today's, and how good the forecasts are; HTML.
        error_log: What was wrong with the data, by service and metric; JSON.
        success: Whether anything is recommended.
    """
    from predictive_scaling import tasks as steps
    from predictive_scaling.plan import PlanOptions

    success = steps.fallback_recommendation(
        clean.path,
        validation.path,
        recommendation.path,
        proposal.path,
        only,
        reason,
        PlanOptions(headroom=headroom, floor_budget=floor_budget),
        mode,
        registry,
        run_id,
        now_override,
        data_failed=data_failed,
        keep_models=keep_models,
        error_log=error_log.path,
        around=steps.Surroundings(
            services, shapes.path if shapes else "", lead_minutes=lead_minutes, events=events
        ),
        report=steps.Report(report.path, judged.path if judged else "", release, usage_source),
    )
    return (success,)
