"""`import --check`: of each file whether it can be imported, and how; nothing is written."""

from __future__ import annotations

from argparse import Namespace

from kfp_gitops.base.errors import ExitCode, InputError
from kfp_gitops.commands import console
from kfp_gitops.commands.importing import told
from kfp_gitops.commands.importing.compiled import read


def check(arguments: Namespace) -> int:
    """A line for each file, and why those that are refused are."""
    refused = 0
    for file in arguments.file:
        try:
            found = read(arguments, file, {})
        except InputError as error:
            refused += 1
            console.result(f"refused  {file}")
            console.note(str(error))
        else:
            kept = f"  {shown}" if (shown := told.kept(found)) else ""
            kept += f"  accepts: {', '.join(found.accepted)}" if found.accepted else ""
            console.result(f"{'as sent' if found.told else 'equal':7}  {file}  {found.digest}{kept}")
            for line in told.reasons(found):
                console.note(line)
    console.result(f"{len(arguments.file) - refused} of {len(arguments.file)} can be imported")
    return ExitCode.BAD_INPUT if refused else ExitCode.OK
