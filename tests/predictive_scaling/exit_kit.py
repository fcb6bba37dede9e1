"""The exit task, and a release that was published before it."""

import json

from predictive_scaling import steps
from predictive_scaling.recommend.publishing import Release, publish
from predictive_scaling.store.opening import open_registry
from test_pushgateway import MEMORY, MODEL, document

NOW = "2026-11-24T05:00:00Z"
SUCCEEDED = steps.Ending("SUCCEEDED", started="2026-11-24T04:58:20Z", mode="publish")


def end(tmp_path, ending, registry, now=NOW, run_id="run-1"):
    found = steps.cleanup(str(tmp_path / "summary"), ending, registry, run_id, now)
    assert json.loads((tmp_path / "summary").read_text()) == found
    return found


def released(registry, run_id="run-0", generated_at="2026-11-23T21:00:00Z"):
    models = [Release("checkout", "cpu", f'{{"run":"{run_id}"}}'.encode())]
    recommendation = {**document(checkout=(MODEL, MEMORY)), "run_id": run_id, "generated_at": generated_at}
    return publish(open_registry(registry), recommendation, models)
