"""`prepared_call.py <socket> <words>`: have a prepared process do what `python <words>` does, and end as that ends.

It is there to be quick: it imports nothing that Python is not built with, and `pathlib`, `socket` and `json` are not.
"""

import _signal
import _socket
import marshal
import os
import sys

RELAYED = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)


def main() -> int:
    """The exit code; a signal that ended the program ends this, too."""
    descriptors = [number for number in map(int, os.listdir("/proc/self/fd")) if _is_open(number)]
    ignored = [number for number in RELAYED if _signal.getsignal(number) == _signal.SIG_IGN]
    asked = marshal.dumps((sys.argv[2:], dict(os.environ), os.getcwd(), descriptors, ignored))
    there = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    there.connect(sys.argv[1])
    numbers = b"".join(number.to_bytes(4, sys.byteorder) for number in descriptors)
    there.sendmsg(
        [len(asked).to_bytes(8, sys.byteorder)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, numbers)]
    )
    there.sendall(asked)
    for number in set(RELAYED) - set(ignored):
        _signal.signal(number, lambda found, _frame: there.sendall(b"%d\n" % found))
    return _ended(int(there.recv(16) or -_signal.SIGKILL))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:  # the one that listed them
        return False
    return True


def _ended(status: int) -> int:
    if status < 0:
        if -status in RELAYED:
            _signal.signal(-status, _signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


if __name__ == "__main__":
    os._exit(main())
