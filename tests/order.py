"""The order of test files when several workers share them: what takes long is begun first, so that all end together."""

from __future__ import annotations

import pytest
from project import HERE

# Files that take more than some seconds on two cores, the longest first. Forgetting one costs time and nothing else.
LONGEST = (
    "documents/test_readme.py",
    "rendering/delivery/test_workflows.py",
    "devserver/test_devserver_cache.py",
    "commands/test_new.py",
    "operations/test_night.py",
    "operations/test_other_pages.py",
    "reconcile/test_swap.py",
    "predictive_scaling/test_pipelines_end_to_end.py",
    "rendering/delivery/test_preview_workflow.py",
    "rendering/delivery/test_review_workflow.py",
    "documents/upgrade/test_upgrade.py",
    "operate/runs/test_run_local_cached.py",
    "review/promotion/test_provenance.py",
    "rendering/delivery/test_required_plan.py",
    "rendering/delivery/test_job_command.py",
    "rendering/delivery/test_every_merge_is_delivered.py",
    "reconcile/approved/test_movements.py",
    "review/caching/test_on_the_server.py",
    "base/stopping/test_signals.py",
    "base/stopping/test_stopped_swap.py",
    "rendering/delivery/test_job_metrics.py",
    "rendering/delivery/test_reconciler_image.py",
    "review/promotion/test_promotion_end_to_end.py",
    "review/caching/test_readers.py",
    "reconcile/clocked/test_swap_server.py",
    "predictive_scaling/test_forecasting_page.py",
    "review/promotion/test_history.py",
    "operate/runs/test_run_local.py",
    "rendering/render/test_bounds.py",
    "predictive_scaling/test_usage_defects.py",
    "review/diff/test_mutations.py",
    "review/policy/test_policy.py",
    "review/diff/test_diff.py",
    "compiling/compile/test_fuzz.py",
    "devserver/test_devserver_thousand.py",
    "rendering/delivery/test_fork.py",
    "predictive_scaling/test_reforecast.py",
    "reconcile/test_reconcile_server.py",
    "bench/test_bench.py",
    "review/diff/test_diff_edges.py",
    "predictive_scaling/test_what_passes_is_waited_for.py",
    "local/localrun/test_localrun_semantics.py",
    "review/forge/test_forge.py",
    "rendering/render/test_render.py",
    "operate/runs/test_run.py",
    "predictive_scaling/test_monitoring.py",
    "predictive_scaling/test_s3_server.py",
    "predictive_scaling/test_image.py",
    "operate/previews/test_up.py",
    "operate/previews/test_killed.py",
    "test_tests.py",
    "commands/test_environments_page.py",
    "predictive_scaling/test_scaling_steps.py",
    "local/localrun/test_localrun_command.py",
    "operate/operations/test_again.py",
    "reconcile/test_hijacked_server.py",
    "compiling/compile/test_manifests_compile.py",
    "predictive_scaling/test_model_registry.py",
    "predictive_scaling/test_graceful_failure.py",
    "reconcile/approved/test_continued.py",
    "operate/runs/test_runtree.py",
    "review/promotion/test_promote.py",
    "predictive_scaling/test_prometheus_source.py",
    "review/policy/test_secret_patterns.py",
)
_PLACES = {HERE / name: number for number, name in enumerate(LONGEST)}


def arrange(items: list[pytest.Item]) -> None:
    """Bring the longest files to the front; tests of one file, and all other files, keep their order."""
    items.sort(key=lambda item: _PLACES.get(item.path, len(_PLACES)))
