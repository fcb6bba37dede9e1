"""Trains the churn model, as a team writes it that has KFP's SDK alone."""

from typing import List, NamedTuple

from kfp import compiler, dsl, kubernetes
from kfp.dsl import Dataset, Input, Model, Output, component

TAG = "3.11"
BASE = f"python:{TAG}"  # what all of it runs in
PACKAGES = ["pip"]


@component(base_image=BASE)
def load_rows(count: int, rows: Output[Dataset]) -> int:
    """Write the rows that there are.

    Args:
        count: How many.
    """
    import json
    import os

    assert os.environ["DB_PASSWORD"]
    with open(rows.path, "w") as file:
        json.dump(list(range(count)), file)
    return count


# One model for each setting of the grid.
@dsl.component(base_image=BASE, packages_to_install=PACKAGES)
def train(rows: Input[Dataset], depth: int, percent: int, model: Output[Model]) -> float:
    import json

    with open(rows.path) as file:
        values = json.load(file)
    with open(model.path, "w") as file:
        file.write(f"{depth} {percent}")
    return sum(values) * percent / depth


@dsl.component(base_image=BASE)
def choose(scores: List[float]) -> NamedTuple("Outputs", [("best", float), ("good", bool)]):
    return (max(scores), max(scores) > 1)


@dsl.component(base_image=f"python:{TAG}")
def publish(best: float, folder: str) -> str:
    from pathlib import Path

    path = Path(folder, "best.txt")
    path.write_text(str(best))
    return path.name


@dsl.component(base_image=BASE)
def notify(status: dsl.PipelineTaskFinalStatus):
    print(status.state)


@dsl.pipeline(name="churn-training", description="Trains the churn model.")
def churn(folder: str, count: int = 10):
    with dsl.ExitHandler(notify()):
        rows = load_rows(count=count)
        kubernetes.use_secret_as_env(rows, secret_name="db", secret_key_to_env={"password": "DB_PASSWORD"})
        with dsl.ParallelFor([{"depth": 2, "percent": 10}, {"depth": 4, "percent": 50}], parallelism=2) as setting:
            trained = train(rows=rows.outputs["rows"], depth=setting.depth, percent=setting.percent)
            trained.set_memory_limit("1G")
        best = choose(scores=dsl.Collected(trained.outputs["Output"]))
        with dsl.If(best.outputs["good"] == True):  # noqa: E712
            told = publish(best=best.outputs["best"], folder=folder)
            kubernetes.mount_pvc(told, pvc_name="results", mount_path="/mnt/results")


if __name__ == "__main__":
    compiler.Compiler().compile(churn, "churn.yaml")
