"""Five forks, each with what README's table has a fork set and one change more: their tests and the product's pass.

`python tests/fork/forks.py [--all] [NAME …]`: in each fork `make test`, which is of its own inputs, and the tests of
the product, of which the quick way runs files that once were red in a fork, and of folders the short ones. A table
ends it; exit code 1 when any is red, or when a fork's own tests take more than a minute of one core (other work on
the machine makes the clock's seconds more). `spoiled` is no fork that anybody has: of what a fork may change nothing
but the id can be read there, and the tests of the product pass all the same. So they pass in any fork, and `--all`
runs them whole in that one alone.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import made
import order

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
OWN_CPU_SECONDS = 60.0
SPOILED = "spoiled"
_HEAD = ("fork", "tests", "passed", "failed", "skipped", "seconds", "of cpu", "")
_FORM = "{:<18} {:<16} {:>6} {:>6} {:>7} {:>7} {:>6}  {}"


@dataclass(frozen=True)
class Line:
    """What one call of make did in one fork: pytest's counts, seconds by the clock and of processors."""

    fork: str
    what: str
    code: int
    counts: dict[str, int]
    seconds: float
    cpu: float

    @property
    def verdict(self) -> str:
        """Empty is good."""
        if self.code:
            return "RED"
        return "TOO LONG" if self.what == "own" and self.cpu > OWN_CPU_SECONDS else ""

    def __str__(self) -> str:
        failed = self.counts.get("failed", 0) + self.counts.get("error", 0)
        counts = (self.counts.get("passed", 0), failed, self.counts.get("skipped", 0))
        return _FORM.format(
            self.fork, self.what, *counts, round(self.seconds), round(self.cpu), self.verdict
        ).rstrip()


def counts(output: str) -> dict[str, int]:
    """What pytest's last lines say, of all times that it ran: 9 passed, 1 skipped in 11.98s."""
    found: dict[str, int] = {}
    for line in re.findall(r"^=*\s*(\d+ (?:passed|failed|skipped|error).*) in [\d.]+s", output, re.MULTILINE):
        for count, word in re.findall(r"(\d+) (passed|failed|skipped|error)", line):
            found[word] = found.get(word, 0) + int(count)
    return found


def quick(root: Path) -> list[str]:
    """The files of QUICK, and those of its folders that do not take long: `--all` runs these, too."""
    long = {f"tests/{name}" for name in order.LONGEST}
    found = (path.relative_to(root).as_posix() for name in QUICK for path in _files(root / name))
    return [name for name in found if name in QUICK or name not in long]


def _files(path: Path) -> list[Path]:
    return sorted(path.rglob("test_*.py")) if path.is_dir() else [path]


def run(root: Path, fork: str, what: str, *make: str) -> Line:
    """Call make there; the output of what is red is shown."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")}
    start, before = perf_counter(), _cpu()
    done = subprocess.run(
        ["make", *make, *VENV], cwd=root, env=kept, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(f"{done.stdout[-8000:]}{done.stderr[-2000:]}")
    return Line(fork, what, done.returncode, counts(done.stdout), perf_counter() - start, _cpu() - before)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def lines(root: Path, fork: str, *, whole: bool) -> Iterator[Line]:
    """Make a fork and run what is to pass in it."""
    if fork == SPOILED:
        made.make_spoiled(root)
    else:
        made.make(root, fork)
        yield run(root, fork, "own", "test")
    if fork == SPOILED and whole:
        yield run(root, fork, "product, whole", "test-product")
    else:
        yield run(root, fork, "product, quick", "test-product", f"PRODUCT_TESTS={' '.join(quick(root))}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--all", action="store_true", help="the product's tests whole, in `spoiled`: ten minutes"
    )
    known = (*made.FORKS, SPOILED)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(known)}")
    arguments = parser.parse_args()
    unknown = set(arguments.names).difference(known)
    if unknown:
        parser.error(f"no fork {', '.join(sorted(unknown))}")
    arguments.names = arguments.names or known
    return arguments


def main() -> int:
    """Make the forks one after the other, print a line for each run, and all of them as a table at the end."""
    arguments = _arguments()
    found = []
    for name in arguments.names:
        with tempfile.TemporaryDirectory(prefix=f"fork-{name}-") as folder:
            for line in lines(Path(folder) / "fork", name, whole=arguments.all):
                sys.stderr.write(f"{line}\n")
                found.append(line)
    print(_FORM.format(*_HEAD).rstrip(), *found, sep="\n")
    return int(any(line.verdict for line in found))


if __name__ == "__main__":
    sys.exit(main())
