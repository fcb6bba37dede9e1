"""`prometheus_rules`: the rules of docs/prometheus/ with this repository's address, and in the forms of charts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, InputError, Problem
from kfp_gitops.base.yamlvalue import parse as parse_yaml
from kfp_gitops.commands import console
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.rendering import rules
from kfp_gitops.sources import environment, pages

_EXAMPLES = """  python scripts/prometheus_rules.py            write what is not as it should be
  python scripts/prometheus_rules.py --check    write nothing; exit 1 when something would be written"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write what differs, or say that it does."""
    what = (
        "Write the rules of docs/prometheus/: into each alert the address of its page in this repository "
        "(`repository` in environments/base.yaml), and all of them as PrometheusRules and as values of the chart "
        "prometheus."
    )
    parser = Parser("prometheus_rules.py", what, _EXAMPLES)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when something is stale")
    arguments = parse(parser, argv)
    changed = _changed(arguments.root)
    for name, text in changed.items():
        console.result(f"{'would change' if arguments.check else 'change'} {name}")
        if not arguments.check:
            files.write_text(arguments.root, name, text)
    if changed and arguments.check:
        console.note("run `python scripts/prometheus_rules.py` and commit")
    return ExitCode.DIFFERENCES if changed and arguments.check else ExitCode.OK


def _changed(root: Path) -> dict[str, str]:
    """Path → text of each file that is not as it should be."""
    there = {name: files.read_text(root, f"{rules.FOLDER}/{name}") for name in _listed(root)}
    sources = {name: text for name, text in there.items() if "/" not in name}
    wanted = rules.made(sources, pages.of(_repository(root)))
    return {f"{rules.FOLDER}/{name}": text for name, text in wanted.items() if there.get(name) != text}


def _listed(root: Path) -> list[str]:
    found = [name for name in files.list_files(root, rules.FOLDER) if name.endswith(".yaml")]
    if not found:
        what = "there are no rules"
        raise InputError(
            [Problem(rules.FOLDER, 1, 1, what, "take that folder from the product's repository")]
        )
    return found


def _repository(root: Path) -> dict[str, str]:
    """The section `repository` of environments/base.yaml, with its defaults."""
    document = parse_yaml(files.read_text(root, environment.BASE), environment.BASE)
    section = document.value.get("repository") if isinstance(document.value, dict) else None
    if not isinstance(section, dict) or not all(isinstance(each, str) for each in section.values()):
        raise InputError([document.problem(("repository",), "no map of texts", "give it `id` and `url`")])
    found = dict(environment.settings(document.value, "repository"))
    if "url" not in found:
        todo = "say where it is cloned from: https://host/team/repository.git"
        raise InputError([document.problem(("repository",), "no `url`", todo)])
    return found
