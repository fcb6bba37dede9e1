"""Telling people of a failed run: one POST to a webhook that speaks Slack's or Alertmanager's language.

slack:         {"text": …}, which Slack's incoming webhooks take, and Mattermost's and Rocket.Chat's as well
alertmanager:  a list of alerts, as Alertmanager's /api/v2/alerts takes it; a later success resolves the alert

The URL is a secret: it is a setting, and no message of ours holds it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from predictive_scaling.base.clock import iso
from predictive_scaling.base.errors import InputError
from predictive_scaling.base.settings import setting
from predictive_scaling.base.web import Server

SLACK, ALERTMANAGER = "slack", "alertmanager"
ALERT = "PredictiveScalingRunFailed"
MAX_TEXT = 1000
# Alertmanager resolves an alert that nobody repeats; a week spans the gap between two retrainings.
LASTING = timedelta(days=8)


@dataclass(frozen=True)
class Notice:
    """What is told of the end of a run."""

    pipeline: str
    run_id: str
    state: str
    reason: str
    consequence: str
    at: datetime

    @property
    def failed(self) -> bool:
        """Whether people must look at it."""
        return self.state == "FAILED"


def notify(notice: Notice) -> bool:
    """Tell the webhook, if one is set and it is worth telling; gives whether it was told. Raises RemoteError."""
    url, form = setting("WEBHOOK_URL"), setting("WEBHOOK_FORMAT", SLACK)
    if form not in (SLACK, ALERTMANAGER):
        raise InputError(
            f"PREDICTIVE_SCALING_WEBHOOK_FORMAT is {form!r}; it must be {SLACK} or {ALERTMANAGER}"
        )
    if not url or not (notice.failed or (form == ALERTMANAGER and notice.state == "SUCCEEDED")):
        return False
    payload = slack(notice) if form == SLACK else alertmanager(notice)
    body = json.dumps(payload, ensure_ascii=False).encode()
    Server("WEBHOOK", url).call("POST", body=body, headers={"Content-Type": "application/json"})
    return True


def slack(notice: Notice) -> dict[str, Any]:
    """Slack's payload. &, < and > are escaped: `<!channel>` in an error message must call nobody."""
    place = "/".join(_place().values())
    where = f" in {place}" if place else ""
    lines = [
        f"{notice.pipeline}{where} {notice.state.lower()}: run {notice.run_id}",
        notice.reason[:MAX_TEXT],
        notice.consequence,
    ]
    text = "\n".join(line for line in lines if line)
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


def alertmanager(notice: Notice) -> list[dict[str, Any]]:
    """Alertmanager's payload; the labels are the alert's identity, hence the same for every run of a pipeline."""
    labels = {"alertname": ALERT, "severity": "warning", "pipeline": notice.pipeline}
    until = notice.at + (LASTING if notice.failed else timedelta())
    return [
        {
            "labels": labels | _place(),
            "annotations": {
                "summary": f"{notice.pipeline} {notice.state.lower()}",
                "description": notice.reason[:MAX_TEXT],
                "consequence": notice.consequence,
                "run_id": notice.run_id,
            },
            "startsAt": iso(notice.at if notice.failed else notice.at - timedelta(seconds=1)),
            "endsAt": iso(until),
        }
    ]


def _place() -> dict[str, str]:
    """Whose run it is, as far as that is set."""
    found = {name: setting(name.upper()) for name in ("environment", "namespace")}
    return {name: value for name, value in found.items() if value}
