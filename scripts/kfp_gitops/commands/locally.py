"""`run --local`: compile one pipeline of manifests/<env>/ and run it on this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from kfp_gitops.base import faults
from kfp_gitops.base.errors import GitOpsError, InputError, UsageError
from kfp_gitops.commands import begun, components, console
from kfp_gitops.compiling import compiler
from kfp_gitops.kfpserver.runtree.ids import Ids
from kfp_gitops.language import macros
from kfp_gitops.language.manifest import Manifest
from kfp_gitops.local import about, results
from kfp_gitops.local import job as local
from kfp_gitops.operate import runs
from kfp_gitops.rendering.render import render
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import compiledfrom, environment, release
from kfp_gitops.sources.compiledfrom import Compilation


def run(
    arguments: Namespace,
    manifest: Manifest,
    inner: Mapping[str, Manifest],
    rendered: RenderedPipeline,
    superseded: Callable[[], bool] | None = None,
) -> int:
    """Run it to its end; the exit code is that of the run. With `superseded` it was rendered just now.

    Raises:
        SupersededError: that said so; nothing of the run is left.
    """
    values = runs.parameters(manifest, arguments.param)
    if superseded is None:
        _say_when_stale(arguments, rendered)
    for name, value in values.items():
        for macro in macros.names(value) if isinstance(value, str) else ():
            console.note(f"--param {name}: KFP's server would expand [[{macro}]]; here it stays as it is")
    where = f"manifests/{arguments.env}"
    text = compiler.compile_pipeline(rendered, where).text
    name = f"{arguments.pipeline}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    out = (arguments.out or arguments.root / ".local-runs" / name).absolute()
    python_path = [arguments.root / "components/src"]
    kept = arguments.root / ".local-runs/.cache" / arguments.env / arguments.pipeline
    job = local.Job(
        name, text, values, out, python_path, arguments.workers, Ids(manifest, inner, same=True),
        arguments.pass_env, kept.absolute() if arguments.cache else None,
        about.beside(arguments.root, arguments.env, rendered, python_path), arguments.mount,
    )  # fmt: skip
    try:
        code, progress = local.run(job, console.note, superseded or (lambda: False))
    except local.SupersededError:
        shutil.rmtree(out, ignore_errors=True)
        raise
    error = local.failure(code, progress, job, local.Source.of(rendered, where))
    if error:
        if isinstance(error, InputError):  # nothing has run, so nothing is left behind
            shutil.rmtree(out, ignore_errors=True)
        raise error
    console.result(results.table(progress, out, arguments.root))
    return code


def compile_edited(arguments: Namespace) -> None:
    """Compile what this pipeline is made of where that was edited since, and render; without kfp only say so."""
    edited = compiledfrom.stale(arguments.root, found := _python_of(arguments))
    if edited and find_spec("kfp") is None:
        console.note(faults.told(InputError(edited)))
    elif edited:
        with redirect_stdout(sys.stderr):  # what was asked for is what the run gives
            components.compile_stale(arguments.root, found)
            begun.render(arguments.root, "--env", arguments.env)


def _python_of(arguments: Namespace) -> list[Compilation]:
    """Nothing where copies are followed; nor where inputs are wrong: what is rendered may run all the same."""
    try:
        env = environment.load(arguments.root, arguments.env)
        known = env.follows_sources and arguments.pipeline in env.pipelines
        return release.python_of(arguments.root, env.template_of(arguments.pipeline)) if known else []
    except GitOpsError:
        return []


def _say_when_stale(arguments: Namespace, rendered: RenderedPipeline) -> None:
    """What runs is the manifest; who has just edited its template may expect something else."""
    try:
        found = {pipeline.name: pipeline for pipeline in render(arguments.root, arguments.env).pipelines}
    except GitOpsError:
        found = {}
    now = found.get(rendered.name)
    if now is None or dict(now.files()) != dict(rendered.files()):
        console.note(
            f"manifests/{arguments.env} is not what its inputs render to; this runs what is there. "
            f"Render it with `python scripts/render.py --env {arguments.env} --lock`"
        )


def refuse_together(arguments: Namespace) -> None:
    """Options that make no sense together with --local."""
    given = [name for name in ("host", "list", "status", "rerun", "backfill") if getattr(arguments, name)]
    if given:
        raise UsageError(f"run.py: --local takes no --{given[0]}: it speaks to no server")
    missing = [name for name in arguments.pass_env if name not in os.environ]
    if missing:
        raise UsageError(
            f"run.py: --pass-env {missing[0]}: the environment has no such variable; set it first"
        )
    absent = [path for path in arguments.mount if not Path(path).is_dir() or not Path(path).is_absolute()]
    if absent:
        raise UsageError(
            f"run.py: --mount {absent[0]}: this machine has no such folder; write the path as the pipeline mounts it, "
            f"and make it first, as by `mkdir -p {absent[0]}`"
        )
    if arguments.watch and arguments.out is not None:
        raise UsageError("run.py: --watch takes no --out: each run has a folder of its own in .local-runs")
    if arguments.workers < 1:
        raise UsageError("run.py: --workers is at least 1")
    if arguments.out is not None and arguments.out.exists():
        raise UsageError(f"run.py: {arguments.out} exists already; give a new folder with --out")
