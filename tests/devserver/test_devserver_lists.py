"""Paging, sorting and filters."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest


@pytest.fixture
def pipelines(raw, clock):
    for name in ("Alpha", "beta", "gamma", "delta", "epsilon"):
        assert raw.send("POST", "api:/pipelines", {"name": name, "description": f"about {name}"})[0] == 200
        clock.advance(seconds=1)


def names(raw, **query) -> list[str] | int:
    asked = "&".join(f"{k}={quote(str(v), safe='')}" for k, v in query.items())
    status, body = raw.send("GET", f"api:/pipelines?{asked}")
    return [p["name"] for p in body.get("pipelines", [])] if status == 200 else status


def where(key: str, operation: object, **value: object) -> str:
    return json.dumps({"predicates": [{"key": key, "operation": operation, **value}]})


def test_pages_hold_everything_once(client, pipelines):
    seen, token, sizes = [], "", []
    while token is not None:
        page = client.list_pipelines(page_token=token, page_size=2, sort_by="name desc")
        seen += [p.name for p in page.pipelines]
        sizes.append(page.total_size)
        token = page.next_page_token
    assert seen == ["gamma", "epsilon", "delta", "beta", "Alpha"]
    assert sizes == [5, 5, 5]


def test_a_page_starts_where_the_last_one_ended_though_rows_came(client, pipelines, raw):
    first = client.list_pipelines(page_size=2, sort_by="created_at desc")
    raw.send("POST", "api:/pipelines", {"name": "zeta"})
    second = client.list_pipelines(page_size=2, page_token=first.next_page_token)
    assert [p.name for p in second.pipelines] == ["gamma", "beta"]


def test_records_of_the_same_second_are_told_apart(raw):
    for number in range(7):
        raw.send("POST", "api:/pipelines", {"name": f"p{number}"})
    seen, token = [], ""
    while token is not None:
        _, page = raw.send("GET", f"api:/pipelines?page_size=3&page_token={quote(token)}")
        seen += [p["name"] for p in page["pipelines"]]
        token = page.get("next_page_token")
    assert sorted(seen) == [f"p{number}" for number in range(7)]


@pytest.mark.parametrize(
    ("sort_by", "first"), [("", "Alpha"), ("created_at desc", "epsilon"), ("NAME ASC", "Alpha"), ("id", None)]
)
def test_sort_orders(raw, pipelines, sort_by, first):
    found = names(raw, sort_by=sort_by)
    assert len(found) == 5
    assert first in (None, found[0])


@pytest.mark.parametrize(
    "query",
    [
        {"sort_by": "colour"},
        {"sort_by": "name upwards"},
        {"sort_by": "name desc please"},
        {"page_size": -1},
        {"page_size": "many"},
        {"page_size": "9" * 5000},
        {"page_token": "nonsense"},
        {"page_token": base64.b64encode(b"[]").decode()},
        {"page_token": base64.b64encode(b'{"sort_by":1,"filter":"","value":1,"id":""}').decode()},
        {"page_token": base64.b64encode(b'{"sort_by":"x","filter":"","value":1,"id":""}').decode()},
        {"page_token": base64.b64encode(b"[" * 5000).decode()},
        {"filter": "nonsense"},
        {"filter": "[]"},
        {"filter": "%zz"},
        {"filter": '{"predicate":[]}'},
        {"filter": '{"predicates":[3]}'},
        {"filter": where("colour", "EQUALS", stringValue="x")},
        {"filter": where("tags", "EQUALS", stringValue="x")},
        {"filter": where("name", "EQUALS")},
        {"filter": where("name", "EQUALS", stringValue="x", intValue=3)},
        {"filter": where("name", 4, stringValue="x")},
        {"filter": where("name", 0, stringValue="x")},
        {"filter": where("name", True, stringValue="x")},
        {"filter": where("name", ["EQUALS"], stringValue="x")},
        {"filter": where("name", "LIKE", stringValue="x")},
        {"filter": where("name", "IN", stringValue="x")},
        {"filter": where("name", "EQUALS", stringValues={"values": ["x"]})},
        {"filter": where("name", "IN", stringValues={"values": [3]})},
        {"filter": where("name", "IS_SUBSTRING", intValue=3)},
        {"filter": where("created_at", "EQUALS", longValue="9" * 19)},
        {"filter": where("created_at", "EQUALS", timestampValue="yesterday")},
        {"filter": where("created_at", "IN", longValues={"values": ["9" * 30]})},
        {"filter": '{"a":' * 3000},
    ],
)
def test_bad_questions_are_400(raw, pipelines, query):
    assert names(raw, **query) == 400


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        (where("name", 1, stringValue="beta"), ["beta"]),
        (where("name", "EQUALS", string_value="BETA"), ["beta"]),
        (where("name", "NOT_EQUALS", stringValue="beta"), ["Alpha", "gamma", "delta", "epsilon"]),
        (where("name", 8, stringValues={"values": ["alpha", "delta"]}), ["Alpha", "delta"]),
        (where("name", "IN", stringValues={"values": []}), []),
        (where("description", "IS_SUBSTRING", stringValue="T E"), ["epsilon"]),
        (where("created_at", "GREATER_THAN", timestampValue="2026-11-23T00:00:33Z"), ["epsilon"]),
        (where("created_at", 5, timestampValue="2026-11-22T23:00:33-01:00"), ["delta", "epsilon"]),
        (where("created_at", "LESS_THAN", timestampValue="2026-11-23T00:00:31Z"), ["Alpha"]),
        (where("created_at", 7, timestampValue="2026-11-23T00:00:31.5Z"), ["Alpha", "beta"]),
        (where("name", "EQUALS", stringValue="x' OR '1'='1"), []),
        ("{}", ["Alpha", "beta", "gamma", "delta", "epsilon"]),
    ],
)
def test_filters(raw, pipelines, filter, found):
    assert names(raw, filter=filter) == found


def test_predicates_are_joined_by_and(raw, pipelines):
    both = [
        {"key": "name", "operation": "IS_SUBSTRING", "stringValue": "a"},
        {"key": "created_at", "operation": "GREATER_THAN", "timestampValue": "2026-11-23T00:00:31Z"},
    ]
    assert names(raw, filter=json.dumps({"predicates": both})) == ["gamma", "delta"]


def test_filters_are_decoded_twice_so_plus_and_percent_do_not_survive(raw):
    raw.send("POST", "api:/pipelines", {"name": "a+b"})
    raw.send("POST", "api:/pipelines", {"name": "a b"})
    assert names(raw, filter=where("name", "EQUALS", stringValue="a+b")) == ["a b"]
    assert names(raw, filter=quote(where("name", "EQUALS", stringValue="a+b"))) == ["a+b"]


def test_a_token_repeats_the_question_or_leaves_it_out(raw, pipelines):
    filter = where("name", "IS_SUBSTRING", stringValue="a")
    asked = f"page_size=1&sort_by=name&filter={quote(filter)}"
    _, page = raw.send("GET", f"api:/pipelines?{asked}")
    token = page["next_page_token"]
    assert names(raw, page_size=1, page_token=token) == ["beta"]
    assert names(raw, page_size=1, page_token=token, sort_by="name asc", filter=filter) == ["beta"]
    assert names(raw, page_size=1, page_token=token, sort_by="name") == 400
    assert names(raw, page_size=1, page_token=token, sort_by="name desc", filter=filter) == 400


def test_sizes_have_a_default_and_a_limit(raw):
    for number in range(205):
        raw.send("POST", "api:/pipelines", {"name": f"p{number}"})
    assert len(names(raw)) == 20
    assert len(names(raw, page_size=100000)) == 200
