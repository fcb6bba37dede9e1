"""Which variables of this machine a step is given: what a program needs to run, and what was named; no secret.

A step is the code of a pull request as often as not, and the environment of whoever tries it holds their tokens.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping

_NEEDED = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NO_PROXY", "no_proxy",
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
})  # fmt: skip
_HERE = {"PREDICTIVE_SCALING_LOCAL_PATHS": "allow"}
"""Says to steps that a path which a parameter names is one of this machine, and meant; in a cluster they refuse it."""
_NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}
"""To Python, bytecode is of a file while its second and size are: of two saves in one second it would run the first."""
_ALSO = re.compile(r"LC_[A-Z]+|PYTHON[A-Z0-9]+")
_PROXY = re.compile(r"(https?|all)_proxy", re.IGNORECASE)
"""Given as long as there is no password in it."""


def of_steps(environ: Mapping[str, str], named: Collection[str] = ()) -> dict[str, str]:
    """What of the environment a step is given; `named` is what people want it to have beside the usual."""
    given = {name: value for name, value in environ.items() if name in named or _usual(name, value)}
    return _HERE | given | _NO_BYTECODE


def of_this_process() -> dict[str, str]:
    """The usual alone."""
    return of_steps(os.environ)


def _usual(name: str, value: str) -> bool:
    if _PROXY.fullmatch(name):
        return "@" not in value
    return name in _NEEDED or bool(_ALSO.fullmatch(name))
