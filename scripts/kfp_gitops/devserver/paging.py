"""Lists in pages, by the rules of list.go: sizes, sort orders, and tokens that repeat the question."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from kfp_gitops.devserver import filters
from kfp_gitops.devserver.errors import InvalidArgumentError
from kfp_gitops.devserver.filters import EVERYTHING, Condition
from kfp_gitops.devserver.http import Reply, Request, message, ok
from kfp_gitops.devserver.store import R, Table

DEFAULT_SIZE = 20
LARGEST_SIZE = 200


@dataclass(frozen=True)
class Order:
    """A column, and which way."""

    column: str
    descending: bool


@dataclass(frozen=True)
class Listing(Generic[R]):
    """How one kind of record is listed: its table, the name of the list, and the fields the API knows."""

    name: str
    fields: Mapping[str, str]
    tags: bool = False

    def reply(
        self,
        request: Request,
        table: Table[R],
        show: Callable[[R], Mapping[str, Any]],
        within: Condition = EVERYTHING,
        *,
        tags: bool = False,
    ) -> Reply:
        """One page; `tags` says whether this server has them."""
        size, question = _size(request), _question(request, self.fields, tags and self.tags)
        matching = within & question.where
        found = _fetch(table, matching & question.after, question.order, size + 1)
        token = _token(request, question, found[size]) if len(found) > size else ""
        shown = [show(record) for record in found[:size]]
        total = table.count(matching.sql, *matching.values)
        return ok(message(**{self.name: shown, "total_size": total, "next_page_token": token}))


@dataclass(frozen=True)
class Question:
    """What a request asks for, given anew or kept in its token."""

    sort_by: str
    filter: str
    order: Order
    where: Condition
    after: Condition = EVERYTHING


def _question(request: Request, fields: Mapping[str, str], tags: bool) -> Question:
    token = request.query.get("page_token", "")
    asked = {"sort_by": request.query.get("sort_by", ""), "filter": request.query.get("filter", "")}
    if not token:
        return _ask(asked, fields, tags)
    kept = _read_token(token)
    question = _ask(kept, fields, tags)
    if any(asked.values()) and not _same(_ask(asked, fields, tags), question):
        raise InvalidArgumentError(
            "page token does not match the supplied sort by and/or filtering criteria. Either specify the same "
            "criteria or leave the latter empty if page token is specified."
        )
    return Question(
        kept["sort_by"], kept["filter"], question.order, question.where, _after(question.order, kept)
    )


def _same(one: Question, other: Question) -> bool:
    return (one.order, one.where) == (other.order, other.where)


def _ask(asked: Mapping[str, Any], fields: Mapping[str, str], tags: bool) -> Question:
    order = _order(asked["sort_by"], fields)
    return Question(
        asked["sort_by"], asked["filter"], order, filters.parse(asked["filter"], fields, tags=tags)
    )


def _order(sort_by: str, fields: Mapping[str, str]) -> Order:
    """list.go `NewOptions`: without regard to case; creation time unless told."""
    words = sort_by.lower().split()
    if len(words) > 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
        raise InvalidArgumentError(
            f'Received invalid sort by format {sort_by!r}. Supported format: "field_name", "field_name desc", '
            'or "field_name asc"'
        )
    if words and words[0] not in fields:
        raise InvalidArgumentError(f"Invalid sorting field: {words[0]!r}")
    return Order(fields[words[0]] if words else "created", words[1:] == ["desc"])


def _size(request: Request) -> int:
    """list.go `validatePageSize`: 0 is the default, and more than the largest is the largest."""
    text = request.query.get("page_size", "") or "0"
    try:
        size = int(text) if len(text) < 11 else -1
    except ValueError as error:
        raise InvalidArgumentError(f"page_size: {text!r} is not an integer") from error
    if size < 0:
        raise InvalidArgumentError(f"The page size should be greater than 0. Got {text}")
    return min(size or DEFAULT_SIZE, LARGEST_SIZE)


def _fetch(table: Table[R], condition: Condition, order: Order, limit: int) -> list[R]:
    way = "DESC" if order.descending else "ASC"
    sql = f"{order.column} {way}, id {way}"
    return table.where(condition.sql, *condition.values, order=sql, limit=limit)


def _after(order: Order, kept: Mapping[str, Any]) -> Condition:
    """The first record of the next page, and all that follow it."""
    sign = "<" if order.descending else ">"
    sql = f"{order.column} {sign} ? OR ({order.column} = ? AND id {sign}= ?)"
    return Condition(sql, (kept["value"], kept["value"], kept["id"]))


def _token(request: Request, question: Question, following: Any) -> str:
    content = {
        "path": request.path,
        "sort_by": question.sort_by,
        "filter": question.filter,
        "value": getattr(following, question.order.column),
        "id": following.id,
    }
    return base64.b64encode(json.dumps(content).encode()).decode()


def _read_token(token: str) -> dict[str, Any]:
    try:
        content = json.loads(base64.b64decode(token, validate=True))
        kept = {name: content[name] for name in ("sort_by", "filter", "value", "id")}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidArgumentError("Invalid package token") from error
    texts = all(isinstance(kept[name], str) for name in ("sort_by", "filter", "id"))
    if not texts or not isinstance(kept["value"], str | int | None):
        raise InvalidArgumentError("Invalid package token")
    return kept
