"""The pods of a task: whose log is asked for, and by which name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kfp_gitops.kfpserver.runtree.nodes import Node

DRIVER, DAG_DRIVER = "system-container-driver", "system-dag-driver"
"""The templates of drivers (argocompiler/container.go, dag.go)."""


@dataclass(frozen=True)
class Pod:
    """One try of a task's step, or of the driver before it, in the container `main`.

    Argo names a pod `<workflow>-<template>-<hash of its node>` (util/podname.go GeneratePodName of argo-workflows,
    and KFP's RetrievePodName), and its node without the template.
    """

    name: str
    node: str
    attempt: int
    state: str
    driver: bool = False


def of(nodes: Sequence[Node], template: str, *, driver: bool = False) -> tuple[Pod, ...]:
    """The pods of nodes that follow one another: the tries of each."""
    tries = (one for node in nodes for one in node.tries or [node])
    return tuple(_numbered([one for one in tries if one.state not in ("", "SKIPPED")], template, driver))


def _numbered(tries: Sequence[Node], template: str, driver: bool) -> Iterator[Pod]:
    for attempt, node in enumerate(tries, 1):
        workflow = node.workflow
        name = f"{f'{workflow}-{template}'[:_MOST]}-{node.hash}"
        yield Pod(name, f"{workflow}-{node.hash}", attempt, node.state, driver)


_MOST = 253 - 10 - 1
"""Characters before the hash (podname.go ensurePodNamePrefixLength)."""
