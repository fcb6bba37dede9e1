"""The published API as the judge of every reply: kubeflow/pipelines' swagger, unknown properties refused."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

SWAGGER = Path(__file__).parents[1] / "data/kfp_api_v2beta1.swagger.json"
_UPLOAD_FAILURE = {"error_message", "error_details"}
_formats = jsonschema.FormatChecker(formats=[])


@_formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_formats.checks("int64", raises=ValueError)
def _is_int64(value: object) -> bool:
    return not isinstance(value, str) or str(int(value)) == value


def _closed(schema: Any) -> Any:
    """The schema with every object that names its properties closed to others."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed


@cache
def _operations() -> list[tuple[str, re.Pattern[str], dict[str, jsonschema.Draft4Validator]]]:
    swagger = json.loads(SWAGGER.read_text())
    definitions = _closed(swagger["definitions"])
    found = []
    # Literal paths before those with names in them: /pipelines/create is no pipeline.
    for path, methods in sorted(swagger["paths"].items(), key=lambda item: item[0].count("{")):
        regex = re.compile(re.sub(r"\\\{.*?\\\}", "[^/:]+", re.escape(path)))
        for method, operation in methods.items():
            responses = {
                code: jsonschema.Draft4Validator(
                    {**_closed(response["schema"]), "definitions": definitions}, format_checker=_formats
                )
                for code, response in operation["responses"].items()
            }
            found.append((method.upper(), regex, responses))
    return found


def problems(method: str, path: str, status: int, content_type: str, body: bytes) -> list[str]:
    """What is wrong with a reply; paths that are not the API's are not judged."""
    if not path.startswith("/apis/v2beta1/"):
        return []
    if path == "/apis/v2beta1/healthz" and status == 200:
        return _healthz_problems(body)
    upload = "/pipelines/upload" in path
    if upload and status >= 400 and content_type.startswith("text/plain"):
        return []
    value = json.loads(body)
    if upload and status >= 400 and set(value) == _UPLOAD_FAILURE:
        return []
    validator = _validator(method, path, status)
    return [f"{method} {path} {status}: {e.json_path}: {e.message}" for e in validator.iter_errors(value)]


def _healthz_problems(body: bytes) -> list[str]:
    """The one reply that is not generated from the swagger: main.go writes two fields more by hand."""
    more = {"commit_sha", "tag_name"}
    value = {name: field for name, field in json.loads(body).items() if name not in more}
    return [e.message for e in _validator("GET", "/apis/v2beta1/healthz", 200).iter_errors(value)]


def _validator(method: str, path: str, status: int) -> jsonschema.Draft4Validator:
    known = [(m, responses) for m, regex, responses in _operations() if regex.fullmatch(path)]
    chosen = next((r for m, r in known if m == method), _operations()[0][2])
    assert status >= 400 or any(m == method for m, _ in known), f"{method} {path} is not in the swagger"
    return chosen["200" if status == 200 else "default"]
