"""The wrappers: their interface, and that they bring nothing of their own."""

import ast
import importlib.util
import subprocess
import sys

import pytest
from project import PROJECT

INTERFACE = {
    "validate_data": (
        "raw freq min_records quality_threshold min_days max_gap_hours max_stale_hours stale_action max_failed_share "
        "max_services now_override memory_of implausible",
        "clean validation report error_log passed services quality_score reason",
    ),
    "engineer_features": (
        "clean validation services model_freq window_days events",
        "features error_log success",
    ),
    "train_model": (
        "features metric service horizon_hours cv_folds daily_order weekly_order changepoint_prior_scale growth "
        "candidates seed",
        "model cv forecast error_log success",
    ),
    "validate_model": (
        "cv_cpu cv_memory forecast_cpu forecast_memory features validation accuracy_threshold min_skill max_over95 "
        "cv_load forecast_load",
        "metrics evaluation report error_log accepted decision reason",
    ),
    "publish_recommendation": (
        "clean validation forecast_cpu forecast_memory model_cpu model_memory evaluation shapes services events mode "
        "headroom block_hours target_utilisation max_headroom memory_headroom lead_minutes registry run_id "
        "now_override keep_models forecast_load model_load floor_budget judged release usage_source",
        "recommendation proposal report error_log fallback_share success",
    ),
    "forecast_current": (
        "features registry horizon_hours max_age_days now_override every_hours",
        "forecast_cpu forecast_memory model_cpu model_memory evaluation error_log accepted reason "
        "forecast_load model_load",
    ),
    "fallback_recommendation": (
        "clean validation shapes services events only reason headroom mode registry run_id now_override data_failed "
        "lead_minutes floor_budget keep_models judged release usage_source",
        "recommendation proposal report error_log success",
    ),
    "cleanup": (
        "status registry run_id pipeline started mode keep_runs now_override keep_days every_hours",
        "summary",
    ),
    "fetch_usage": (
        "prometheus_url namespace source selector services cpu_query memory_query other_queries service_label days "
        "step chunk_hours registry run_id now_override keep_usage load",
        "data shapes rows services",
    ),
    "load_usage": ("source required_columns", "data rows services"),
    "summarize_usage": ("data", "summary statistics"),
}
# Components that do not belong to the library may stand beside these.
COMPONENTS = [PROJECT / "components" / name for name in sorted(INTERFACE)]


def load(folder):
    spec = importlib.util.spec_from_file_location(f"component_{folder.name}", folder / "component.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, folder.name)


def test_every_component_of_the_library_is_known():
    wrappers = (PROJECT / "components").glob("*/component.py")
    assert {path.parent.name for path in wrappers if "predictive_scaling" in path.read_text()} == set(
        INTERFACE
    )


@pytest.mark.parametrize("folder", COMPONENTS, ids=lambda folder: folder.name)
def test_interface_is_what_the_pipelines_were_written_against(folder):
    spec = load(folder).component_spec
    inputs, outputs = INTERFACE[folder.name]
    assert set(spec.inputs or {}) == set(inputs.split())
    assert set(spec.outputs or {}) == set(outputs.split())
    assert spec.implementation.container.image == "predictive-scaling"


@pytest.mark.parametrize("folder", COMPONENTS, ids=lambda folder: folder.name)
def test_every_input_and_output_is_described(folder):
    spec = load(folder).component_spec
    named = {**(spec.inputs or {}), **(spec.outputs or {})}
    assert [name for name, each in named.items() if not each.description] == []


@pytest.mark.parametrize("folder", COMPONENTS, ids=lambda folder: folder.name)
def test_wrapper_calls_the_step_of_its_name_and_imports_only_the_library(folder):
    tree = ast.parse((folder / "component.py").read_text())
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    imported = {node.module for node in ast.walk(function) if isinstance(node, ast.ImportFrom)}
    called = {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
    assert all(module.split(".")[0] == "predictive_scaling" for module in imported)
    assert f"steps.{folder.name}" in called


def test_library_does_not_know_kfp():
    code = "import sys, predictive_scaling.__main__; sys.exit(any(m.split('.')[0] == 'kfp' for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT / "components" / "src", check=False)
    assert done.returncode == 0


def test_importing_the_steps_does_not_import_prophet_or_boto3():
    code = "import sys, predictive_scaling.steps; sys.exit(bool({'prophet', 'boto3', 'matplotlib'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT / "components" / "src", check=False)
    assert done.returncode == 0


def test_no_pickle_and_no_print_in_the_library():
    for path in (PROJECT / "components" / "src").rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        modules = {
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        assert not {"pickle", "joblib", "cloudpickle"} & modules, path
        assert "print" not in names or path.name == "console.py", path
