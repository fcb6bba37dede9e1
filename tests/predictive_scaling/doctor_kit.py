"""The doctor asked about a Prometheus that holds given series."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files

import jsonschema
from predictive_scaling.__main__ import main
from scrape_series import END, openmetrics
from servers.prometheus import PrometheusServer, backfill

STACK, CHART, EXAMPLE = "kube-prometheus-stack-10s", "chart-prometheus-60s", "example-two-jobs-60s"
SCHEMA = json.loads((files("predictive_scaling") / "schemas/doctor.v1.schema.json").read_text())
NOW = datetime.fromtimestamp(END, UTC).isoformat()


@contextmanager
def prometheus(folder, series, configuration=""):
    backfill(openmetrics(series), folder)
    server = PrometheusServer(folder, configuration)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def asked(server, capsys, *more, namespace="shop"):
    """Exit code, and findings by check."""
    words = ["doctor", "--url", server.url, "--namespace", namespace, "--now", NOW]
    code = main([*words, "--json", *more])
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return code, {each["check"]: each for each in document["findings"]}


def only(findings):
    return {name for name, each in findings.items() if each["level"] == "problem"}
