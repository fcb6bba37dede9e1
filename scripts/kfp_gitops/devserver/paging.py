"""Lists in pages, by the rules of list.go: sizes, sort orders, and tokens that repeat the question."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic

from kfp_gitops.devserver import filters
from kfp_gitops.devserver.errors import ApiError, InternalError, InvalidArgumentError, MalformedError, during
from kfp_gitops.devserver.filters import EVERYTHING, Condition
from kfp_gitops.devserver.http import Reply, Request, message, ok
from kfp_gitops.devserver.store import R, Table

DEFAULT_SIZE = 20
LARGEST_SIZE = 200


class InvalidTokenError(InvalidArgumentError):
    kind = "InvalidInputError"


@dataclass(frozen=True)
class Order:
    """A column, and which way."""

    column: str
    descending: bool


@dataclass(frozen=True)
class Listing(Generic[R]):
    """How one kind of record is listed: the name of the list, and the fields the API knows.

    `resource` is the kind's name in errors; `refused` and `failed` are what stands before them, with the names of the
    query's parameters in braces.
    """

    name: str
    resource: str
    fields: Mapping[str, str]
    refused: str = "Failed to create list options"
    failed: str = "Failed to list"
    tags: bool = False
    metrics: bool = False

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
        size = _size(request)
        question = self._question(request, size, tags and self.tags)
        if question.of_another is not None:
            raise self._of_another(question)
        matching = within & question.where
        found = _fetch(table, matching & question.after, question.order, (_limit(size)) + 1)
        following = found[_limit(size)] if len(found) > _limit(size) else None
        token = _token(self.name, question, following) if following else ""
        shown = [show(record) for record in found[: _limit(size)]]
        total = table.count(matching.sql, *matching.values)
        return ok(message(**{self.name: shown, "total_size": total, "next_page_token": token}))

    def _question(self, request: Request, size: int, tags: bool) -> Question:
        query = {name: request.query.get(name, "") for name in ("page_token", "sort_by", "filter")}
        what = self.refused.format(**query, page_size=size)
        what_tags = f"Failed to list {self.name.replace('_', ' ')} due to invalid tag filter in filter spec"
        with during(what_tags if tags else what):
            # Tags are looked for before anything else is judged.
            filters.tagged(filters.read(query["filter"]) if tags else [])
        with during(what):
            if size < 0:
                raise InvalidArgumentError(f"The page size should be greater than 0. Got {size}")
            return self._asked(query, tags)

    def _asked(self, query: Mapping[str, str], tags: bool) -> Question:
        given = {name: query[name] for name in ("sort_by", "filter")}
        if not query["page_token"]:
            return self._ask(given, tags)
        kept = _read_token(query["page_token"])
        if kept["table"] != self.name:
            return Question(given, Order(kept["column"], descending=False), EVERYTHING, kept["table"])
        question = self._ask(kept, tags)
        if any(given.values()) and not _same(self._ask(given, tags), question):
            raise InvalidArgumentError(
                "page token does not match the supplied sort by and/or filtering criteria. Either specify the same "
                "criteria or leave the latter empty if page token is specified"
            )
        return replace(question, after=_after(question.order, kept))

    def _ask(self, asked: Mapping[str, str], tags: bool) -> Question:
        predicates = filters.read(asked["filter"])
        plain = [p for p in predicates if not (tags and p.key.startswith("tags."))]
        order = self._order(asked["sort_by"])
        where = filters.condition(plain, self.fields) & (filters.tagged(predicates) if tags else EVERYTHING)
        return Question(asked, order, where)

    def _order(self, sort_by: str) -> Order:
        """list.go `NewOptions`: without regard to case; creation time unless told."""
        words: list[str] = sort_by.lower().split()
        if len(words) > 2 or (len(words) == 2 and words[1] not in ("asc", "desc")):
            raise InvalidArgumentError(
                f'Received invalid sort by format "{sort_by}". Supported format: "field_name", "field_name desc", '
                'or "field_name asc"'
            )
        if words and self.metrics and words[0].startswith("metric:"):
            words = ["created_at", *words[1:]]  # no run here has a metric
        if words and words[0] not in self.fields:
            raise InvalidArgumentError(
                f'Invalid sorting field: "{words[0]}" on listable type {self.resource}'
            )
        return Order(self.fields[words[0]] if words else "created", words[1:] == ["desc"])

    def _of_another(self, question: Question) -> ApiError:
        """The token names columns of its own table, and MySQL does not find them in this one."""
        if not question.of_another:
            error: ApiError = InvalidArgumentError(f'cannot sort by field "" on type "{self.resource}"')
        else:
            column = f"{question.of_another}.{question.order.column}"
            unknown = f"Error 1054 (42S22): Unknown column '{column}' in 'WHERE'"
            error = InternalError(f"Failed to list {self.name}", f"{unknown}: {unknown}")
        error.message = f"{self.failed}: {error.message}"
        return error


@dataclass(frozen=True)
class Question:
    """What a request asks for; `of_another` names the list that its token is of, if that is not this one."""

    asked: Mapping[str, str]
    order: Order
    where: Condition
    of_another: str | None = None
    after: Condition = EVERYTHING


def _same(one: Question, other: Question) -> bool:
    return (one.order, one.where) == (other.order, other.where)


def _size(request: Request) -> int:
    """An int32, as grpc-gateway reads it."""
    text = request.query.get("page_size", "") or "0"
    problem = f'parsing field "page_size": strconv.ParseInt: parsing "{text}"'
    if not re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII):
        raise MalformedError(f"{problem}: invalid syntax")
    if len(text) > 11 or not -(1 << 31) <= int(text) < 1 << 31:
        raise MalformedError(f"{problem}: value out of range")
    return int(text)


def _limit(size: int) -> int:
    """list.go `validatePageSize`: 0 is the default, and more than the largest is the largest."""
    return min(size or DEFAULT_SIZE, LARGEST_SIZE)


def _fetch(table: Table[R], condition: Condition, order: Order, limit: int) -> list[R]:
    """Ties are in the order of their random ids, as in the original."""
    way = "DESC" if order.descending else "ASC"
    sql = f"{order.column} {way}, id {way}"
    return table.where(condition.sql, *condition.values, order=sql, limit=limit)


def _after(order: Order, kept: Mapping[str, Any]) -> Condition:
    """The first record of the next page, and all that follow it."""
    sign = "<" if order.descending else ">"
    sql = f"{order.column} {sign} ? OR ({order.column} = ? AND id {sign}= ?)"
    return Condition(sql, (kept["value"], kept["value"], kept["id"]))


def _token(table: str, question: Question, following: Any) -> str:
    column = question.order.column
    told = {"table": table, "column": column.title().replace("_", ""), "id": following.id}
    content = {**question.asked, **told, "value": getattr(following, column)}
    return base64.b64encode(json.dumps(content).encode()).decode()


def _read_token(token: str) -> dict[str, Any]:
    try:
        content = json.loads(base64.b64decode(token, validate=True))
    except (ValueError, RecursionError) as error:
        raise InvalidTokenError("Invalid page token", "illegal base64 data at input byte 0") from error
    kept = dict.fromkeys(("table", "column", "sort_by", "filter", "id"), "") | {"value": None}
    if isinstance(content, dict):
        kept |= {name: value for name, value in content.items() if isinstance(value, str | int | None)}
    if not all(isinstance(kept[name], str) for name in kept if name != "value"):
        raise InvalidTokenError("Invalid page token", "json: cannot unmarshal")
    return kept
