"""Five forks, each with what README's table has a fork set and one change more: their tests and the product's pass.

`python tests/fork/forks.py [--all] [NAME …]`: in each fork `make test`, which is of its own inputs, and the tests of
the product, of which the quick way runs those files that once were red in a fork. Exit code 1 when any is red.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import assembly
import gitrepo

PYTHON = sys.executable
VENV = ("VENV=" + sys.prefix, "-o", sys.prefix + "/.installed")
QUICK = (
    "tests/commands/test_environments_page.py", "tests/compiling/compile/test_compiler.py",
    "tests/documents/test_codeowners.py", "tests/documents/test_shipped.py",
    "tests/operate/doctor/test_doctor.py", "tests/operate/runs/test_run.py", "tests/operate/runs/test_runtree.py",
    "tests/predictive_scaling/test_graceful_failure.py", "tests/predictive_scaling/test_image.py",
    "tests/predictive_scaling/test_pipeline_values.py",
    "tests/predictive_scaling/test_scaling_components.py",
    "tests/predictive_scaling/test_serving_documentation.py",
    "tests/rendering/delivery", "tests/rendering/render/test_render.py", "tests/review/policy",
    "tests/sources/brought/test_brought.py",
)  # fmt: skip


def _run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")}
    return subprocess.run(command, cwd=root, env=kept, capture_output=True, text=True, check=False)


def _must(root: Path, *command: str) -> None:
    done = _run(root, *command)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")


def _commit(root: Path, message: str) -> None:
    _must(root, PYTHON, "scripts/render.py", "--all", "--lock")
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


FORKS: dict[str, Callable[[Path], None]] = {
    "id-and-url": lambda _: None,
    "third-environment": add_an_environment,
    "own-namespace": set_places_of_its_own,
    "no-samples": remove_the_samples,
    "own-pipeline": add_a_pipeline,
}


@dataclass(frozen=True)
class Line:
    """What one call of make did in one fork: pytest's last line, and seconds."""

    fork: str
    what: str
    code: int
    said: str
    seconds: float

    def __str__(self) -> str:
        verdict = "green" if self.code == 0 else "RED"
        return f"{self.fork:<18} {self.what:<18} {verdict:<6} {self.seconds:5.0f} s  {self.said}"


def make(root: Path, name: str) -> None:
    """A fork as a team would have it: committed."""
    assembly.assemble(root)
    set_what_is_demanded(root)
    FORKS[name](root)
    _commit(root, name)


def run(root: Path, name: str, *what: str) -> Line:
    """Call make there; the output of what is red is shown."""
    start = perf_counter()
    done = _run(root, "make", *what, *VENV)
    if done.returncode:
        sys.stderr.write(f"{done.stdout[-8000:]}{done.stderr[-2000:]}")
    last = [line for line in done.stdout.splitlines() if re.search(r"\d (passed|failed|error)", line)]
    return Line(name, what[0], done.returncode, " | ".join(last), perf_counter() - start)


def main() -> int:
    """Make the forks one after the other and print a line for each run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--all", action="store_true", help="the product's tests whole: minutes a fork")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(FORKS)}")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - FORKS.keys()
    if unknown:
        parser.error(f"no fork {', '.join(sorted(unknown))}")
    product = ["test-product"] if arguments.all else ["test-product", f"PRODUCT_TESTS={' '.join(QUICK)}"]
    codes = []
    for name in arguments.names or FORKS:
        with tempfile.TemporaryDirectory(prefix=f"fork-{name}-") as folder:
            root = Path(folder) / "fork"
            make(root, name)
            for what in (["test"], product):
                line = run(root, name, *what)
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
                codes.append(line.code)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
