"""Settings of the place where a step runs: environment variables, or files that a secret is mounted as.

`PREDICTIVE_SCALING_<NAME>` holds a value; `PREDICTIVE_SCALING_<NAME>_FILE` names a file that holds it, as a mounted
secret does, and is read anew each time, so that a rotated secret counts. No value is ever printed from here.

    ENVIRONMENT                     name of the environment, such as dev: on log lines and metrics
    NAMESPACE                       namespace that the services are in: on recommendations, log lines and metrics
    PUSHGATEWAY_URL                 where gauges are pushed; unset: nowhere
    WEBHOOK_URL, WEBHOOK_FORMAT     whom the exit task tells of a failed run; format slack (default) or alertmanager
    <SERVER>_TOKEN                  bearer token for PROMETHEUS, PUSHGATEWAY or WEBHOOK
    <SERVER>_USER, <SERVER>_PASSWORD    or basic authentication
    S3_ACCESS_KEY, S3_SECRET_KEY    credentials for s3://, where boto3's own ways do not serve
    S3_PATIENCE_SECONDS             how long a store that does not answer is waited for (default 60)
    WEB_PATIENCE_SECONDS            how long the other servers are (default 60)
    CA_FILE                         certificates to trust instead of the system's: for these servers and for S3
    LOCAL_PATHS                     allow: a run's parameters may name paths of the machine that a task runs on
    LOG_LEVEL                       debug, info (default), warning or error
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from predictive_scaling.base.errors import InputError

PREFIX = "PREDICTIVE_SCALING_"
LOCAL_PATHS = "LOCAL_PATHS"


def setting(name: str, default: str = "") -> str:
    """Value of a setting, stripped; raises InputError when the file that should hold it cannot be read."""
    direct = os.environ.get(PREFIX + name, "")
    if direct:
        return direct.strip()
    path = os.environ.get(f"{PREFIX}{name}_FILE", "")
    return _content(name, path) if path else default


def seconds(name: str, default: float) -> float:
    """A setting that is a length of time; raises InputError when it is no number of seconds, 0 or more."""
    text = setting(name, str(default))
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < math.inf:
        raise InputError(f"{PREFIX}{name} must be a number of seconds, such as {default:g}")
    return found


def told(name: str) -> str:
    """A setting that is only told, on log lines and in notices: one that cannot be read stops nobody."""
    try:
        return setting(name)
    except InputError:
        return ""


def _content(name: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{PREFIX}{name}_FILE names a file that cannot be read") from error


def ca_file() -> str:
    """File of certificates to trust; empty means the system's."""
    return os.environ.get(f"{PREFIX}CA_FILE", "")
