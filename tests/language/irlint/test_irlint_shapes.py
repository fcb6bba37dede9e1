"""No finding in what the SDK compiles soundly; each shape that it compiles wrongly is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dsl_shapes
import pytest
from kfp import compiler, dsl
from kfp_gitops.base.errors import InputError
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import emit
from kfp_gitops.sources import brought


def _text(function: Callable[..., Any], folder: Path) -> str:
    path = folder / "pipeline.yaml"
    compiler.Compiler().compile(dsl.pipeline(name="shape")(function), str(path))
    return path.read_text("utf-8")


@pytest.mark.parametrize("function", dsl_shapes.SOUND, ids=lambda function: function.__name__)
def test_sound_ir_is_read_and_loads_to_itself(function: Callable[..., Any], tmp_path: Path) -> None:
    text = _text(function, tmp_path)
    brought.read(text, "shape.yaml")
    assert emit.documents(emit.graph(ir.documents(text))) == ir.documents(text)


@pytest.mark.parametrize("function", dsl_shapes.BROKEN, ids=lambda function: function.__name__)
def test_ir_that_the_sdk_compiles_wrongly_is_refused(function: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="which does not exist"):
        brought.read(_text(function, tmp_path), "shape.yaml")
