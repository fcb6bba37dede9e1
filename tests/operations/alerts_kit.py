"""The rules that ship on a real Prometheus, of what a real Pushgateway was told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
import yaml
from project import PROJECT
from servers.prometheus import PrometheusServer, PushgatewayServer

RULES = PROJECT / "docs/prometheus/kfp-gitops-rules.yaml"


@dataclass(frozen=True)
class Alerts:
    """A Pushgateway, and a Prometheus with the rules that ship, which does not wait for anything to last."""

    gateway: PushgatewayServer
    prometheus: PrometheusServer

    def firing(self) -> dict[str, dict[str, str]]:
        """Alert → its annotations, with its labels."""
        found = requests.get(f"{self.prometheus.url}/api/v1/alerts", timeout=60).json()["data"]["alerts"]
        return {each["labels"]["alertname"]: {**each["labels"], **each["annotations"]} for each in found}

    def wipe(self) -> None:
        """Forget what was pushed."""
        requests.put(f"{self.gateway.url}/api/v1/admin/wipe", timeout=60).raise_for_status()

    def tell(self, group: str, values: Mapping[str, float]) -> None:
        """What somebody else pushed."""
        text = "".join(
            f"# TYPE {name.partition('{')[0]} gauge\n{name} {value:.0f}\n" for name, value in values.items()
        )
        requests.post(f"{self.gateway.url}/metrics/{group}", data=text, timeout=60).raise_for_status()

    def told(self, group: str) -> list[dict[str, object]]:
        """What is left of it."""
        words = group.split("/")
        wanted = dict(zip(words[::2], words[1::2], strict=True))
        found = requests.get(f"{self.gateway.url}/api/v1/metrics", timeout=60).json()["data"]
        return [each for each in found if each["labels"] == wanted]

    def wait(self, good: Callable[[dict[str, dict[str, str]]], bool]) -> dict[str, dict[str, str]]:
        """Until the alerts are as they should be; what they are when they never were."""
        end = time.monotonic() + 20
        while not good(found := self.firing()) and time.monotonic() < end:
            time.sleep(0.1)
        return found


@contextmanager
def alerts(folder: Path) -> Iterator[Alerts]:
    """Both servers; ended at the end."""
    gateway = PushgatewayServer(folder / "gateway")
    rules = folder / "rules.yaml"
    document = yaml.safe_load(RULES.read_text("utf-8"))
    for rule in (rule for group in document["groups"] for rule in group["rules"]):
        rule.pop("for", None)
    rules.write_text(yaml.safe_dump(document), "utf-8")
    config = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
        "rule_files": [str(rules)],
        "scrape_configs": [
            {
                "job_name": "gateway",
                "honor_labels": True,
                "static_configs": [{"targets": [gateway.url.removeprefix("http://")]}],
            }
        ],
    }
    prometheus = PrometheusServer(folder / "prometheus", yaml.safe_dump(config))
    try:
        gateway.start()
        prometheus.start()
        yield Alerts(gateway, prometheus)
    finally:
        prometheus.kill()
        gateway.kill()
