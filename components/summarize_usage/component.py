"""KFP wrapper of the step `summarize_usage`."""

from typing import NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Input, Markdown, Output


@dsl.component(base_image="predictive-scaling", install_kfp_package=False)
def summarize_usage(
    data: Input[Dataset],
    summary: Output[Markdown],
) -> NamedTuple("Outputs", [("statistics", dict)]):
    """Print summary statistics of usage data by service.

    Args:
        data: Usage CSV, plain or gzipped.

    Returns:
        summary: The statistics as a table.
        statistics: service -> figure -> value.
    """
    from predictive_scaling import tasks as steps

    return (steps.summarize_usage(data.path, summary.path),)
