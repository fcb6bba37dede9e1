"""Settings as older kfp and kfp-kubernetes wrote them: what was compiled with one of these keeps its digest.

KFP's driver reads both forms and takes the newer one where both are there (backend/src/v2/driver/k8s.go and driver.go,
2.17.0), so a run has the same of either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from kfp_gitops.compiling.compiler import surfaced
from kfp_gitops.language.manifest.model import OlderForm

Node = dict[str, Any]
NAMED: Mapping[str, str] = {
    "secretAsEnv": "secretNameParameter",
    "secretAsVolume": "secretNameParameter",
    "configMapAsEnv": "configMapNameParameter",
    "configMapAsVolume": "configMapNameParameter",
    "imagePullSecret": "secretNameParameter",
    "pvcMount": "pvcNameParameter",
}
"""The lists of settings that name an object of Kubernetes, and where they do so since kfp-kubernetes 1.5."""
ENVIRONMENT = ("secretAsEnv", "configMapAsEnv")
VOLUMES = ("secretAsVolume", "configMapAsVolume")
NUMBERS: Mapping[str, str] = {
    "cpuRequest": "resourceCpuRequest",
    "cpuLimit": "resourceCpuLimit",
    "memoryRequest": "resourceMemoryRequest",
    "memoryLimit": "resourceMemoryLimit",
}
"""Cores and GB as numbers, and the texts that stand beside them since kfp 2.10."""
DEVICES: Mapping[str, str] = {"type": "resourceType", "count": "resourceCount"}


def written(documents: list[Node], forms: Iterable[OlderForm]) -> list[Node]:
    """The documents of an IR, changed in place."""
    for form in forms:
        _FORMS[form](documents)
    return documents


def items(documents: list[Node], kinds: Iterable[str]) -> Iterator[tuple[str, Node]]:
    """The settings of all executors that are in lists of these kinds."""
    for document in documents[1:]:
        executors = document.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {})
        for asked in executors.get("executors", {}).values():
            yield from ((kind, one) for kind in kinds for one in asked.get(kind, ()))


def resources(documents: list[Node]) -> Iterator[Node]:
    """What the containers of all executors are given."""
    for executor in documents[0].get("deploymentSpec", {}).get("executors", {}).values():
        if found := executor.get("container", {}).get("resources"):
            yield found


def defaults(documents: list[Node]) -> Iterator[Node]:
    """The inputs that have one, of the pipeline and of its components."""
    spec = documents[0]
    for component in (spec.get("root", {}), *spec.get("components", {}).values()):
        declared = component.get("inputDefinitions", {}).get("parameters", {})
        yield from (one for one in declared.values() if "defaultValue" in one)


def _names(documents: list[Node]) -> None:
    for kind, one in items(documents, NAMED):
        one.pop(NAMED[kind], None)


def _unsaid(kinds: Iterable[str]) -> Callable[[list[Node]], None]:
    def leave_out(documents: list[Node]) -> None:
        for _, one in items(documents, kinds):
            if one.get("optional") is False:
                del one["optional"]

    return leave_out


def _numbers(documents: list[Node]) -> None:
    for asked in resources(documents):
        for part, pairs in ((asked, NUMBERS), (asked.get("accelerator", {}), DEVICES)):
            for older, newer in pairs.items():
                if older in part:
                    part.pop(newer, None)


def _metrics(documents: list[Node]) -> None:
    surfaced.added(documents[0])


def _uncalled(documents: list[Node]) -> None:
    for one in defaults(documents):
        one.pop("isOptional", None)


_FORMS: Mapping[OlderForm, Callable[[list[Node]], None]] = {
    "names": _names,
    "environment": _unsaid(ENVIRONMENT),
    "volumes": _unsaid(VOLUMES),
    "resources": _numbers,
    "metrics": _metrics,
    "defaults": _uncalled,
}
