"""Rule files of docs/prometheus/ in the forms that charts take: PrometheusRules, and values of the chart prometheus.

python scripts/prometheus_rules.py [--check]

Comments stay, for the text is indented and not read. With --check nothing is written; exit 1 tells that something would
be.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

from kfp_gitops.commands.common import Version

PLACE = Path(__file__).resolve().parents[1] / "docs/prometheus"
# Of the reconciler, whose gauges are elsewhere.
OTHERS = {"kfp-gitops-rules.yaml"}
MADE = "# Made from {name} by `python scripts/prometheus_rules.py`; edit that, not this.\n"
HEAD = """\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: predictive-scaling-{name}
spec:
"""
LIST = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
"""


def sources(place: Path) -> list[Path]:
    """Rule files, in the order of their names."""
    return [path for path in sorted(place.glob("*.yaml")) if path.name not in OTHERS]


def made(place: Path) -> Iterator[tuple[Path, str]]:
    """Each file that is made, with its text."""
    alerts: list[Path] = []
    records: list[Path] = []
    for path in sources(place):
        text = path.read_text("utf-8")
        name = path.stem.removesuffix("-rules")
        head = MADE.format(name=f"../../{path.name}") + HEAD.format(name=name)
        yield place / f"operator/rules/{name}.yaml", head + indent(text, "  ")
        (alerts if "\n  - alert:" in text else records).append(path)
    names = " and ".join(f"../{path.name}" for path in [*records, *alerts])
    listed = "".join(f"- {path.stem.removesuffix('-rules')}.yaml\n" for path in sources(place))
    yield place / "operator/rules/kustomization.yaml", MADE.format(name="../../*.yaml") + LIST + listed
    parts = [MADE.format(name=names), "serverFiles:\n"]
    for key, paths in (("recording_rules.yml", records), ("alerting_rules.yml", alerts)):
        parts.append(f"  {key}:\n    groups:\n")
        parts += [indent(_groups(path.read_text("utf-8")), "    ") for path in paths]
    yield place / "chart/rules.yaml", "".join(parts)


def _groups(text: str) -> str:
    """What stands under `groups:`, after the comments before it."""
    comments, _, groups = text.partition("groups:\n")
    return comments + groups


def main() -> int:
    """Write what differs; see --help."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--version", action=Version)
    check = parser.parse_args().check
    changed = [
        (path, text) for path, text in made(PLACE) if not path.is_file() or path.read_text("utf-8") != text
    ]
    for path, text in changed:
        sys.stdout.write(f"{'would change' if check else 'change'} {path.relative_to(PLACE.parents[1])}\n")
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
