"""The steps of the generated pipelines, from which the kfp SDK makes lightweight components."""

# ruff: noqa: PTH123  # a lightweight component holds the source of its function alone, so nothing is imported above it
from typing import NamedTuple

from kfp import dsl


def load(source: str, rows: int, table: dsl.Output[dsl.Dataset]) -> int:
    """Read at most `rows` rows from `source` into a table; gives how many there were."""
    with open(source) as lines, open(table.path, "w") as kept:
        taken = [line for line, _ in zip(lines, range(rows), strict=False)]
        kept.writelines(taken)
    return len(taken)


def clean(table: dsl.Input[dsl.Dataset], threshold: float, cleaned: dsl.Output[dsl.Dataset]) -> float:
    """Drop rows with fewer fields than the share `threshold` of the widest; gives the share that was kept."""
    with open(table.path) as lines:
        found = [line.rstrip("\n").split(",") for line in lines]
    widest = max(map(len, found), default=0)
    kept = [row for row in found if len(row) >= threshold * widest]
    with open(cleaned.path, "w") as target:
        target.writelines(",".join(row) + "\n" for row in kept)
    return len(kept) / len(found) if found else 0.0


def fit(cleaned: dsl.Input[dsl.Dataset], horizon: int, model: dsl.Output[dsl.Model]) -> float:
    """The mean of the last `horizon` values of the last column, as a model; gives the mean."""
    with open(cleaned.path) as lines:
        values = [float(line.rsplit(",", 1)[-1]) for line in lines][-horizon:]
    mean = sum(values) / len(values) if values else 0.0
    with open(model.path, "w") as target:
        target.write(repr(mean))
    return mean


def judge(model: dsl.Input[dsl.Model], cleaned: dsl.Input[dsl.Dataset], threshold: float) -> NamedTuple(
    "Verdict", [("accepted", bool), ("error", float)]
):
    """Whether the mean absolute error of a model stays below a threshold."""
    with open(model.path) as text, open(cleaned.path) as lines:
        mean = float(text.read())
        errors = [abs(float(line.rsplit(",", 1)[-1]) - mean) for line in lines]
    error = sum(errors) / len(errors) if errors else 0.0
    return error <= threshold, error


def publish(model: dsl.Input[dsl.Model], accepted: bool, owner: str, labels: dict) -> str:
    """Where a model would be kept."""
    state = "accepted" if accepted else "refused"
    return "/".join([owner, state, *(f"{name}={value}" for name, value in sorted(labels.items())), model.uri])


STEPS = (load, clean, fit, judge, publish)
