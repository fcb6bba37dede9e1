"""A pod of a manifest, run on this machine as the kubelet would: its command, its environment, its mounted files.

Its image is what the Dockerfile's own lines make, without the scripts of the repository.

What differs: its paths lie below a folder (`/desired` is `<root>/desired`), and Kubernetes is reached through a
kubeconfig that uses the mounted token, for the client's paths of a pod are fixed.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import copies
import delivered
import kubeconfig
from atomic import Volume
from bench import clean
from delivered import Object
from project import PROJECT
from servers.prepared import Prepared, modules_of, prepared

_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@cache
def image() -> tuple[Path, Path]:
    """(environment, folder of the package) as the reconciler's image has them; made once for all pods."""
    package = Path(tempfile.mkdtemp(prefix="image-"))
    atexit.register(shutil.rmtree, package, ignore_errors=True)
    shutil.copytree(
        PROJECT / "scripts/kfp_gitops", package / "kfp_gitops", ignore=shutil.ignore_patterns("__pycache__")
    )
    copies.compiled_package(PROJECT / "scripts/kfp_gitops", package / "kfp_gitops")
    return clean.from_recipe(PROJECT / "scripts/Dockerfile", PROJECT), package


@contextmanager
def prepared_image() -> Iterator[None]:
    """Meanwhile the command of a pod is a fork of a process that has imported what the image's command imports."""
    _PREPARED.append(ExitStack())
    try:
        yield
    finally:
        _PREPARED.pop().close()
        _process.cache_clear()


@cache
def _process() -> Prepared:
    environment, package = image()
    interpreter = str(environment / "bin/python")
    modules = ("kfp_gitops.commands.reconcile", "kfp_gitops.compiling.compiler.sdk", "kfp_gitops.__main__")
    modules += tuple(modules_of("base", "commands/reconcile", "kfpserver", "operate", "reconcile"))
    modules += ("botocore.client", "botocore.endpoint", "botocore.session")
    # Kubernetes' client reads KUBECONFIG when it is imported: only what it stands on may be here before.
    modules += ("google.auth.transport.requests", "requests_oauthlib", "dateutil.parser")
    return _PREPARED[-1].enter_context(prepared(*modules, interpreter=interpreter, PYTHONPATH=str(package)))


_PREPARED: list[ExitStack] = []


@dataclass(frozen=True)
class Done:
    """How the pod's container ended."""

    code: int
    out: str
    err: str
    message: str


@dataclass
class Pod:
    """One pod template of built manifests; `tokens` are the projected tokens by audience ("" is the API's own).

    `secrets` are the values of Secrets by name and key.
    """

    template: Object
    objects: tuple[Object, ...]
    root: Path
    tokens: dict[str, str]
    kubernetes: str = ""
    mounts: dict[str, Path] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    secrets: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        spec = self.template["spec"]
        (self.container,) = spec["containers"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        for mount in self.container["volumeMounts"]:
            place = self.root / mount["mountPath"].lstrip("/")
            place.mkdir(parents=True)
            self.mounts[mount["mountPath"]] = place
            if "emptyDir" not in volumes[mount["name"]]:
                self.volumes[mount["mountPath"]] = Volume(place)
                self._lay(mount["mountPath"], volumes[mount["name"]])
        (self.root / "dev").mkdir()

    def _lay(self, mounted: str, volume: Object) -> None:
        self.volumes[mounted].write(dict(self._content(volume)))

    def _content(self, volume: Object) -> Iterator[tuple[str, str | bytes]]:
        maps = delivered.config_maps(self.objects)
        maps["kube-root-ca.crt"] = {"ca.crt": ""}
        for source in volume.get("projected", {}).get("sources", []):
            if "configMap" in source:
                yield from delivered.laid(maps[source["configMap"]["name"]], source["configMap"])
            elif "serviceAccountToken" in source:
                found = source["serviceAccountToken"]
                yield found["path"], self.tokens[found.get("audience", "")]
            elif "downwardAPI" in source:
                yield from ((item["path"], "kubeflow") for item in source["downwardAPI"]["items"])
            else:
                raise AssertionError(f"a volume that this kubelet cannot lay: {source}")

    def rotate(self, audience: str, token: str) -> None:
        """What the kubelet does before a token expires: the whole volume is laid anew with another one in it."""
        self.tokens[audience] = token
        for volume in self.template["spec"]["volumes"]:
            for source in volume.get("projected", {}).get("sources", []):
                found = source.get("serviceAccountToken")
                if found and found.get("audience", "") == audience:
                    mount = next(m for m in self.container["volumeMounts"] if m["name"] == volume["name"])
                    self._lay(mount["mountPath"], volume)

    def update(self, objects: tuple[Object, ...]) -> None:
        """What the kubelet does when ConfigMaps have changed."""
        self.objects = objects
        volumes = {volume["name"]: volume for volume in self.template["spec"]["volumes"]}
        for mount in self.container["volumeMounts"]:
            if mount["mountPath"] in self.volumes:
                self._lay(mount["mountPath"], volumes[mount["name"]])

    def run(self, timeout: float = 120, *, anew: bool = False) -> Done:
        """Run the container's command with its arguments, to the end; `anew` starts Python for it."""
        command = [self._here(word) for word in [*self.container["command"], *self.container["args"]]]
        if _PREPARED and not anew:
            assert command[0] == "python"
            command = list(_process().python(*command[1:]))
        done = subprocess.run(
            command,
            env=self._environment(),
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        log = self.root / self.container["terminationMessagePath"].lstrip("/")
        message = log.read_text("utf-8") if log.exists() else ""
        return Done(done.returncode, done.stdout, done.stderr, message)

    def _environment(self) -> dict[str, str]:
        env = {variable["name"]: self._value(variable) for variable in self.container["env"]}
        environment, package = image()
        env |= {"PATH": f"{environment / 'bin'}{os.pathsep}/usr/bin", "PYTHONPATH": str(package)}
        if _ACCOUNT in self.mounts:
            env["KUBECONFIG"] = str(_kubeconfig(self.root, self.kubernetes, self.mounts))
        return env

    def _value(self, variable: Object) -> str:
        if "value" in variable:
            return self._here(variable["value"])
        found = variable["valueFrom"]["secretKeyRef"]
        return self.secrets[found["name"], found["key"]]

    def _here(self, text: str) -> str:
        """A text in which each path of the pod is the path on this machine."""
        for path in [*self.mounts, self.container["terminationMessagePath"]]:
            option, _, value = text.rpartition("=")
            if value == path or value.startswith(f"{path}/"):
                here = self.root / value.lstrip("/")
                return f"{option}={here}" if option else str(here)
        return text


def _kubeconfig(root: Path, url: str, mounts: dict[str, Path]) -> Path:
    return kubeconfig.written(root, url, {"tokenFile": str(mounts[_ACCOUNT] / "token")})
