"""The restricted Pod Security Standard, rule by rule, as Kubernetes documents it
(kubernetes.io/docs/concepts/security/pod-security-standards, v1.32: baseline and restricted)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import delivered
import pytest
from delivered import ENVIRONMENTS, Object

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
HOST = ("hostNetwork", "hostPID", "hostIPC")
SECCOMP = ("RuntimeDefault", "Localhost")


def violations(pod: Object) -> Iterator[str]:
    """The rules of the restricted standard that a pod spec breaks."""
    yield from (key for key in HOST if pod.get(key))
    for volume in pod.get("volumes", []):
        yield from (f"volume {kind}" for kind in volume if kind != "name" and kind not in VOLUMES)
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        yield from _container(container, pod.get("securityContext", {}))


def _container(container: Object, of_pod: Object) -> Iterator[str]:
    own = container.get("securityContext", {})

    def either(key: str) -> Any:
        return own.get(key, of_pod.get(key))

    capabilities = own.get("capabilities", {})
    rules = {
        "privileged": not own.get("privileged", False),
        "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
        "capabilities.drop": "ALL" in capabilities.get("drop", []),
        "capabilities.add": set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
        "runAsNonRoot": either("runAsNonRoot") is True,
        "runAsUser": either("runAsUser") != 0,
        "seccompProfile": (either("seccompProfile") or {}).get("type") in SECCOMP,
        "hostPort": not any(port.get("hostPort") for port in container.get("ports", [])),
        "procMount": own.get("procMount", "Default") == "Default",
        "sysctls": not of_pod.get("sysctls"),
    }
    yield from (rule for rule, kept in rules.items() if not kept)


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_pods_keep_the_restricted_standard_and_can_write_to_tmp_alone(env: str) -> None:
    found = list(delivered.pods(delivered.of(env)))
    assert {name.removeprefix(f"kfp-gitops-{env}") for name, _ in found} >= {"", "-drift"}
    for _, template in found:
        pod = template["spec"]
        assert list(violations(pod)) == []
        (container,) = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        writable = [mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")]
        assert writable == ["/tmp"]
        assert pod["automountServiceAccountToken"] is False


def _root(pod: Object) -> None:
    pod["securityContext"]["runAsUser"] = 0


def _host_path(pod: Object) -> None:
    pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}})


def _no_seccomp(pod: Object) -> None:
    del pod["securityContext"]["seccompProfile"]


def _capability(pod: Object) -> None:
    pod["containers"][0]["securityContext"]["capabilities"]["add"] = ["SYS_ADMIN"]


@pytest.mark.parametrize(
    ("break_it", "rule"),
    [
        (_root, "runAsUser"),
        (_host_path, "volume hostPath"),
        (_no_seccomp, "seccompProfile"),
        (_capability, "capabilities.add"),
    ],
)
def test_the_check_sees_each_violation(break_it: Callable[[Object], None], rule: str) -> None:
    pod = copy.deepcopy(next(delivered.pods(delivered.of("dev")))[1]["spec"])
    break_it(pod)
    assert list(violations(pod)) == [rule]
