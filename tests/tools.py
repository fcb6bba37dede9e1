"""Tools that a machine may lack: a skip that says so, and a failure where CI promises them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml


def missing(what: str) -> NoReturn:
    """Skip for want of a tool; in CI that is a failure, for CI installs it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, though CI installs it")
    pytest.skip(what)


@cache
def _kubectl_builds() -> bool:
    """kubectl's kustomize is good from version 5 on; Debian's kubectl has version 2."""
    if not shutil.which("kubectl"):
        return False
    done = subprocess.run(["kubectl", "version", "--client"], capture_output=True, text=True, check=False)
    return re.search(r"Kustomize Version: v[5-9]", done.stdout) is not None


def kustomize_build(folder: Path) -> list[dict[str, Any]]:
    """The objects that `kustomize build` makes of a folder."""
    if _kubectl_builds():
        command = ["kubectl", "kustomize", str(folder)]
    elif shutil.which("kustomize"):
        command = ["kustomize", "build", str(folder)]
    else:
        missing("neither kubectl with kustomize 5 nor kustomize is installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, yaml.CSafeLoader))
