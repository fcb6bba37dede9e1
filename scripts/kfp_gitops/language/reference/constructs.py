"""What the KFP DSL and kfp-kubernetes can say, how a manifest says it, and which test proves it.

Each test is a folder of tests/dsl: a hand-written pipeline and the manifest that compiles to the same IR.
"""

from __future__ import annotations

CONSTRUCTS: tuple[tuple[str, str, str], ...] = (
    (
        "parameters of the six types, defaults, descriptions, `= None`",
        "`spec.parameters`, `optional: true`",
        "parameters",
    ),
    ("outputs of a task as arguments", "`{task: …, output: …}`", "outputs_of_tasks"),
    (
        "constants as arguments",
        "the constant; `{literal: …}` for a map that looks like a reference",
        "constants",
    ),
    (
        "lists and dicts that hold channels",
        "lists and maps that hold references",
        "lists_and_maps_of_references",
    ),
    ("f-strings", "`{concat: […]}`", "text_of_parts"),
    (
        "`dsl.PIPELINE_JOB_…_PLACEHOLDER`, `PIPELINE_TASK_…`",
        "`{run: …}`",
        "facts_of_the_run",
    ),
    ("`dsl.If`", "`if:` and `tasks:`", "if_only"),
    ("`dsl.Else`", "`else:`", "if_else"),
    ("`dsl.Elif`, names of branches", "`elif:`, `displayName:`", "if_elif_else"),
    ("`dsl.If` and `dsl.Elif` without `dsl.Else`", "`elif:` without `else:`", "if_elif_without_else"),
    ("`==` `!=` `<` `<=` `>` `>=`", "`eq` `ne` `lt` `le` `gt` `ge`", "comparisons"),
    ("conditions in conditions", "`if:` inside `tasks:`", "nested_conditions"),
    ("`dsl.ParallelFor` over constants", "`loop: {items: […]}`, `{item: …}`", "loop_over_constants"),
    ("`dsl.ParallelFor` over dicts", "`{item: …, field: …}`", "loop_over_maps"),
    ("`dsl.ParallelFor` over a parameter", "`loop: {items: {param: …}}`", "loop_over_a_parameter"),
    ("`dsl.ParallelFor` over an output", "`loop: {items: {task: …, output: …}}`", "loop_over_an_output"),
    (
        "`List[int]`, `List[Dict[str, float]]` of what is looped over",
        "`itemType:`, `fieldType:`",
        "items_of_a_type",
    ),
    ("loops in loops, `parallelism=`", "`loop:` inside `tasks:`, `parallelism:`", "nested_loops"),
    ("dicts in a group, which the SDK miscompiles", "as everywhere", "loop_over_maps_in_a_condition"),
    ("dicts of mixed types, which the SDK refuses", "as everywhere", "loop_over_maps_of_mixed_types"),
    ("`dsl.Collected` of parameters", "`{collect: {task: …, output: …}}`", "collect_parameters"),
    ("`dsl.Collected` of artifacts", "`{collect: {task: …, output: …}}`", "collect_artifacts"),
    ("`dsl.OneOf` of parameters", "`{oneOf: […]}`", "one_of_parameters"),
    ("`dsl.OneOf` of artifacts", "`{oneOf: […]}`", "one_of_artifacts"),
    (
        "one `dsl.OneOf` that several take",
        "`outputs: {NAME: {oneOf: […]}}` beside `if:`, `{task: …, output: NAME}`",
        "one_of_for_several",
    ),
    (
        "`dsl.ExitHandler`, `PipelineTaskFinalStatus`, `.after(handler)`",
        "`finally:`, the input is filled in",
        "exit_handler",
    ),
    (
        "`PipelineTaskFinalStatus` of a pipeline that is the exit task",
        "`finalStatus: true` of its parameter",
        "exit_pipeline",
    ),
    ("a pipeline as a task", "`pipeline: NAME`, its template beside this one", "nested_pipeline"),
    (
        "artifacts and lists of them into and out of it",
        "`spec.artifacts`, `{artifact: …}`, `spec.outputs`",
        "nested_pipeline_with_artifacts",
    ),
    ("`dsl.importer(reimport=, metadata=)`", "`importer:`", "importer"),
    (
        "references in the keys of `metadata=`",
        "`metadata: [{key: {param: …}, value: …}]`",
        "importer_metadata",
    ),
    (
        "artifact classes with another `schema_title`, `schema_version`",
        "`type: google.TunedModel@2.0.0`",
        "artifact_types",
    ),
    ("`.after(task)`", "`after: […]`", "explicit_order"),
    ("`.ignore_upstream_failure()`", "`ignoreUpstreamFailure: true`", "ignore_upstream_failure"),
    ("`.set_retry(…)`", "`retry:`", "retries"),
    ("`.set_caching_options(…, cache_key=)`", "`cache: true`, `false` or `{key: …}`", "caching"),
    (
        "`.set_display_name(…)`, `display_name=`, `pipeline_root=`",
        "`displayName:`, `spec.pipelineRoot`",
        "root_and_names",
    ),
    ("`.set_cpu_…`, `.set_memory_…`, `.set_accelerator_…`", "`resources:`", "resources"),
    ("the same from parameters and outputs", "references in `resources:`", "resources_from_parameters"),
    ("`.set_env_variable(…)`", "`env: {NAME: text}`", "environment_variables"),
    (
        "`use_secret_as_env`, `use_config_map_as_env`, `use_field_path_as_env`",
        "`env: {NAME: {secret: …, key: …}}`, `configMap`, `field`",
        "environment_from_the_cluster",
    ),
    (
        "`use_secret_as_volume`, `use_config_map_as_volume`, `mount_pvc`",
        "`volumes: {/path: {secret: …}}`, `configMap`, `pvc`",
        "volumes_from_the_cluster",
    ),
    ("`CreatePVC`, `DeletePVC`", "`createPvc:`, `deletePvc:`", "persistent_volume_claims"),
    (
        "`empty_dir_mount`, `add_ephemeral_volume`",
        "`volumes: {/path: {emptyDir: …}}`, `ephemeral`",
        "volumes_of_the_pod",
    ),
    ("`add_toleration`, `add_node_selector`, `add_node_affinity`", "`placement:`", "placement"),
    (
        "`add_toleration_json`, `add_node_selector_json`, `add_node_affinity_json`",
        "`{param: …}` in `placement:`",
        "placement_from_parameters",
    ),
    (
        "the same of constants and outputs",
        "`placement: {nodeSelectorJson: …, nodeAffinityJson: …}`",
        "placement_as_json",
    ),
    (
        "`add_pod_label`, `add_pod_annotation`, `set_image_pull_policy`, `set_image_pull_secrets`",
        "`pod:`, `image:`",
        "pod_and_image",
    ),
    (
        "`set_security_context`, `set_timeout`",
        "`securityContext:`, `timeoutSeconds:`",
        "security_and_timeout",
    ),
    (
        "`dsl.WorkspaceConfig`, `dsl.PipelineConfig`, `download_to_workspace=`",
        "`spec.workspace`, `spec.config`, `downloadToWorkspace: true`",
        "workspace_and_config",
    ),
    (
        "`download_to_workspace=` in a pipeline inside",
        "`spec.workspace` of the outermost",
        "workspace_of_a_nested_pipeline",
    ),
    ("outputs of the pipeline", "`spec.outputs`", "outputs_of_the_pipeline"),
    ("`Returns:` of its docstring", "`{value: …, description: …}` in `spec.outputs`", "described_outputs"),
)

