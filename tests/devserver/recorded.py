"""Exchanges with the real KFP 2.17.0, to be had again with the development server: asked, normalised, compared.

A line of `tests/data/kfp-2.17.0/*.jsonl` is a request and the reply that the real server gave. In both, `<name>` is an
id that an earlier reply gave (`keep` says which of its fields), `<x*300>` is 300 times x. In replies `<id>` is an id
without a name, `<time>` and `<epoch>` are times, and a text that ends in … was longer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

DATA = Path(__file__).parents[1] / "data/kfp-2.17.0"
UPLOADS: dict[str, dict[str, Any]] = json.loads((DATA / "uploads.json").read_text("utf-8"))

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"(\d{4})-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_NAME = re.compile(r"<([^<>*]+)>")
_TIMES = re.compile(r"<(.)\*(\d+)>")
_POSITION = re.compile(r"(?<=proto:) \(line \d+:\d+\):| \(line \d+:\d+\)")
_ADDRESS = re.compile(r"&\{[^}]*\}")
_TOKEN = re.compile(r"(pageToken: )[A-Za-z0-9+/=]{20,}.*", re.DOTALL)
_CUT = "…"


@dataclass(frozen=True)
class Exchange:
    """One line of a file."""

    file: str
    place: int
    asked: Mapping[str, Any]

    @property
    def label(self) -> str:
        return str(self.asked["label"])

    @property
    def reply(self) -> Mapping[str, Any]:
        told: Mapping[str, Any] = self.asked["reply"]
        return told

    def __str__(self) -> str:
        return f"{self.file}:{self.place} {self.label}: {self.asked['method']} {self.asked['path']}"


def exchanges(file: str) -> list[Exchange]:
    lines = (DATA / f"{file}.jsonl").read_text("utf-8").splitlines()
    return [Exchange(file, place, json.loads(line)) for place, line in enumerate(lines, 1)]


@dataclass(frozen=True)
class Answer:
    """What came back; `body` is None unless it is JSON."""

    status: int
    kind: str
    text: str
    body: Any


class Conversation:
    """Requests to one server, in order; it knows the ids that were given so far."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = urllib3.PoolManager(retries=False, timeout=60)
        self._ids: dict[str, str] = {}

    def ask(self, asked: Mapping[str, Any]) -> Answer:
        query = {k: self._fill(v) for k, v in asked.get("query", {}).items()}
        url = self._url + self._fill(asked["path"]) + (f"?{urlencode(query)}" if query else "")
        found = self._http.request(asked["method"], url, redirect=False, **self._body(asked))
        text = found.data.decode()
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        return Answer(found.status, found.headers.get("Content-Type", ""), text, body)

    def keep(self, asked: Mapping[str, Any], answer: Answer) -> None:
        """Remember the ids that the reply gave; in itself they have no names yet."""
        for name, key in asked.get("keep", {}).items():
            if isinstance(answer.body, dict) and key in answer.body:
                self._ids[name] = answer.body[key]

    def _body(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        if upload := asked.get("upload"):
            data = _expanded(UPLOADS["files"][upload["ir"]]).encode()
            file = (upload.get("filename", "p.yaml"), data, "application/octet-stream")
            return {"fields": {upload.get("field", "uploadfile"): file}, "headers": headers}
        if "json" in asked:
            return {"json": self._filled(asked["json"]), "headers": headers}
        if "raw" in asked:
            return {"body": asked["raw"].encode(), "headers": headers | {"Content-Type": "application/json"}}
        return {"headers": headers}

    def _fill(self, text: str) -> str:
        text = _TIMES.sub(lambda m: m[1] * int(m[2]), text)
        return _NAME.sub(lambda m: self._ids.get(m[1], m[0]), text)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._fill(k): self._filled(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._filled(v) for v in value]
        return self._fill(value) if isinstance(value, str) else value

    def differences(self, exchange: Exchange, answer: Answer) -> list[str]:
        """Where the reply is another than the recorded one, a line each."""
        wanted, lines = exchange.reply, []
        if answer.status != wanted["status"]:
            lines.append(f"status: {wanted['status']} recorded, {answer.status} here")
        if answer.kind != (kind := wanted.get("type", "application/json")):
            lines.append(f"type: {kind} recorded, {answer.kind} here")
        if "text" in wanted and answer.text != wanted["text"]:
            lines.append(f"text: {wanted['text']!r} recorded, {answer.text!r} here")
        return lines + list(self._in_body(wanted, answer.body))

    def _in_body(self, wanted: Mapping[str, Any], body: Any) -> Iterator[str]:
        if "keys" in wanted and sorted(body) != wanted["keys"]:
            yield f"keys: {wanted['keys']} recorded, {sorted(body)} here"
        if "count" in wanted and (n := len(next(iter(body.values()), []))) != wanted["count"]:
            yield f"count: {wanted['count']} recorded, {n} here"
        if "body" not in wanted:
            return
        told = dict(_flat(_expanded(wanted["body"])))
        here = {k: v for k, v in (body or {}).items() if k not in wanted.get("any", ())}
        here = dict(_flat(self._known(here)))
        for place in told if wanted.get("part") else sorted(told | here):
            one, other = told.get(place, "(nothing)"), here.get(place, "(nothing)")
            if place == "next_page_token" and place in told and place in here:
                continue
            if not _same(one, other):
                yield f"{place}: {one!r:.600} recorded, {other!r:.600} here"

    def _known(self, value: Any) -> Any:
        """Ids and times by their names."""
        if isinstance(value, dict):
            return {k: self._known(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._known(v) for v in value]
        if not isinstance(value, str):
            return value
        names = {key: f"<{name}>" for name, key in self._ids.items()}
        value = _ID.sub(lambda m: names.get(m[0], "<id>"), value)
        return _TIME.sub(lambda m: "<epoch>" if m[1] == "1970" else f"<time{'.frac' if m[2] else ''}>", value)


def _expanded(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {_expanded(k): _expanded(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_expanded(v) for v in value]
    if not isinstance(value, str):
        return value
    if key == "pipeline_spec" and value.startswith("<spec "):
        return UPLOADS["specs"][value[6:-1]]
    return _TIMES.sub(lambda m: m[1] * int(m[2]), value)


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{place}[{number}]")
    elif value not in ({}, []) or place:
        yield place, value


def _settled(text: str) -> str:
    """Without what says nothing: where in the JSON, where in the memory, and the inside of a token."""
    return _TOKEN.sub(r"\1<token>", _ADDRESS.sub("&{}", _POSITION.sub("", text)))


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other) or not isinstance(one, str):
        return type(one) is type(other) and bool(one == other)
    one, other = _settled(one), _settled(str(other))
    if one.endswith(_CUT):
        # A stack trace was cut at its first line, any other text in its middle.
        return str(other).startswith(one.removesuffix(_CUT).rstrip())
    return bool(one == other)
