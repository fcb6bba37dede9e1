"""OpenStack Swift with its S3 API: a server that checks signatures, keeps what it acknowledged, and may be killed.

It comes from PyPI into an environment of its own, one per content of swift.lock and kept on this machine, for its
requirements are none of ours. Sources: Swift's own etc/*-server.conf-sample; s3api with tempauth per its manual.
"""

from __future__ import annotations

import contextlib
import errno
import getpass
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from bench import clean
from botocore.config import Config
from tools import missing

from servers.process import ServerProcess, answers, free_port, listens

HERE = Path(__file__).parent
ACCESS_KEY, SECRET_KEY = "test:tester", "testing"
BUCKET = "mlpipeline"
_STORAGE = ("account", "container", "object")
_FILTERS = (
    "catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth slo dlo "
    "versioned_writes symlink"
)


def programs() -> Path:
    """Folder of Swift's programs; installed on first use (seconds), then kept in the user's cache."""
    try:
        return clean.from_lock(HERE / "swift.lock") / "bin"
    except (OSError, subprocess.CalledProcessError) as error:
        missing(f"Swift cannot be installed: {error}")


class SwiftServer:
    """Proxy, account, container and object server on one device, below one folder."""

    def __init__(self, folder: Path, certificate: Path | None = None) -> None:
        """`certificate` is a PEM file with chain and key; with it the server speaks TLS alone."""
        self.folder, self.bin = folder, programs()
        self._certificate = certificate
        self._ports = {name: free_port() for name in (*_STORAGE, "proxy")}
        self._configure()
        self._processes = [self._process(name) for name in (*_STORAGE, "proxy")]

    @property
    def url(self) -> str:
        """Endpoint for S3 clients."""
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self._ports['proxy']}"

    def start(self) -> None:
        """Start all four and wait until the proxy and the storage answer."""
        for process in self._processes:
            process.start()
        try:
            for process, name in zip(self._processes, (*_STORAGE, "proxy"), strict=True):
                process.wait_until(self._ready(name))
        except BaseException:
            self.kill()
            raise

    def _ready(self, name: str) -> Callable[[], bool]:
        port = self._ports[name]
        tls = name == "proxy" and self._certificate
        return listens(port) if tls else answers(f"http://127.0.0.1:{port}/healthcheck")

    def kill(self) -> None:
        """End all four without warning; what is on disk stays."""
        for process in self._processes:
            process.kill()

    def lists_late(self, act: Callable[[], object]) -> None:
        """What is done in `act` no list shows, as where the updates of Swift's lists are on their way; objects do."""
        lists, kept = self.folder / "devices/d1/containers", self.folder / "lists-before"
        shutil.copytree(lists, kept)
        act()
        (server,) = (process for process in self._processes if process.name == "container")
        server.kill()
        shutil.rmtree(lists)
        kept.rename(lists)
        server.start()
        server.wait_until(self._ready("container"))

    def _process(self, name: str) -> ServerProcess:
        command = [str(self.bin / "python"), str(self.bin / f"swift-{name}-server")]
        return ServerProcess(name, [*command, str(self.folder / f"{name}-server.conf")], self.folder)

    def _configure(self) -> None:
        device = self.folder / "devices/d1"
        device.mkdir(parents=True)
        _require_attributes(device)
        rings = [f"{name}={self._ports[name]}" for name in _STORAGE]
        script = [str(self.bin / "python"), str(HERE / "swift_rings.py"), str(self.folder), *rings]
        subprocess.run(script, check=True, capture_output=True)
        self._write("swift.conf", "[swift-hash]\nswift_hash_path_suffix = tests\n")
        for name in _STORAGE:
            self._write(f"{name}-server.conf", self._storage(name))
        self._write("proxy-server.conf", self._proxy())

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def _default(self, name: str) -> str:
        pairs = {
            "bind_ip": "127.0.0.1",
            "bind_port": self._ports[name],
            "workers": 0,
            "user": getpass.getuser(),
            "swift_dir": self.folder,
            "devices": self.folder / "devices",
            "mount_check": "false",
            "fallocate_reserve": 0,  # else it refuses all where less than a hundredth of the disk is free
            "log_level": "WARNING",
        }
        return "[DEFAULT]\n" + "".join(f"{key} = {value}\n" for key, value in pairs.items())

    def _storage(self, name: str) -> str:
        pipeline = f"[pipeline:main]\npipeline = healthcheck {name}-server\n"
        return f"{self._default(name)}{pipeline}[app:{name}-server]\nuse = egg:swift#{name}\n{_filter('healthcheck')}"

    def _proxy(self) -> str:
        tls = (
            f"cert_file = {self._certificate}\nkey_file = {self._certificate}\n" if self._certificate else ""
        )
        pipeline = f"[pipeline:main]\npipeline = {_FILTERS} proxy-server\n"
        # There is one device: to leave it alone for a minute, as one that was slow, would be to answer nothing.
        patience = "conn_timeout = 20\nnode_timeout = 60\nerror_suppression_limit = 1000000\n"
        proxy = f"[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\n{patience}"
        filters = "".join(map(_filter, _FILTERS.split()))
        user, _, name = ACCESS_KEY.partition(":")
        users = filters.replace("#tempauth\n", f"#tempauth\nuser_{user}_{name} = {SECRET_KEY} .admin\n")
        versions = users.replace("#versioned_writes\n", "#versioned_writes\nallow_object_versioning = true\n")
        return self._default("proxy") + tls + pipeline + proxy + versions


def s3_client(server: SwiftServer) -> Any:
    """A client of the tests' own, to see from outside what the library did."""
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name="us-east-1",
        verify=False,
        # On a busy machine Swift asks for patience: 503.
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 10, "mode": "standard"}),
    )


def make_bucket(client: Any, name: str) -> None:
    """A bucket for a test; where Swift was too busy to answer, the client asked again for what was made already."""
    with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=name)


def _filter(name: str) -> str:
    entry = "memcache" if name == "cache" else name
    return f"[filter:{name}]\nuse = egg:swift#{entry}\n"


def _require_attributes(device: Path) -> None:
    """Swift keeps metadata in extended attributes, which not every file system has."""
    try:
        os.setxattr(device, "user.swift.test", b"1")
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM):
            raise
        missing("the file system of the temporary folder has no user attributes")
