"""KFP wrapper of the step `load_usage`."""
# ruff: noqa: B006, UP006, UP035 -- KFP reads List and its default

from typing import List, NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Output


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def load_usage(
    data: Output[Dataset],
    source: str = "sample:smd_servers_5min",
    required_columns: List[str] = ["timestamp", "service", "cpu", "memory"],
) -> NamedTuple("Outputs", [("rows", int), ("services", List[str])]):
    """Load usage data and check its columns; a missing column fails the task with its name.

    Args:
        source: sample:<name> for shipped data, else a path.
        required_columns: Columns that must be there.

    Returns:
        data: The rows, gzipped CSV.
        rows: Number of rows.
        services: Names of the services.
    """
    from predictive_scaling import tasks as steps

    return steps.load_usage(data.path, source, required_columns)
