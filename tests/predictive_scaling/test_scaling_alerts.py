"""The shipped rules and alerts by promtool, over time: when each fires, and when it ends."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import HERE, PROJECT
from servers.process import program

RULES = PROJECT / "docs/prometheus"
SCENARIOS = sorted((HERE / "predictive_scaling").glob("*.test.yaml"))
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for group in yaml.safe_load((RULES / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
}


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    """Beside each expected summary the annotations that hold no label and no value."""
    for checked in _checks(document):
        annotations = ALERTS[checked["alertname"]]["annotations"]
        fixed = {name: text for name, text in annotations.items() if "{{" not in text}
        for expected in checked.get("exp_alerts", []):
            expected["exp_annotations"] = fixed | expected["exp_annotations"]
    return document


def _checks(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for test in document["tests"] for each in test.get("alert_rule_test", [])]


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda path: path.name.removesuffix(".test.yaml"))
def test_rules_do_what_their_tests_say(tmp_path: Path, file: Path) -> None:
    for rules in RULES.glob("*.yaml"):
        shutil.copy(rules, tmp_path)
    scenario = _completed(yaml.safe_load(file.read_text()))
    (tmp_path / file.name).write_text(yaml.safe_dump(scenario, sort_keys=False))
    for command in (["check", "rules", *scenario["rule_files"]], ["test", "rules", file.name]):
        done = subprocess.run(
            [program("promtool"), *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_every_alert_is_seen_to_fire_and_to_end(alert: str) -> None:
    checks = [each for file in SCENARIOS for each in _checks(yaml.safe_load(file.read_text()))]
    fires = [bool(each.get("exp_alerts")) for each in checks if each["alertname"] == alert]
    assert True in fires, "it is never seen to fire"
    assert not all(fires[fires.index(True) :]), "it is never seen to end"


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_every_alert_has_its_section_of_the_page(alert: str) -> None:
    address, _, anchor = ALERTS[alert]["annotations"]["runbook_url"].partition("#")
    page = address.partition("/blob/main/")[2]
    assert anchor == alert.lower()
    assert f"\n## {alert}\n" in (PROJECT / page).read_text("utf-8")


def test_every_section_is_of_an_alert() -> None:
    sections = [
        line.removeprefix("## ")
        for line in (PROJECT / "docs/scaling-alerts.md").read_text("utf-8").splitlines()
        if line.startswith("## ")
    ]
    assert sections == list(ALERTS)
