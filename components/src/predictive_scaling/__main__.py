"""Runs the steps by hand: `python -m predictive_scaling <step> --help`.

Exit codes: 0 done · 1 the data did not pass · 2 bad usage or bad input · 3 a defect of ours (traceback) · 4 a
server failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from predictive_scaling._console import complain
from predictive_scaling.commands import COMMANDS
from predictive_scaling.errors import InputError, RemoteError
from predictive_scaling.logs import configure


def parser() -> argparse.ArgumentParser:
    """The command line: one subcommand per module-level command."""
    root = argparse.ArgumentParser(prog="python -m predictive_scaling", description=__doc__)
    steps = root.add_subparsers(dest="step", required=True)
    for command in COMMANDS:
        step = steps.add_parser(
            command.name,
            help=command.summary,
            description=command.summary,
            epilog=command.lesson,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.arguments(step)
        step.set_defaults(run=command.run)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one step; errors of the caller are one line, never a traceback."""
    arguments = parser().parse_args(argv)
    try:
        configure(default_level="critical")  # people read results and errors; LOG_LEVEL=info shows the rest
        code: int = arguments.run(arguments)
    except InputError as error:
        complain(f"error: {error}")
        return 2
    except RemoteError as error:
        complain(f"error: {error}")
        return 4
    except OSError as error:
        complain(f"error: {_file(error)}")
        return 2
    return code


def _file(error: OSError) -> str:
    name = Path(str(error.filename)).name if error.filename else "file"
    return f"{name}: {error.strerror or error}"


if __name__ == "__main__":
    sys.exit(main())
