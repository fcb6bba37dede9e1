"""Small pipelines as IR, and how tests send things."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import kfp
import yaml
from kfp_gitops.devserver import DevServer


def ir(name: str = "churn", **changes: Any) -> dict[str, Any]:
    """One task; takes an optional `behave` for the fake executor, and `n` with a default."""
    inputs = {
        "behave": {"parameterType": "STRING", "isOptional": True},
        "n": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3},
    }
    return {
        "components": {"comp-a": {"executorLabel": "exec-a"}},
        "deploymentSpec": {"executors": {"exec-a": {"container": {"image": "busybox", "command": ["true"]}}}},
        "pipelineInfo": {"name": name},
        "root": {
            "dag": {"tasks": {"a": {"componentRef": {"name": "comp-a"}, "taskInfo": {"name": "a"}}}},
            "inputDefinitions": {"parameters": inputs},
        },
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.0",
        **changes,
    }


PLATFORM = {
    "platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-a": {"imagePullPolicy": "Always"}}}}}
}


def text(*documents: Any) -> bytes:
    return yaml.safe_dump_all(documents or [ir()]).encode()


class Raw:
    """Plain HTTP, for what the client would never send."""

    def __init__(self, url: str) -> None:
        self.address = urlsplit(url).netloc

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON (or bytes, when it is none)."""
        status, _, data = self.full(method, path, body, **headers)
        try:
            return status, json.loads(data)
        except ValueError:
            return status, data

    def full(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        path = path.replace("api:", "/apis/v2beta1", 1) if path.startswith("api:") else path
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, path, content, {k.replace("_", "-"): v for k, v in headers.items()})
            reply = connection.getresponse()
            return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()
        finally:
            connection.close()

    def upload(self, path: str, data: bytes, field: str = "uploadfile") -> tuple[int, Any]:
        body = (
            b'--XX\r\nContent-Disposition: form-data; name="' + field.encode() + b'"; filename="p.yaml"\r\n'
            b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n--XX--\r\n"
        )
        return self.send("POST", path, body, Content_Type="multipart/form-data; boundary=XX")


def connect(server: DevServer) -> kfp.Client:
    """With a namespace, so that the constructor asks nothing."""
    return kfp.Client(host=server.url, namespace="team")
