"""The command line of the development server."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue

from kfp_gitops import __version__
from kfp_gitops.devserver.auth import Rights
from kfp_gitops.devserver.errors import StartError
from kfp_gitops.devserver.faults import Faults
from kfp_gitops.devserver.guard import is_loopback
from kfp_gitops.devserver.server import DevServer

_OPEN = (
    "devserver: warning: no authentication: whoever reaches {} may run code on this machine; "
    "--token-file asks everybody for a token\n"
)
_PROJECT = Path(__file__).parents[3]
_EPILOG = """examples:
  python scripts/devserver.py                                 on port 8888, data in .devserver/
  python scripts/devserver.py --port 0 --data .demo/server    on a free port, which the first line names
  python scripts/reconcile.py plan --env dev --host http://127.0.0.1:8888
  python scripts/devserver.py --listen 10.0.0.5 --allow-host ml-pipeline.kubeflow.svc --token-file tokens
                                                              for pods that reach this machine at 10.0.0.5

exit codes: 0 ended by SIGTERM · 2 bad usage, or it cannot start (port in use, folder not writable, kfp missing) ·
130 interrupted (Ctrl-C)"""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM (0) or SIGINT (130); 2 when it cannot start."""
    asked = _parser().parse_args(argv)
    try:
        rights = Rights(_tokens(asked.token_file))
        with _signals() as asked_to_stop, _server(asked, rights) as server:
            if asked.token_file is None and not is_loopback(asked.listen or asked.host):
                sys.stderr.write(_OPEN.format(asked.listen))
            sys.stdout.write(f"development server listening on {server.url}, data in {server.data_dir}\n")
            sys.stdout.flush()
            return 130 if asked_to_stop.get() == signal.SIGINT else 0
    except StartError as error:
        sys.stderr.write(f"devserver: {error}\n")
        return 2


def _server(asked: argparse.Namespace, rights: Rights) -> DevServer:
    return DevServer(
        asked.data,
        host=asked.host,
        port=asked.port,
        listen=asked.listen,
        allow_hosts=asked.allow_host,
        pass_env=asked.pass_env,
        mounts=_folders(asked.mount),
        python_path=asked.python_path or [_PROJECT / "components/src"],
        faults=Faults(latency=asked.latency, kubernetes=asked.kubernetes),
        rights=rights,
        cadence=asked.cadence,
        cache=asked.cache,
    )


def _folders(paths: list[str]) -> list[str]:
    for path in paths:
        if not Path(path).is_absolute() or not Path(path).is_dir():
            raise StartError(f"--mount {path}: there is no such folder; make it, and write its whole path")
    return paths


def _tokens(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        tokens = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"--token-file {path}: cannot be read: {error}") from error
    if not tokens:
        raise StartError(f"--token-file {path}: holds no token; write one a line")
    return tokens


@contextlib.contextmanager
def _signals() -> Iterator[SimpleQueue[int]]:
    """Where SIGTERM and SIGINT arrive, from before the start until after the end, so that nothing is left behind."""
    arrived: SimpleQueue[int] = SimpleQueue()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda got, _frame: arrived.put(got)) for number in numbers]
    try:
        yield arrived
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="devserver.py",
        description="Serve the Kubeflow Pipelines API, on this machine alone unless told otherwise: pipelines, "
        "schedules and runs from one folder, without a cluster. For development and tests; it is no place for real "
        "work.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_address(parser)
    _add_pace(parser)
    parser.add_argument(
        "--version", action="version", version=f"kfp-gitops {__version__}, answers as KFP 2.17.0 does"
    )
    parser.add_argument("--data", type=Path, default=Path(".devserver"), metavar="DIR",
                        help="where everything is kept (default: %(default)s)")  # fmt: skip
    parser.add_argument("--python-path", type=Path, action="append", metavar="P",
                        help="where runs find their code; may be repeated (default: components/src)")  # fmt: skip
    parser.add_argument("--pass-env", action="append", default=[], metavar="NAME",
                        help="a variable of this environment that the steps of runs see, beside PATH and its like; may "
                        "be repeated")  # fmt: skip
    parser.add_argument("--mount", action="append", default=[], metavar="PATH",
                        help="this machine's folder PATH stands for the volume claim, secret or config map that "
                        "pipelines mount there; may be repeated")  # fmt: skip
    parser.add_argument("--cache", action="store_true",
                        help="answer a task from what it gave before, as KFP does where the pipeline lets it "
                        "(default: every task runs)")  # fmt: skip
    return parser


def _add_address(parser: argparse.ArgumentParser) -> None:
    """Where it listens, and for whom."""
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--listen", metavar="ADDRESS",
                        help="an IP address to bind instead, so that pods or other machines reach it; whoever does "
                        "may run code on this machine")  # fmt: skip
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME",
                        help="a name by which it may be called (the Host header, without port), beside loopback's and "
                        "--listen's own; may be repeated")  # fmt: skip
    parser.add_argument("--token-file", type=Path, metavar="FILE",
                        help="tokens, one a line, of which every request but /healthz must bring one "
                        "(Authorization: Bearer …); read at the start (default: none is asked)")  # fmt: skip
    parser.add_argument("--port", type=int, default=8888, help="0 picks a free one (default: %(default)s)")


def _add_pace(parser: argparse.ArgumentParser) -> None:
    """How fast it answers and fires."""
    parser.add_argument("--latency", type=float, default=0.0, metavar="S",
                        help="seconds that every request waits, to feel a network (default: none)")  # fmt: skip
    parser.add_argument("--kubernetes", type=float, default=0.0, metavar="S",
                        help="seconds of each request that the server would make to Kubernetes, one after another; "
                        "0.2 is as slow as the real one (default: none)")  # fmt: skip
    parser.add_argument("--cadence", type=float, default=1.0, metavar="S",
                        help="seconds between two looks for what is due; 30 makes schedules as late as the real "
                        "controller does (default: %(default)g)")  # fmt: skip
