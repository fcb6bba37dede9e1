"""Rule files of docs/prometheus/: each alert with the address of its page, and the forms that charts take."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from textwrap import indent

FOLDER = "docs/prometheus"
# Of the reconciler, whose gauges are elsewhere: rules that stand by themselves.
_OTHERS = {"kfp-gitops-rules.yaml": "operator/kfp-gitops/rules.yaml"}
_MADE = "# Made from {} by `python scripts/prometheus_rules.py`; edit that, not this.\n"
_HEAD = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {name}
spec:
"""
_LIST = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
"""
_PAGE = re.compile(r"^( +runbook_url: )\S*?(docs/(?:runbook/)?[^/\s]+\.md(?:#\S+)?)$", re.MULTILINE)


def made(texts: Mapping[str, str], web: str) -> dict[str, str]:
    """File name → text of everything in docs/prometheus/ that is written by us.

    `texts` are the rule files by their names, in order; `web` is what stands before the path of a page. Comments stay,
    for the text is indented and not read.
    """
    rules = {
        name: _PAGE.sub(lambda found: f"{found[1]}{web}/{found[2]}", text) for name, text in texts.items()
    }
    shown = {name: text for name, text in rules.items() if name not in _OTHERS}
    alone = {
        made: _rule(f"../../{file}", _name(file), rules[file])
        for file, made in _OTHERS.items()
        if file in rules
    }
    return {**rules, **alone, **dict(_operator(shown)), "chart/rules.yaml": _chart(shown)}


def _rule(source: str, name: str, text: str) -> str:
    return _MADE.format(source) + _HEAD.format(name=name) + indent(text, "  ")


def _operator(rules: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """A PrometheusRule of each file, and the list of them."""
    for file, text in rules.items():
        name = _name(file)
        yield f"operator/rules/{name}.yaml", _rule(f"../../{file}", f"predictive-scaling-{name}", text)
    listed = "".join(f"- {_name(file)}.yaml\n" for file in rules)
    yield "operator/rules/kustomization.yaml", _MADE.format("../../*.yaml") + _LIST + listed


def _chart(rules: Mapping[str, str]) -> str:
    """Values of the chart prometheus: what is recorded, and what alerts."""
    alerts = {file: text for file, text in rules.items() if "\n  - alert:" in text}
    records = {file: text for file, text in rules.items() if file not in alerts}
    parts = [_MADE.format(" and ".join(f"../{file}" for file in [*records, *alerts])), "serverFiles:\n"]
    for key, its in (("recording_rules.yml", records), ("alerting_rules.yml", alerts)):
        parts.append(f"  {key}:\n    groups:\n")
        parts += [indent(_groups(text), "    ") for text in its.values()]
    return "".join(parts)


def _name(file: str) -> str:
    return file.removesuffix(".yaml").removesuffix("-rules")


def _groups(text: str) -> str:
    """What stands under `groups:`, after the comments before it."""
    comments, _, groups = text.partition("groups:\n")
    return comments + groups
