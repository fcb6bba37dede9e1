"""The generated client of KFP's API, by whichever name it is installed; the one place that imports it.

Up to kfp 2.17 it is a package of its own, kfp-server-api. kfp 3.0 has it inside, as kfp.server_api, with the same
names in it (kubeflow/pipelines, proposals/sdk-packaging-consolidation); pip leaves the old one lying beside it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def _name() -> str:
    """Looks without importing: `kfp` takes a second, and only 3.0 needs it for this."""
    found = find_spec("kfp")
    places = found.submodule_search_locations or () if found else ()
    return (
        "kfp.server_api" if any(Path(place, "server_api").is_dir() for place in places) else "kfp_server_api"
    )


kfp_server_api: Any = import_module(_name())
