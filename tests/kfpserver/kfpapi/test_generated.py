"""kfp 3.0 has the generated client inside: it is used from there, also where the old package still lies beside it."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from kfp_gitops.kfpserver.kfpapi import generated
from kfpapi.stub import Answer, Stub
from project import PROJECT

_ASKS = """
import sys
if "--alone" in sys.argv:
    sys.modules["kfp_server_api"] = None
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.generated import kfp_server_api
print(kfp_server_api.__name__, len(list(KfpApi(sys.argv[1], "").schedules())))
"""


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """kfp as its proposal lays it out, with the client of today in it."""
    folder = tmp_path_factory.mktemp("three")
    spec = find_spec("kfp_server_api")
    assert spec is not None and spec.origin is not None
    source = Path(spec.origin).parent
    for path in source.rglob("*.py"):
        place = folder / "kfp/server_api" / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text("utf-8")
        place.write_text(re.sub(r"\bkfp_server_api\b", "kfp.server_api", text), "utf-8")
    init = folder / "kfp/server_api/__init__.py"
    init.write_text(
        init.read_text("utf-8").replace("import kfp.server_api", "from kfp import server_api"), "utf-8"
    )
    (folder / "kfp/__init__.py").write_text("", "utf-8")
    return folder


@pytest.mark.parametrize("alone", [["--alone"], []], ids=["alone", "beside the old package"])
def test_the_client_inside_kfp_is_used(three: Path, alone: list[str]) -> None:
    with Stub(
        lambda _: Answer(200, b'{"recurringRuns": [{"recurring_run_id": "r", "display_name": "s"}]}')
    ) as kfp:
        done = subprocess.run(
            [sys.executable, "-c", _ASKS, kfp.url, *alone],
            env={"PYTHONPATH": f"{three}:{PROJECT / 'scripts'}"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "kfp.server_api"


def test_today_it_is_a_package_of_its_own() -> None:
    assert generated.kfp_server_api.__name__ == "kfp_server_api"


def test_one_module_imports_it() -> None:
    named = {
        path.name
        for path in (PROJECT / "scripts").rglob("*.py")
        if re.search(r"(?m)^\s*(import|from) (kfp_server_api|kfp\.server_api)\b", path.read_text("utf-8"))
    }
    assert not named
