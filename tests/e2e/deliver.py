"""What a fork sets, and what Argo CD does with it: images built, objects applied in order, waited for, pruned last."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator

import yaml
from kube import Document, Failed, apply, kubectl, tell
from place import (
    ENVIRONMENTS,
    PUSHGATEWAY_PORT,
    host_name,
    pushgateway_url,
    repository_path,
    script,
    serve,
    space_of,
    state,
)

_IMAGES = {
    "predictive-scaling": ("components/Dockerfile", "components"),
    "reconciler": ("scripts/Dockerfile", "."),
}


def _build(name: str) -> str:
    """Builds an image, gives it to the cluster; its name there, by digest."""
    dockerfile, context = _IMAGES[name]
    tag = f"localhost/{name}:e2e"
    build = shlex.split(os.environ.get("BUILD_IMAGE", "buildah bud"))
    tell(f"building {tag}")
    subprocess.run(
        [*build, "-t", tag, "-f", dockerfile, context], cwd=repository_path(), check=True, stdout=sys.stderr
    )
    load = shlex.split(os.environ["LOAD_IMAGE"])
    loaded = subprocess.run([*load, tag], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return loaded[-1]


def _inputs(pushgateway: str) -> None:
    """What a fork sets: KFP's address and the namespace of each environment, its registry, no windows for this run."""
    for env in ENVIRONMENTS:
        path = repository_path() / f"environments/{env}/values.yaml"
        values = yaml.safe_load(path.read_text())
        values["kfp"] = {"host": f"http://{host_name(env)}:8888"}
        # Where the Pushgateway's pods are is for the NetworkPolicy alone; here it is a process of this machine.
        where = {
            "namespace": space_of(env).name,
            "podLabels": {"app": "pushgateway"},
            "port": PUSHGATEWAY_PORT,
        }
        values["delivery"] = {"namespace": space_of(env).name, "pushGateway": {"url": pushgateway, **where}}
        path.write_text(yaml.safe_dump(values, sort_keys=False))
    policy = repository_path() / "environments/policy.yaml"
    policy.write_text(policy.read_text().replace("registry\\.example\\.com", "localhost"))


def up(repository: str) -> None:
    missing = [name for name in ("NODE_ADDRESS", "LOAD_IMAGE") if name not in os.environ]
    if missing:
        raise Failed(f"{' and '.join(missing)} must be set: see tests/e2e/cluster --help")
    (state() / "repository").write_text(repository)
    for env in ENVIRONMENTS:
        space_of(env).make()
        serve(env)
    _inputs(pushgateway_url())
    images = [f"--set={name}={_build(name)}" for name in _IMAGES]
    script("image", "--env", "dev", *images)
    script("promote", "--from", "dev", "--to", "prod", "--uncommitted")


def deliver(env: str) -> str:
    """Applied in order; the name of the Job that carries it out."""
    apply(list(_built(env)))
    name: str = apply_job(env)["metadata"]["name"]
    return name


def sync(env: str) -> None:
    """Applied in order, waited for, pruned last."""
    documents = list(_built(env))
    job = deliver(env)
    (state() / f"log-{job}").write_text(space_of(env).completed(job))
    _prune(env, documents)


def _built(env: str) -> Iterator[Document]:
    yield from yaml.safe_load_all(kubectl("kustomize", str(repository_path() / f"manifests/{env}")))


def _prune(env: str, documents: list[Document]) -> None:
    wanted = {f"{document['kind'].lower()}/{document['metadata']['name']}" for document in documents}
    selector = f"app.kubernetes.io/managed-by=kfp-gitops,app.kubernetes.io/instance=kfp-gitops-{env}"
    for kind in ("job", "configmap"):
        for name in sorted(space_of(env).names(kind, selector) - wanted):
            if not _owned(env, name):
                space_of(env).kubectl("delete", name)


def _owned(env: str, name: str) -> bool:
    """By a CronJob: its controller looks after it."""
    return bool(space_of(env).read("get", name)["metadata"].get("ownerReferences"))


def apply_job(env: str) -> Document:
    return next(d for d in _built(env) if d["kind"] == "Job")
