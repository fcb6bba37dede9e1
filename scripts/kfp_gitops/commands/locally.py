"""`run --local`: compile one pipeline of manifests/<env>/ and run it on this machine."""

from __future__ import annotations

import os
import secrets
import shutil
from argparse import Namespace
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from kfp_gitops.base.errors import GitOpsError, InputError, UsageError
from kfp_gitops.commands import console
from kfp_gitops.compiling import compiler
from kfp_gitops.kfpserver.runtree.ids import Ids
from kfp_gitops.language import macros
from kfp_gitops.language.manifest import Manifest
from kfp_gitops.local import job as local
from kfp_gitops.local import results
from kfp_gitops.operate import runs
from kfp_gitops.rendering.render import render
from kfp_gitops.rendering.rendered import RenderedPipeline


def run(
    arguments: Namespace, manifest: Manifest, inner: Mapping[str, Manifest], rendered: RenderedPipeline
) -> int:
    """Run it to its end; the exit code is that of the run."""
    values = runs.parameters(manifest, arguments.param)
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
        arguments.mount,
    )  # fmt: skip
    code, progress = local.run(job, console.note)
    error = local.failure(code, progress, job, local.Source.of(rendered, where))
    if error:
        if isinstance(error, InputError):  # nothing has run, so nothing is left behind
            shutil.rmtree(out, ignore_errors=True)
        raise error
    console.result(results.table(progress, out))
    return code


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
    if arguments.workers < 1:
        raise UsageError("run.py: --workers is at least 1")
    if arguments.out is not None and arguments.out.exists():
        raise UsageError(f"run.py: {arguments.out} exists already; give a new folder with --out")
