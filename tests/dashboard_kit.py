"""What Grafana's dashboards of docs/grafana/ ask, to be held against what is pushed and against a real Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from project import PROJECT
from servers.prometheus import PrometheusServer, PushgatewayServer

FOLDER = PROJECT / "docs/grafana"
# Of PromQL, as far as dashboards have it: what stands before a bracket or an operator and is no metric.
_WORDS = frozenset(
    ["bool", "by", "on", "and", "or", "unless", "group_left", "group_right", "without", "ignoring", "offset"]
)
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*\{([^}]*)\}")
_MATCHER = re.compile(r'([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")


@dataclass(frozen=True)
class Query:
    """What a panel asks; `legend` names labels of the answer."""

    panel: str
    expression: str
    legend: str
    kind: str

    @property
    def of_all(self) -> str:
        """With «All» chosen for each variable."""
        return re.sub(r"\$\w+", ".*", self.expression)

    @property
    def metrics(self) -> dict[str, set[str]]:
        """Metric → the labels that it is selected by."""
        bare = _GROUPING.sub("", re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", "", self.expression))
        words = {found[0] for found in _NAME.finditer(bare) if bare[found.end() :].lstrip()[:1] != "("}
        found: dict[str, set[str]] = {name: set() for name in words - _WORDS}
        for name, matchers in _SELECTOR.findall(self.expression):
            found[name] |= {label for label, _ in _MATCHER.findall(matchers)}
        return found

    @property
    def grouped_by(self) -> set[str]:
        """The labels that it keeps of what it adds up."""
        groups = _GROUPING.findall(self.expression)
        return {label.strip() for group in groups for label in group.split(",") if label.strip()}

    @property
    def named(self) -> set[str]:
        """The labels that its legend shows."""
        return set(re.findall(r"\{\{(\w+)\}\}", self.legend))


def board(name: str) -> dict[str, Any]:
    """A dashboard as Grafana reads it."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def panels(of: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The panels that ask something."""
    return [panel for panel in of["panels"] if panel["type"] != "row"]


def queries(of: Mapping[str, Any]) -> Iterator[Query]:
    """Everything that the panels ask."""
    for panel in panels(of):
        for target in panel["targets"]:
            yield Query(panel["title"], target["expr"], target["legendFormat"], panel["type"])


def asked_by_variables(of: Mapping[str, Any]) -> Iterator[tuple[str, Query, str]]:
    """(variable, what it selects, the label whose values it lists)."""
    for variable in of["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert found, variable["query"]
            yield variable["name"], Query(variable["name"], found[1], "", "variable"), found[2]


def prometheus(folder: Any, gateway: PushgatewayServer, *rules: str) -> PrometheusServer:
    """One that scrapes a Pushgateway and knows rules of docs/prometheus/, as the documentation says."""
    scrape = {
        "job_name": "pushgateway",
        "honor_labels": True,
        "static_configs": [{"targets": [gateway.url.removeprefix("http://")]}],
    }
    quick = {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"}
    files = [str(PROJECT / "docs/prometheus" / name) for name in rules]
    configuration = {"global": quick, "scrape_configs": [scrape], "rule_files": files}
    return PrometheusServer(folder, yaml.safe_dump(configuration))
