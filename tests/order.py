"""The order of test files when several workers share them: what takes long is begun first, so that all end together."""

from __future__ import annotations

import pytest
from project import HERE

# Files that take more than some seconds on two cores, the longest first. Forgetting one costs time and nothing else.
LONGEST = (
    "review/caching/test_on_the_server.py",
    "rendering/delivery/test_workflows.py",
    "commands/test_new.py",
    "documents/test_readme.py",
    "documents/upgrade/test_upgrade.py",
    "commands/test_demo.py",
    "predictive_scaling/test_pipelines_end_to_end.py",
    "predictive_scaling/test_image.py",
    "rendering/delivery/test_job_command.py",
    "rendering/delivery/test_job_metrics.py",
    "rendering/delivery/test_reconciler_image.py",
    "bench/test_bench.py",
    "bench/test_forecast_bench.py",
    "reconcile/test_crash.py",
    "base/stopping/test_signals.py",
    "base/stopping/test_stopped_swap.py",
    "reconcile/test_swap.py",
    "predictive_scaling/test_s3_server.py",
    "operate/runs/test_run_local.py",
    "operate/runs/test_run_local_cached.py",
    "devserver/test_devserver_cache.py",
    "rendering/render/test_bounds.py",
    "review/diff/test_diff.py",
    "review/promotion/test_promotion_end_to_end.py",
    "rendering/delivery/test_every_merge_is_delivered.py",
    "reconcile/test_reconcile_server.py",
    "devserver/test_devserver_thousand.py",
    "compiling/compile/test_fuzz.py",
    "compiling/compile/test_traps.py",
    "predictive_scaling/test_what_passes_is_waited_for.py",
    "reconcile/locking/test_lease.py",
    "rendering/delivery/test_fork.py",
    "rendering/delivery/test_minimal_rights.py",
    "operate/runs/test_run.py",
    "predictive_scaling/test_forecasting_page.py",
    "predictive_scaling/test_usage_defects.py",
    "local/localrun/test_localrun_semantics.py",
    "kfpserver/kfpapi/test_transport.py",
    "rendering/render/test_render.py",
    "sources/brought/test_brought.py",
)
_PLACES = {HERE / name: number for number, name in enumerate(LONGEST)}


def arrange(items: list[pytest.Item]) -> None:
    """Bring the longest files to the front; tests of one file, and all other files, keep their order."""
    items.sort(key=lambda item: _PLACES.get(item.path, len(_PLACES)))
