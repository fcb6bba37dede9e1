"""What a team writes without this repository: for each trigger in turn the runs upstream, and whether each has its run.

With kfp_server_api, as the SDK does it; it keeps nothing, looks at one page of each list, and starts nothing.
"""

import hashlib
import json
import sys

import kfp_server_api


def main(host: str, count: int) -> None:
    """Look at the first `count` triggers: each pipeline runs after the one of a tenth of its number."""
    api = kfp_server_api.ApiClient(kfp_server_api.Configuration(host=host))
    pipelines, runs = kfp_server_api.PipelineServiceApi(api), kfp_server_api.RunServiceApi(api)
    for number in range(1, count + 1):
        upstream = pipelines.pipeline_service_get_pipeline_by_name(f"pipeline-{(number - 1) // 10:04}")
        listed = runs.run_service_list_runs(sort_by="created_at desc", page_size=100).runs or []
        ended = [one for one in listed if one.state == "SUCCEEDED" and _is_of(one, upstream.pipeline_id)]
        for one in ended or listed[:10]:
            _there(runs, number, one.run_id)


def _is_of(run: kfp_server_api.V2beta1Run, pipeline_id: str) -> bool:
    reference = run.pipeline_version_reference
    return bool(reference and reference.pipeline_id == pipeline_id)


def _there(runs: kfp_server_api.RunServiceApi, number: int, cause: str) -> bool:
    name = f"pipeline-{number:04}-after-{hashlib.sha256(cause.encode()).hexdigest()[:16]}"
    predicate = {"operation": "EQUALS", "key": "display_name", "string_value": name}
    wanted = json.dumps({"predicates": [predicate]})
    return bool(runs.run_service_list_runs(filter=wanted, page_size=1).runs)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
