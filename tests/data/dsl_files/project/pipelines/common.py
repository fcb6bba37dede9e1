"""What our pipelines share."""

import os
from functools import partial
from typing import List

from kfp import dsl

REGISTRY = os.environ.get("OUR_REGISTRY", "registry.example.com/ml")
TAG = "1.4.0"
REQUIREMENTS: List[str] = ["pandas==2.2.2"]
REQUIREMENTS.append("pyarrow==16.0.0")


def image(name: str) -> str:
    """One of ours."""
    return f"registry.example.com/ml/{name}:{TAG}"


step = partial(dsl.component, base_image=image("base"), install_kfp_package=False)
