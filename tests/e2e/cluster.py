"""Deliver to a real Kubernetes, as Argo CD would: both images built from the Dockerfiles, the rendered objects applied.

Each environment has a namespace under Pod Security `restricted`, and a development server as its KFP: a process of
this machine that the pods reach by the Service `ml-pipeline`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from deliver import sync, up
from kube import Failed, read, tell
from place import ENVIRONMENTS, host, space_of, stop
from shown import more

_EPILOG = """what it wants of the machine:
  kubectl, whose KUBECONFIG names a cluster that may be used: two namespaces kfp-gitops-e2e-… are made, and deleted
  NODE_ADDRESS   an address of this machine that the cluster's pods reach (the development servers listen on it)
  LOAD_IMAGE     a command that gives the image NAME:TAG, its last argument, to the cluster and prints NAME@sha256:…
  BUILD_IMAGE    builds an image (default: buildah bud; or: docker build), with its options, such as
                 --build-arg BASE=… where the base that the Dockerfiles name cannot be had
  prometheus-pushgateway, which takes what the Jobs push

  example: NODE_ADDRESS=10.250.0.1 LOAD_IMAGE=./load-image make e2e E2E_ON=cluster"""


def down() -> None:
    for env in ENVIRONMENTS:
        stop(f"server-{env}")
        space_of(env).delete()
    stop("pushgateway")


def diagnose() -> None:
    for env in ENVIRONMENTS:
        tell(json.dumps(read("--namespace", space_of(env).name, "get", "jobs,pods,events"), indent=1))


_COMMANDS: dict[str, Callable[..., Any]] = {
    "up": up, "host": lambda env: tell(host(env)), "sync": sync, "more": more, "down": down, "diagnose": diagnose,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="cluster",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=sorted(_COMMANDS))
    parser.add_argument("argument", nargs="?", help="REPOSITORY of up, ENV of host and sync")
    asked = parser.parse_args()
    try:
        _COMMANDS[asked.command](*([asked.argument] if asked.argument else []))
    except Failed as error:
        sys.stderr.write(f"{error}\n")
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
