"""Five forks, each with what README tells a fork to set and one change more; and one of which nothing can be read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import assembly
import gitrepo
import yaml

PYTHON = sys.executable


def _run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")}
    return subprocess.run(command, cwd=root, env=kept, capture_output=True, text=True, check=False)


def _must(root: Path, *command: str) -> None:
    done = _run(root, *command)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")


def _commit(root: Path, message: str) -> None:
    _must(root, PYTHON, "scripts/render.py", "--all", "--lock")
    _must(root, PYTHON, "scripts/prometheus_rules.py")
    gitrepo.commit(root, message)


def _replace(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text("utf-8")
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text, flags=re.MULTILINE)
        assert count, f"{path}: {pattern}"
    path.write_text(text, "utf-8")


def set_what_is_demanded(root: Path) -> None:
    """What the table «What a fork must set» says."""
    _replace(
        root / "environments/base.yaml",
        (r"^  id: .*", "  id: acme-pipelines-7"), (r"^  url: .*", "  url: https://github.com/acme/pipelines.git"),
        (r"^  branch: .*", "  branch: trunk"), (r"^  namespace: argocd", "  namespace: gitops"),
        (r"^    slack: .*", "    slack: acme-alerts"), (r"owner: platform-team", "owner: acme-forecasts"),
    )  # fmt: skip
    for path in (root / "environments").glob("*/release.yaml"):
        _replace(path, (r"^(  \S+: )registry\.example\.com/", r"\g<1>registry.acme.io/ml/"))
    _replace(root / "environments/policy.yaml", (r"registry\\\.example\\\.com", r"registry\\.acme\\.io/ml"))
    _replace(root / "environments/dev/values.yaml", (r"mlpipeline/", "acme-ml/"))
    _replace(root / "environments/prod/values.yaml", (r"s3://(usage-prod|mlpipeline)/", "s3://acme-ml/"))
    _replace(root / ".github/CODEOWNERS", (r"@example/[a-z-]+", "@acme/ml"))
    # The images of prod's pipelines are part of what was promoted, and come by promotion.
    _commit(root, "What a fork sets")
    _must(root, PYTHON, "scripts/promote.py", "--from", "dev", "--to", "prod")


def add_an_environment(root: Path) -> None:
    shutil.copytree(root / "environments/dev", root / "environments/stage")
    with (root / "environments/stage/values.yaml").open("a") as file:
        file.write("kfp:\n  namespace: team-stage\ndelivery:\n  namespace: kfp-gitops-stage\n")


def set_places_of_its_own(root: Path) -> None:
    _replace(
        root / "environments/base.yaml",
        (r"^  host: http://.*", "  host: http://ml-pipeline.ml-platform.svc.cluster.local:8888"),
        (r"^  namespace: ''.*", "  namespace: acme"), (r"^  namespace: kubeflow", "  namespace: acme-delivery"),
    )  # fmt: skip


def remove_the_samples(root: Path) -> None:
    """All pipelines that ship with their components; one of its own is in their place."""
    add_a_pipeline(root)
    ours = {"acme-report"}
    for path in (root / "environments/base.yaml", *(root / "environments").glob("*/values.yaml")):
        head, _, text = path.read_text("utf-8").partition("\npipelines:\n")
        pipelines = {name: value for name, value in yaml.safe_load(text).items() if name in ours}
        path.write_text(f"{head}\n{yaml.safe_dump({'pipelines': pipelines})}", "utf-8")
    release = root / "environments/prod/release.yaml"
    release.write_text(release.read_text("utf-8").partition("pipelines:\n")[0], "utf-8")
    shutil.rmtree(root / "environments/prod/pinned")
    shutil.rmtree(root / ".github/local-runs")
    for folder in [
        *(root / "templates/pipelines").iterdir(),
        *(root / "components").glob("*/component.yaml"),
    ]:
        each = folder if folder.is_dir() else folder.parent
        if each.name not in {"acme_clean", *ours}:
            shutil.rmtree(each)


def add_a_pipeline(root: Path) -> None:
    _must(root, PYTHON, "scripts/new.py", "component", "acme_clean")
    _must(root, PYTHON, "scripts/new.py", "pipeline", "acme-report", "--component", "acme_clean")


def spoil_everything(root: Path) -> None:
    """No fork that anybody has: whatever a fork may change cannot be read, but for the id that tells a fork.

    A test of the product that passes here reads nothing of the fork that it runs in, so it passes in any.
    """
    for name in assembly.own(root):
        (root / name).write_bytes(b"\xff{{ [ spoiled: \n\t- %% \x00")
    (root / "environments/base.yaml").write_text("repository:\n  id: acme-spoiled\nspoiled: true\n", "utf-8")


FORKS: dict[str, Callable[[Path], None]] = {
    "id-and-url": lambda _: None,
    "third-environment": add_an_environment,
    "own-namespace": set_places_of_its_own,
    "no-samples": remove_the_samples,
    "own-pipeline": add_a_pipeline,
}


def make(root: Path, name: str) -> None:
    """A fork as a team would have it: committed."""
    assembly.assemble(root)
    set_what_is_demanded(root)
    FORKS[name](root)
    _commit(root, name)


def make_spoiled(root: Path) -> None:
    """The one whose own tests cannot pass."""
    assembly.assemble(root)
    spoil_everything(root)
    gitrepo.commit(root, "spoiled")
