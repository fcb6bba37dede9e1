"""What Prometheus had of a real cluster in three scrape shapes, and what the cgroup files said meanwhile.

`tests/data/kubernetes-usage/`: series as stored, sixteen minutes with rollouts, restarts, evictions and a deletion.
"""

import csv
import gzip
import json
import re
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from project import HERE
from servers.process import program

FOLDER = HERE / "data/kubernetes-usage"
NAMES = ("chart-prometheus-60s", "example-two-jobs-60s", "kube-prometheus-stack-10s")
STEP = 5
MINUTES = range(6, 16)
COUNTERS = "container_cpu_usage_seconds_total"


def series(name):
    """Labels and samples [second, value or "stale"] of a recording."""
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt") as lines:
        for line in lines:
            each = json.loads(line)
            yield each["labels"], each["samples"]


def written(labels):
    inner = ",".join(f"{key}={json.dumps(text)}" for key, text in sorted(labels.items()) if key != "__name__")
    return f"{labels['__name__']}{{{inner}}}"


def openmetrics(rows, base):
    """Series as OpenMetrics text from a Unix second on; stale markers have no form there."""
    families = defaultdict(list)
    for labels, samples in rows:
        lines = [f"{written(labels)} {value!r} {base + at}" for at, value in samples if value != "stale"]
        families[labels["__name__"]] += lines
    text = []
    for name, lines in sorted(families.items()):
        counter = name.endswith("_total")
        text += [f"# TYPE {name.removesuffix('_total')} {'counter' if counter else 'gauge'}", *lines]
    return "\n".join([*text, "# EOF\n"])


@dataclass(frozen=True)
class Truth:
    """Of one workload at one minute: cores of the last five, bytes, pods, and the largest container's bytes."""

    cpu: float
    memory: float
    pods: int
    largest: float


def truth():
    """(minute, namespace, kind, service) → Truth."""
    with (FOLDER / "truth.csv").open() as file:
        return {
            (int(row["second"]) // 60, row["namespace"], row["kind"], row["service"]): Truth(
                float(row["cpu_cores_5m"]),
                float(row["memory_bytes"]),
                int(row["pods"]),
                float(row["largest_container_bytes"]),
            )
            for row in csv.DictReader(file)
        }


def evaluated(rules: Path, name, expressions, folder):
    """(expression, minute) → [(labels, value)] of a recording, by promtool, whose rules run each minute.

    promtool shows what an expression gives only where something else was expected, so nothing is.
    """
    inputs = []
    for labels, samples in series(name):
        slots = {max(0, round(at / STEP)): value for at, value in samples}
        values = " ".join(str(slots.get(slot, "_")) for slot in range(max(slots) + 1))
        inputs.append({"series": written(labels), "values": values})
    cases = [
        {"expr": each, "eval_time": f"{minute}m", "exp_samples": []}
        for each in expressions
        for minute in MINUTES
    ]
    test = {"interval": f"{STEP}s", "input_series": inputs, "promql_expr_test": cases}
    path = folder / "test.yaml"
    path.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": [test]}))
    done = subprocess.run(
        [program("promtool"), "test", "rules", str(path)], capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert "err:" not in said, said[-2000:]
    assert "SUCCESS" in said or "FAILED" in said, said[-2000:]
    return _parsed(said)


def _parsed(said):
    found = defaultdict(list)
    wanted = r'expr: "((?:[^"\\]|\\.)*)", time: (\d+)m\d*s?,\s*\n\s*exp: ?[^\n]*\n\s*got: ?([^\n]*)'
    for match in re.finditer(wanted, said):
        expression, got = json.loads(f'"{match[1]}"'), match[3].strip().strip('"').replace('\\"', '"')
        for labels, value in re.findall(r"\{((?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*)\} ([-+0-9.eE]+|NaN)", got):
            pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels))
            pairs.pop("__name__", None)
            found[expression, int(match[2])].append((pairs, float(value)))
    return found