# What is not there, and why.
LEFT_OUT: tuple[tuple[str, str], ...] = (
    (
        "`.set_container_image(…)`",
        "which image runs is a matter of the release, by digest; a run's parameter may not choose it",
    ),
    (
        "`dsl.PIPELINE_ROOT_PLACEHOLDER`",
        "KFP 2.17 hands a step the placeholder itself: `{run: pipeline-root}` is refused",
    ),
    (
        "`.set_debug_pause(…)`",
        "it is the environment variable `ARGO_DEBUG_PAUSE_AFTER` (or `…_BEFORE`, `…_ON_ERROR`): write that in `env`",
    ),
    (
        "`dsl.Condition`, `.set_gpu_limit`, `.add_node_selector_constraint`",
        "deprecated names of `if`, `resources.accelerator` and its `type`",
    ),
    (
        "constants for `add_toleration_json`",
        "the SDK writes them as `add_toleration` does: write `tolerations: [{key: …}]`",
    ),
    (
        "task configurations, notebooks, embedded artifacts (`dsl.TaskConfigPassthrough`, `@dsl.notebook_component`)",
        "they belong to a component: to its `component.py`",
    ),
    (
        "`dsl.ParallelFor` over artifacts",
        "no KFP can do it yet («artifact iterator not implemented yet», 2.17): loop over a list of their names or URIs",
    ),
    (
        "an importer's URI as an f-string",
        "the SDK leaves its own mark of the reference in it, so it does not run",
    ),
    (
        "`and`, `or`, `not` in a condition",
        "KFP has one comparison a condition: put `if` into `if`, or add `elif`",
    ),
)
