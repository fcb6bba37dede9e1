"""Kubernetes' client by name: everything is there, and little of it is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
from project import PROJECT

OURS = "import sys\nfrom kfp_gitops.base import kubernetesclient as ours\n"
WHOLE = "'kubernetes.client.models.v1_pod' in sys.modules"


def _told(script: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", OURS + script], capture_output=True, text=True, check=False, cwd=PROJECT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_what_is_used_is_imported_and_nothing_else() -> None:
    script = f"""
client, config = ours.imported()
assert ours.imported() == (client, config)
lease = client.V1Lease(spec=client.V1LeaseSpec(holder_identity="me"))
text = client.ApiClient().sanitize_for_serialization(lease)
assert text == {{"spec": {{"holderIdentity": "me"}}}}, text
assert client.CoordinationV1Api and client.ApiException and config.load_kube_config and config.ConfigException
assert not hasattr(client, "V1Nonsense")
print({WHOLE}, 'kubernetes.dynamic' in sys.modules)"""
    assert _told(script) == ["False", "False"]


def test_every_name_is_there_and_is_the_one_of_its_module() -> None:
    script = """
import importlib, pathlib
client, _ = ours.imported()
import kubernetes
from kubernetes import watch
assert kubernetes.client is client and kubernetes.watch is watch and kubernetes.dynamic and kubernetes.client.models
names = {package: ours._names(pathlib.Path(sys.modules[package].__file__)) for package in ours._LATE}
for package, places in names.items():
    for name, place in places.items():
        assert getattr(sys.modules[package], name) is getattr(importlib.import_module(place), name), name
print(len(names["kubernetes.client"]) > 600, len(names["kubernetes.client.models"]) > 500)"""
    assert _told(script) == ["True", "True"]


@pytest.mark.parametrize(
    "before",
    [
        "import kubernetes",
        "def otherwise(path): raise ours._Otherwise(path)\nours._names = otherwise",
        "ours._LATE = ('kubernetes.client', 'kubernetes.elsewhere')",
    ],
    ids=["there already", "made otherwise", "laid out otherwise"],
)
def test_else_it_is_imported_as_it_is(before: str) -> None:
    script = f"""
{before}
client, config = ours.imported()
assert "__getattr__" not in vars(client) and client.V1Lease and config.load_kube_config
print({WHOLE})"""
    assert _told(script) == ["True"]
