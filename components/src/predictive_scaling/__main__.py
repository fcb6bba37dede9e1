"""Forecasts what services will need, by hand: the steps that the pipelines run, on files.

  python -m predictive_scaling recommend --input sample:smd_servers_5min --now 2024-02-02T22:10:00Z --output out
      runs all steps on shipped data: out/report.html shows the forecasts, out/recommendation.json is for consumers
  python -m predictive_scaling doctor --url http://localhost:9090 --namespace shop
      says whether Prometheus has what is needed of your own services, and what to do where it has not
  python -m predictive_scaling fetch --url http://localhost:9090 --namespace shop --output usage.csv.gz
      reads it; then `validate` says whether it is good enough, and `recommend` goes on; what acts on the recommendation
      is written by `consumers` and `propose`. In order, with KEDA: docs/scaling-start.md
  python -m predictive_scaling recommend --input s3://bucket/usage.csv.gz --output out --registry s3://bucket/models
      reads from a bucket and publishes to it; endpoint and credentials are the environment's, as boto3 knows them

Exit codes: 0 done · 1 the data did not pass · 2 bad usage or bad input · 3 a defect of ours (traceback) · 4 a
server failed · 130 interrupted · 143 stopped (SIGTERM).
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from predictive_scaling import __version__
from predictive_scaling.base.console import complain
from predictive_scaling.base.errors import InputError, RemoteError
from predictive_scaling.base.hidden import hidden
from predictive_scaling.base.stopping import heed
from predictive_scaling.commands.steps import COMMANDS
from predictive_scaling.tell.logs import configure


def parser() -> argparse.ArgumentParser:
    """The command line: one subcommand per module-level command."""
    raw = argparse.RawDescriptionHelpFormatter
    root = argparse.ArgumentParser(
        prog="python -m predictive_scaling", description=__doc__, formatter_class=raw
    )
    steps = root.add_subparsers(dest="step", required=True)
    root.add_argument("--version", action="version", version=f"predictive-scaling {__version__}")
    for command in COMMANDS:
        step = steps.add_parser(
            command.name,
            help=command.summary,
            description=command.summary,
            epilog=command.lesson,
            formatter_class=raw,
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
    except Exception:
        complain(f"{hidden(traceback.format_exc())}\nthis is a defect: please report it with the lines above")
        return 3
    return code


def _file(error: OSError) -> str:
    name = Path(str(error.filename)).name if error.filename else "file"
    if isinstance(error, IsADirectoryError):
        return f"{name}: a folder; name a file (of a kustomization, what `kubectl kustomize {name}` prints)"
    return f"{name}: {error.strerror or error}"


if __name__ == "__main__":
    heed()
    sys.exit(main())
