"""`import --check`: of each file whether it can be imported, and how; nothing is written."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence

from kfp_gitops.base.errors import ExitCode, InputError, UsageError
from kfp_gitops.commands import console
from kfp_gitops.commands.importing import compiled, dsl, told
from kfp_gitops.importing.imported import Imported


def check(arguments: Namespace) -> int:
    """A line for each pipeline, and why those that are refused are."""
    tried: list[Imported | None] = []
    for file in arguments.file:
        try:
            for name, found in _pipelines(arguments, file):
                tried.append(found)
                _tell(name, found)
        except (InputError, UsageError) as error:
            tried.append(None)
            console.result(f"refused  {file}")
            console.note(str(error))
    console.result(_summed_up(tried))
    return ExitCode.BAD_INPUT if None in tried else ExitCode.OK


def _tell(name: str, found: Imported) -> None:
    kept = f"  {shown}" if (shown := told.kept(found)) else ""
    kept += f"  accepts: {', '.join(found.accepted)}" if found.accepted else ""
    console.result(f"{'as sent' if found.told else 'equal':7}  {name}  {found.digest}{kept}")
    for line in told.reasons(found):
        console.note(line)


def _summed_up(tried: Sequence[Imported | None]) -> str:
    good = [one for one in tried if one is not None]
    whole, parts = sum(one.whole for one in good), sum(bool(one.kept) and not one.whole for one in good)
    kinds = {"as manifests": len(good) - whole - parts, "with parts brought": parts, "brought whole": whole}
    shown = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    return f"{len(good)} of {len(tried)} can be imported" + (f": {shown}" if shown else "")


def _pipelines(arguments: Namespace, file: str) -> Iterator[tuple[str, Imported]]:
    """The one of a compiled file, or those of a DSL file."""
    if not dsl.is_dsl(file):
        yield file, compiled.read(arguments, file, {})
        return
    arguments.all = True
    read, pipelines = dsl.read(arguments, file)
    for one in dsl.each(arguments, read, pipelines, {}):
        yield f"{read.path}:{one.pipeline.name}", one.imported
