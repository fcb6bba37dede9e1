"""What a person does to a recurring run in KFP's UI, by the calls that the UI makes: on, off, made anew, deleted."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from kfp_gitops.devserver import DevServer
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from server_kit import api_of

_POSTED = (
    "display_name",
    "description",
    "pipeline_version_reference",
    "runtime_config",
    "trigger",
    "experiment_id",
    "max_concurrency",
    "no_catchup",
    "mode",
)


def only(server: DevServer) -> ActualSchedule:
    (found,) = api_of(server).schedules()
    return found


def made_anew(server: DevServer, *, keep: bool = False, **changed: Any) -> None:
    """As the UI does it: a clone with something changed; and the old one deleted, if it is not kept."""
    old = only(server)
    url = f"{server.url}/apis/v2beta1/recurringruns"
    raw = json.load(urllib.request.urlopen(f"{url}/{old.id}"))
    if not keep:
        api_of(server).delete_schedule(old.id)
    body = {key: raw[key] for key in _POSTED if key in raw} | changed
    head = {"Content-Type": "application/json"}
    urllib.request.urlopen(
        urllib.request.Request(url, json.dumps(body).encode(), head, method="POST")
    ).close()


def cron(text: str) -> dict[str, Any]:
    return {"trigger": {"cron_schedule": {"cron": text}}}


def every(seconds: int) -> dict[str, Any]:
    return {"trigger": {"periodic_schedule": {"interval_second": str(seconds)}}}
