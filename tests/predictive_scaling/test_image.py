"""The image of the steps, as far as it can be shown without an engine: its recipe, its lock, and its entry point."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import copies
import pytest
import yaml
from bench import clean
from project import PROJECT

# An environment of a lock that is new is installed first: minutes on a busy machine, once.
pytestmark = pytest.mark.timeout(1800)
COMPONENTS = PROJECT / "components"
RECIPE = (COMPONENTS / "Dockerfile").read_text("utf-8")
LOCK = COMPONENTS / "requirements.lock"
SAMPLE = COMPONENTS / "src/predictive_scaling/sample/smd_servers_5min.csv.gz"


@pytest.mark.parametrize("recipe", ["components/Dockerfile", "scripts/Dockerfile"])
def test_hadolint_finds_nothing(recipe):
    tool = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([tool, "--no-color", PROJECT / recipe], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_would_find_something(tmp_path):
    """A control: the linter that finds nothing above does look."""
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN sudo true && apt-get install -y x\n")
    tool = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([tool, tmp_path / "Dockerfile"], capture_output=True, text=True, check=False)
    assert {"DL3004", "DL3006", "DL3008"} <= set(re.findall(r"DL\d+", done.stdout))


def instructions(name):
    lines = RECIPE.replace("\\\n", " ").splitlines()
    return [line.removeprefix(f"{name} ").strip() for line in lines if line.startswith(f"{name} ")]


def test_base_is_by_digest_and_the_same_as_the_reconcilers():
    (base,) = instructions("ARG")
    assert re.fullmatch(r"BASE=\S+-slim-\S+@sha256:[0-9a-f]{64}", base)
    assert f"ARG {base}\n" in (PROJECT / "scripts/Dockerfile").read_text("utf-8")
    assert {line.split()[0] for line in instructions("FROM")} == {"${BASE}"}


def test_last_stage_runs_without_root_and_installs_nothing():
    last = RECIPE[RECIPE.rindex("FROM ") :]
    assert "\nUSER 65532:65532\n" in last
    assert "\nRUN " not in last


def test_packages_come_from_the_lock_with_hashes():
    (install,) = (line for line in instructions("RUN") if "pip install" in line)
    assert "--require-hashes" in install and "--requirement /src/requirements.lock" in install
    entries = re.findall(r"^[a-z0-9_.-]+==", LOCK.read_text("utf-8"), re.MULTILINE)
    assert {"kfp==", "prophet==", "boto3==", "requests==", "prometheus-client=="} <= set(entries)


def test_a_wheel_has_every_file_of_the_package_too():
    package = COMPONENTS / "src/predictive_scaling"
    (patterns,) = tomllib.loads((COMPONENTS / "pyproject.toml").read_text())["tool"]["setuptools"][
        "package-data"
    ].values()
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path for path in files if path.suffix != ".py"} == {
        path for pattern in patterns for path in package.glob(pattern)
    }


def test_context_holds_what_is_copied_and_no_more():
    ignored = (COMPONENTS / ".dockerignore").read_text("utf-8").splitlines()
    assert ignored[0] == "*"
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        word.rstrip("/")
        for line in instructions("COPY")
        for word in line.split()[:-1]
        if not line.startswith("--from")
    }
    assert allowed == copied
    assert all((COMPONENTS / path).exists() for path in allowed)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """(interpreter, variables) as the image has them: the lock's packages, the library beside them, nothing else."""
    folder = tmp_path_factory.mktemp("image")
    environment = clean.from_recipe(COMPONENTS / "Dockerfile", COMPONENTS)
    shutil.copytree(
        COMPONENTS / "src/predictive_scaling",
        folder / "package/predictive_scaling",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    copies.compiled_package(COMPONENTS / "src/predictive_scaling", folder / "package/predictive_scaling")
    variables = {
        "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "package"),
        "HOME": str(folder),
        "MPLCONFIGDIR": str(folder / "matplotlib"),
    }
    return clean.python(environment), variables


def run(image, *arguments, cwd):
    python, variables = image
    command = [python, *arguments]
    return subprocess.run(command, env=variables, cwd=cwd, capture_output=True, text=True, check=False)


def test_entry_point_teaches_by_hand(image, tmp_path):
    (entry,) = (json.loads(each) for each in instructions("ENTRYPOINT"))
    (given,) = (json.loads(each) for each in instructions("CMD"))
    done = run(image, *entry[1:], *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "recommend" in done.stdout
    assert "Exit codes" in done.stdout


def test_all_steps_run_on_real_data(image, tmp_path):
    """Two servers of the sample, with Prophet among the candidates: Stan's binary is in the lock's packages."""
    rows = gzip.decompress(SAMPLE.read_bytes()).decode().splitlines(keepends=True)
    (tmp_path / "usage.csv").write_text("".join([rows[0], *(row for row in rows if ",smd-1-7," in row)]))
    options = ["--input", "usage.csv", "--output", "out", "--now", "2024-02-02T22:10:00Z"]
    options += ["--candidates", "prophet", "snaive_1d", "--cv-folds", "4"]
    done = run(image, "-m", "predictive_scaling", "recommend", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "out/recommendation.json").read_text())
    assert [each["service"] for each in document["services"]] == ["smd-1-7"]
    assert "<svg" in (tmp_path / "out/report.html").read_text()


def test_bucket_and_prometheus_clients_are_there(image, tmp_path):
    options = ["--output", "x", "--url", "http://127.0.0.1:9"]
    code = (
        "import os, sys; os.environ['PREDICTIVE_SCALING_WEB_PATIENCE_SECONDS'] = '0'\n"
        "import predictive_scaling.store.s3\n"
        f"from predictive_scaling.__main__ import main; sys.exit(main(['fetch', *{options!r}]))"
    )
    done = run(image, "-c", code, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (4, "error: Prometheus did not answer: ConnectionError\n")


def test_executor_of_kfp_runs_a_component_as_in_a_pod(image, tmp_path):
    """The container command of the compiled component, as KFP's launcher runs it."""
    document = yaml.safe_load((COMPONENTS / "load_usage/component.yaml").read_text())
    (executor,) = document["deploymentSpec"]["executors"].values()
    container = executor["container"]
    data = {
        "name": "data",
        "uri": str(tmp_path / "data"),
        "type": {"schemaTitle": "system.Dataset"},
        "metadata": {},
    }
    given = {
        "inputs": {
            "parameterValues": {"source": "sample:smd_servers_5min", "required_columns": ["timestamp"]}
        },
        "outputs": {
            "outputFile": str(tmp_path / "executor_output.json"),
            "artifacts": {"data": {"artifacts": [data]}},
            "parameters": {name: {"outputFile": str(tmp_path / name)} for name in ("rows", "services")},
        },
    }
    arguments = [each if each != "{{$}}" else json.dumps(given) for each in container["args"]]
    done = subprocess.run(
        [*container["command"], *arguments],
        env=image[1],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    values = json.loads((tmp_path / "executor_output.json").read_text())["parameterValues"]
    assert values["rows"] == 75830
    assert gzip.decompress((tmp_path / "data").read_bytes()).startswith(b"timestamp,service,cpu,memory")
