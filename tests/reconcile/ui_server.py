"""What teams do in KFP's UI, by the requests that the UI makes: upload files, make experiments and recurring runs."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from kfp_gitops.devserver import DevServer

_EDGE = "ui-server-edge"


@dataclass(frozen=True)
class Ui:
    """One who sits before the UI of a server."""

    server: DevServer

    def post(self, path: str, body: bytes, kind: str = "application/json") -> dict[str, Any]:
        url = f"{self.server.url}/apis/v2beta1/{path}"
        request = urllib.request.Request(url, body, {"Content-Type": kind}, method="POST")
        try:
            with urllib.request.urlopen(request) as reply:
                found: dict[str, Any] = json.load(reply)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read()[:500]!r}") from None
        return found

    def get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.server.url}/apis/v2beta1/{path}") as reply:
            found: dict[str, Any] = json.load(reply)
        return found

    def delete(self, path: str) -> None:
        url = f"{self.server.url}/apis/v2beta1/{path}"
        urllib.request.urlopen(urllib.request.Request(url, method="DELETE")).close()

    def upload(self, name: str, ir: str, description: str = "", **more: str) -> str:
        """A pipeline with its first version, which is called as it is; returns its id."""
        query = urlencode({"name": name, "description": description, **more})
        return str(self._file(f"pipelines/upload?{query}", ir)["pipeline_id"])

    def upload_version(self, pipeline: str, name: str, ir: str) -> str:
        """One more version; returns its id."""
        query = urlencode({"name": name, "pipelineid": pipeline})
        return str(self._file(f"pipelines/upload_version?{query}", ir)["pipeline_version_id"])

    def _file(self, path: str, text: str) -> dict[str, Any]:
        head = f'--{_EDGE}\r\nContent-Disposition: form-data; name="uploadfile"; filename="p.yaml"\r\n\r\n'
        body = f"{head}{text}\r\n--{_EDGE}--\r\n".encode()
        return self.post(path, body, f"multipart/form-data; boundary={_EDGE}")

    def version_of(self, pipeline: str, name: str = "") -> str:
        """The id of a version, or of the only one."""
        found = self.get(f"pipelines/{pipeline}/versions?page_size=200")["pipeline_versions"]
        (one,) = [each for each in found if not name or each["display_name"] == name]
        return str(one["pipeline_version_id"])

    def experiment(self, name: str, **more: str) -> str:
        body = json.dumps({"display_name": name, **more}).encode()
        return str(self.post("experiments", body)["experiment_id"])

    def recurring(self, name: str, pipeline: str, version: str | None, **more: Any) -> str:
        """As the form does it; `version`: None is its «always use the latest»."""
        pinned = {"pipeline_version_id": version} if version else {}
        said = {
            "display_name": name,
            "pipeline_version_reference": {"pipeline_id": pipeline, **pinned},
            "trigger": {"cron_schedule": {"cron": "0 0 3 * * *"}},
            "runtime_config": {"parameters": {}},
            "max_concurrency": "10",
            "no_catchup": False,
            "mode": "ENABLE",
        }
        return str(self.post("recurringruns", json.dumps(said | more).encode())["recurring_run_id"])

    def recurring_runs(self, namespace: str = "") -> list[dict[str, Any]]:
        path = f"recurringruns?page_size=200&namespace={namespace}"
        found: list[dict[str, Any]] = self.get(path).get("recurringRuns", [])
        return found
