"""The IR's own protobuf messages, so that "unknown field" means what it means to the server's protojson."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from kfp_gitops.devserver.errors import StartError

_LONG = 1e21
"""From here on Go writes an exponent (encoding/protojson, internal/encoding/json writeFloat)."""


class IrError(ValueError):
    """The document is not the message; protobuf's own words."""


@cache
def _messages() -> ModuleType:
    """kfp/pipeline_spec/pipeline_spec_pb2.py, loaded by path: importing `kfp` would bring the whole SDK along."""
    kfp = importlib.util.find_spec("kfp")
    places = kfp.submodule_search_locations if kfp and kfp.submodule_search_locations else []
    found = [p for place in places if (p := Path(place, "pipeline_spec/pipeline_spec_pb2.py")).is_file()]
    if not found:
        raise StartError(
            "it needs kfp: install requirements-reconcile.lock, or run `make demo` once, then `. .venv/bin/activate`"
        )
    spec = importlib.util.spec_from_file_location("kfp_gitops_devserver_pipeline_spec_pb2", found[0])
    if spec is None or spec.loader is None:
        raise StartError(f"{found[0]} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def normalise(kind: str, document: Any) -> dict[str, Any]:
    """A PipelineSpec or PlatformSpec as the server stores it: defaults and order of keys gone."""
    from google.protobuf import json_format

    try:
        parsed = json_format.ParseDict(document, getattr(_messages(), kind)())
    except (json_format.ParseError, TypeError, ValueError, AttributeError) as error:
        raise IrError(str(error)) from error
    shown: dict[str, Any] = _as_struct(json_format.MessageToDict(parsed))
    return shown


def _as_struct(value: Any) -> Any:
    """What the API tells is a Struct (api_util.go), whose numbers Go writes without a fraction where they have none."""
    if isinstance(value, dict):
        return {key: _as_struct(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_struct(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _LONG else value


def check_installed() -> None:
    """Fail at start rather than at the first upload."""
    _messages()
