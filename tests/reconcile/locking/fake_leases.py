"""The part of coordination.k8s.io/v1 that a lock needs, over real HTTP, by the API's published rules.

Written from the Kubernetes API reference («Lease v1», «API Concepts: resource versions, conflicts») and
meta/v1 `MicroTime` (RFC3339Micro: six digits of a second, always). Get, create and update are served; every
other verb is 403, as for the Role that we ship.
"""

from __future__ import annotations

import json
import re
import threading
from typing import Any

from kfpapi.stub import Answer, Seen, Stub

_PATH = re.compile(r"/apis/coordination\.k8s\.io/v1/namespaces/([^/?]+)/leases(?:/([^/?]+))?(?:\?.*)?")
_MICRO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(Z|[+-]\d\d:\d\d)")


class FakeLeases:
    """Use `url` as the cluster's address. `broken` is the status that everything is answered with while it is set."""

    def __init__(self) -> None:
        self.leases: dict[tuple[str, str], dict[str, Any]] = {}
        self.broken = 0
        self.drop_next_reply = False
        self._version = 100
        self._lock = threading.Lock()
        self.stub = Stub(self._answer)

    def holder(self, name: str) -> str:
        return str(self.leases["team", name]["spec"].get("holderIdentity") or "")

    def _answer(self, request: Seen) -> Answer:
        if self.broken:
            return _status(self.broken, "ServiceUnavailable", "on order")
        match = _PATH.fullmatch(request.path)
        if match is None or request.method not in ("GET", "POST", "PUT"):
            return _status(403, "Forbidden", f"{request.method} {request.path} is not allowed")
        with self._lock:
            answer = self._handle(request, match[1], match[2] or "")
            if self.drop_next_reply and request.method != "GET":
                self.drop_next_reply = False
                return _status(504, "Timeout", "the effect took place, the answer got lost")
            return answer

    def _handle(self, request: Seen, namespace: str, name: str) -> Answer:
        if request.method == "GET":
            found = self.leases.get((namespace, name))
            return _ok(found) if found else _status(404, "NotFound", f'leases "{name}" not found')
        body = json.loads(request.body)
        name = name or body["metadata"]["name"]
        if problem := _invalid(body["spec"]):
            return _status(*problem)
        current = self.leases.get((namespace, name))
        if request.method == "POST" and current:
            return _status(409, "AlreadyExists", f'leases "{name}" already exists')
        if request.method == "POST" and body["metadata"].get("resourceVersion"):
            return _status(400, "BadRequest", "resourceVersion should not be set on objects to be created")
        if request.method == "PUT" and not current:
            return _status(404, "NotFound", f'leases "{name}" not found')
        version = body["metadata"].get("resourceVersion")
        if current and version and version != current["metadata"]["resourceVersion"]:
            return _status(
                409,
                "Conflict",
                "the object has been modified; please apply your changes to the latest version",
            )
        self._version += 1
        body["metadata"] |= {"namespace": namespace, "resourceVersion": str(self._version)}
        self.leases[namespace, name] = body
        return _ok(body)


def _invalid(spec: dict[str, Any]) -> tuple[int, str, str] | None:
    for name in ("acquireTime", "renewTime"):
        if spec.get(name) and not _MICRO.fullmatch(spec[name]):
            return 400, "BadRequest", f"parsing time {spec[name]!r}: no fraction of a second"
    if spec.get("leaseDurationSeconds", 1) <= 0:
        return 422, "Invalid", "spec.leaseDurationSeconds: must be greater than 0"
    if spec.get("leaseTransitions", 0) < 0:
        return 422, "Invalid", "spec.leaseTransitions: must be greater than or equal to 0"
    return None


def _ok(body: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(body).encode())


def _status(code: int, reason: str, message: str) -> Answer:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
    return Answer(code, json.dumps(body).encode())
