"""Compile 1,000 distinct five-task pipelines, against the plain SDK loop and `kfp dsl compile` for each file.

The plain loop is the SDK as it is used by hand: components loaded once, then DSL function and compiler for each
pipeline. Ours reads the manifests, checks them, compiles, lints and sizes the IR, and takes its digest. What takes a
second a pipeline is measured on a sample, and all figures are for one pipeline.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from . import generator
from .house import ROOT, Command, Row, Settings, compare

SIZE = 1000
SAMPLE = 4

# What reconcile does before it talks to KFP; the argument is what of the compiler it calls.
OURS = """
import os, sys
from pathlib import Path
from kfp_gitops.base.places import Plain
from kfp_gitops.compiling import compiler
from kfp_gitops.reconcile import folder
from kfp_gitops.rendering.rendered import read_from
root, function, alone, out = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "alone", Path(sys.argv[4])
if alone:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
entries, shared = folder.settings_of(root / "manifests/dev", "dev")["pipelines"], {}
pipelines = [read_from(Plain(root, "manifests/dev"), entry, shared) for entry in entries]
found = getattr(compiler, function)(pipelines, "manifests/dev")
assert len(found) == len(pipelines)
if function == "compile_all":
    for name, one in found.items():
        (out / f"{name}.yaml").write_text(one.text)
"""


def rows(settings: Settings) -> Iterator[Row]:
    """Digests, YAML, what has not changed, and the import alone."""
    root, out, specs = settings.folder / "ours", settings.folder / "out", settings.folder / "specs"
    size = settings.size or SIZE
    generator.repository(root, size)
    subprocess.run(_render(root), check=True, capture_output=True)
    for folder in (out, specs):
        folder.mkdir()
    for name, text in generator.component_specs(generator.IMAGE).items():
        (specs / f"{name}.yaml").write_text(text, "utf-8")
    each = ("ms per pipeline", size)
    plain = Command(
        "plain SDK loop", [sys.executable, "-m", "tests.bench.plain", str(specs), str(out), str(size)], _PATHS
    )
    digest = _ours("digests, one core", root, "identify_all", True, out)
    yield compare("digests, one core", digest, plain, settings, each=each, wanted=5, absolute=True)
    yaml = _ours("YAML, all cores", root, "compile_all", False, out)
    yield compare("YAML, all cores", yaml, plain, settings, each=each, wanted=15, absolute=True)
    yield compare(
        f"YAML, all cores, against kfp's command ({SAMPLE} pipelines)",
        _ours("YAML, all cores", root, "compile_all", False, out),
        Command("kfp dsl compile", _dsl_compile(settings.folder, specs, out), _PATHS),
        settings,
        each=("ms per pipeline", size),
        peer_each=("ms per pipeline", SAMPLE),
    )
    lock = [*_render(root), "--lock"]
    subprocess.run(lock, check=True, capture_output=True)
    yield compare(
        "render --lock, nothing changed",
        Command("render.py --lock", lock),
        plain,
        settings,
        each=each,
        wanted=1,
        absolute=True,
    )
    yield compare(
        "import alone",
        Command(
            "import kfp_gitops.compiling.compiler",
            [sys.executable, "-c", "import kfp_gitops.compiling.compiler"],
            _PATHS,
        ),
        Command("import kfp", [sys.executable, "-c", "import kfp"]),
        settings,
        wanted=0.5,
    )


_IMPORT = "import kfp_gitops.compiling.compiler"
_PATHS = {"PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT}"}


def _render(root: Path) -> list[str]:
    return [sys.executable, str(ROOT / "scripts/render.py"), "--env", "dev", "--root", str(root)]


def _ours(name: str, root: Path, function: str, alone: bool, out: Path) -> Command:
    argv = [sys.executable, "-c", OURS, str(root), function, "alone" if alone else "all", str(out)]
    return Command(name, argv, _PATHS)


def _dsl_compile(folder: Path, specs: Path, out: Path) -> list[str]:
    """One process for each file, as a person or a Makefile calls it."""
    commands = []
    for number in range(SAMPLE):
        source = folder / f"sample_{number}.py"
        source.write_text(
            "from pathlib import Path\nfrom tests.bench.generator import Shape\nfrom tests.bench import plain\n"
            f"sample = plain.pipeline(Shape({number}), plain.loaded(Path({str(specs)!r})))\n",
            "utf-8",
        )
        kfp = [str(Path(sys.executable).with_name("kfp")), "dsl", "compile", "--function", "sample"]
        commands.append(
            shlex.join([*kfp, "--py", str(source), "--output", str(out / f"sample_{number}.yaml")])
        )
    return ["sh", "-c", " && ".join(commands)]
