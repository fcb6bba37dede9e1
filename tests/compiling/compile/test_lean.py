"""The lean import and the cheap habits change nothing but the time."""

import inspect
import json
import subprocess
import sys
from types import ModuleType
from typing import Any

import pytest
from kfp_gitops.compiling import lean
from project import PROJECT

HELLO = """
from pathlib import Path
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.rendering.rendered import RenderedPipeline
root = Path(sys.argv[1])
specs = {path.parent.name: path.read_text() for path in root.glob("components/*/component.yaml")}
manifest = '''
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: p, description: d, owner: o}
spec:
  tasks:
    one: {component: greet, arguments: {name: x}, env: {A: b}, resources: {cpu: {limit: '1'}}}
    two: {component: count_words, arguments: {text: {task: one, output: greeting}}}
'''
found = compile_pipeline(RenderedPipeline("p", "sha256:0", manifest, specs), "m").digest
"""


def _python(script: str) -> Any:
    paths = f"import json, sys\nsys.path.insert(0, {str(PROJECT / 'scripts')!r})\n"
    argv = [sys.executable, "-c", paths + script, "tests/data/repository"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def plain() -> str:
    """The digest that the SDK as it is compiles to."""
    script = f"""
import inspect, kfp, yaml
from kfp.dsl import pipeline_task, structures
import kfp_gitops.compiling.compiler.made
assert structures.yaml is not yaml and pipeline_task.inspect is not inspect
structures.yaml, pipeline_task.inspect = yaml, inspect
{HELLO}
print(json.dumps(found))"""
    return str(_python(script))


def test_compiling_imports_no_client_and_no_http(plain: str) -> None:
    script = f"""{HELLO}
names = ("kubernetes", "kfp_server_api", "kfp.client", "urllib3", "requests.sessions", "kfp.kubernetes")
print(json.dumps([found, [name for name in names if name in sys.modules]]))"""
    assert _python(script) == [plain, []]


def test_settings_of_a_pod_need_no_client_for_kubernetes_either_and_what_does_finds_it() -> None:
    script = f"""{HELLO.replace("env: {A: b}", "env: {A: {field: spec.nodeName}}")}
lean = ["kfp.kubernetes" in sys.modules, "kubernetes" in sys.modules]
from kfp.kubernetes import node_affinity
term = {{"nodeSelectorTerms": [{{"matchExpressions": [{{"key": "k", "operator": "Exists"}}]}}]}}
node_affinity.validate_node_affinity({{"requiredDuringSchedulingIgnoredDuringExecution": term}})
import kubernetes.client
assert node_affinity.client.V1NodeAffinity is kubernetes.client.V1NodeAffinity
print(json.dumps(lean))"""
    assert _python(script) == [True, False]


def test_everything_of_kfp_works_after_a_lean_import(plain: str) -> None:
    script = f"""{HELLO}
import os, kfp, requests
from kfp import Client, kubernetes
from kfp.client import Client as same
assert Client is same is kfp.Client and kfp.client.Client is Client
assert kfp.dsl.pipeline and kfp.components.load_component_from_text and kfp.compiler.Compiler
from kfp.components import load_yaml_utilities
assert load_yaml_utilities.requests.get is requests.get
assert requests.Session().headers and requests.adapters.HTTPAdapter
assert "_KFP_RUNTIME" not in os.environ
assert not hasattr(kfp, "nonsense")
Client(host="http://127.0.0.1:1", namespace="x")
print(json.dumps(found))"""
    assert _python(script) == plain


def test_a_whole_import_before_is_left_alone(plain: str) -> None:
    script = f"""
import kfp
before = dict(sys.modules)
{HELLO}
assert kfp.Client and "__getattr__" not in vars(kfp)
assert all(sys.modules[name] is module for name, module in before.items())
print(json.dumps(found))"""
    assert _python(script) == plain


def test_when_the_lean_import_fails_the_plain_one_is_done(plain: str) -> None:
    script = f"""
import os
class Breaking:
    def find_spec(self, name, path=None, target=None):
        if name == "kfp.dsl" and os.environ.get("broken"):
            del os.environ["broken"]
            raise RuntimeError("no such trick any more")
sys.meta_path.insert(0, Breaking())
os.environ["broken"] = "yes"
{HELLO}
assert "broken" not in os.environ
import kfp
assert vars(kfp)["Client"] and "__getattr__" not in vars(kfp)
print(json.dumps(found))"""
    assert _python(script) == plain


def test_a_setters_caller_has_the_name_that_the_whole_stack_gives() -> None:
    def setter() -> tuple[str, str]:
        def asking() -> tuple[str, str]:
            return inspect.stack()[1][3], str(lean._two_frames()[1][3])

        return asking()

    assert setter() == ("setter", "setter")


def test_an_sdk_that_looks_otherwise_is_left_as_it_is() -> None:
    structures, pipeline_task = ModuleType("structures"), ModuleType("pipeline_task")
    structures.yaml = other = ModuleType("ruamel")  # type: ignore[attr-defined]  # a name of that module
    lean.make_cheap(structures, pipeline_task)
    assert structures.yaml is other  # type: ignore[attr-defined]  # the same
    assert not hasattr(pipeline_task, "inspect")
