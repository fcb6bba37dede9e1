"""The part of a Kubernetes API that doctor looks at, over real HTTP; shapes from the published API reference."""

from __future__ import annotations

import json

from kfpapi.stub import Answer, Seen, Stub


class FakeCluster:
    """What is in it can be changed at any time."""

    def __init__(self) -> None:
        self.version, self.argocd = "v1.34.1+k3s1", "quay.example.com/argoproj/argocd:v3.5.1"
        self.zone: str | None = "UTC"
        self.workflows: dict[str, str] | None = {}
        self.denied: set[tuple[str, str]] = set()
        self.objects: set[str] = set()
        self.hidden: set[str] = set()
        self.stub = Stub(self._answer)

    def _answer(self, request: Seen) -> Answer:
        path = request.path.partition("?")[0]
        if path == "/version/":
            return _ok({"gitVersion": self.version, "major": "1", "minor": "34", "buildDate": "", "compiler": "",
                        "gitCommit": "", "gitTreeState": "", "goVersion": "", "platform": ""})  # fmt: skip
        if path == "/apis/apps/v1/deployments":
            return _ok({"kind": "DeploymentList", "items": [_deployment("argocd-server", self.argocd, {})]})
        if path.endswith("/deployments/ml-pipeline-scheduledworkflow"):
            env = {"CRON_SCHEDULE_TIMEZONE": self.zone} if self.zone else {}
            return _ok(_deployment("ml-pipeline-scheduledworkflow", "x:1", env))
        if path.endswith("/kubeflow/configmaps/workflow-controller-configmap"):
            found = {"metadata": {"name": "workflow-controller-configmap"}, "data": self.workflows}
            return _ok(found) if self.workflows is not None else _status(404, "NotFound")
        if path.endswith("/selfsubjectaccessreviews") and request.method == "POST":
            wanted = json.loads(request.body)["spec"]["resourceAttributes"]
            allowed = (wanted["verb"], wanted["resource"]) not in self.denied
            return _ok({"spec": {}, "status": {"allowed": allowed}})
        return self._object(request, path)

    def _object(self, request: Seen, path: str) -> Answer:
        assert "as=PartialObjectMetadata" in request.headers["accept"], "a secret's value was asked for"
        if path in self.hidden:
            return _status(403, "Forbidden")
        return _ok({"kind": "PartialObjectMetadata"}) if path in self.objects else _status(404, "NotFound")


def _deployment(name: str, image: str, env: dict[str, str]) -> dict[str, object]:
    container = {"name": "main", "image": image, "env": [{"name": k, "value": v} for k, v in env.items()]}
    template = {"spec": {"containers": [container]}}
    return {"metadata": {"name": name}, "spec": {"selector": {}, "template": template}}


def _ok(body: object) -> Answer:
    return Answer(200, json.dumps(body).encode())


def _status(code: int, reason: str) -> Answer:
    return Answer(
        code, json.dumps({"kind": "Status", "code": code, "reason": reason, "message": reason}).encode()
    )
