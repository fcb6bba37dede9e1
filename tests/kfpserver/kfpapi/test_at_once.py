"""What does not wait for one another is asked for at once: on a slow network that is most of a plan's time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.base.errors import DeniedError
from kfp_gitops.kfpserver.kfpapi.access import Access
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.told import Told
from kfp_gitops.language import identity

SOON = 10.0


@pytest.fixture
def api() -> KfpApi:
    return KfpApi("http://127.0.0.1:1", "", Access())


def test_versions_are_asked_for_while_the_next_page_of_pipelines_is(
    api: KfpApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {name: threading.Event() for name in ("1", "2", "3")}

    def pages(*_: object) -> Iterator[Told]:
        yield Told({"name": "a", "pipeline_id": "1"})
        assert asked["1"].wait(SOON)
        yield Told({"name": "of-others", "pipeline_id": "3"})
        yield Told({"name": "b", "pipeline_id": "2"})

    def versions(pipeline_id: str, read: str = "") -> dict[str, Any]:
        asked[pipeline_id].set()
        return {read: pipeline_id}

    monkeypatch.setattr(api, "_pages", pages)
    monkeypatch.setattr(api, "versions", versions)
    found = api.pipelines({"b": "of b", "a": "of a"})
    assert {name: one.versions for name, one in found.items()} == {"a": {"of a": "1"}, "b": {"of b": "2"}}
    assert not asked["3"].is_set()


def test_a_pipeline_of_a_name_that_is_the_same_to_kfp_is_read_as_well(
    api: KfpApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To MySQL «A» and «a» are one name; where there are both, the one that is written so is meant."""
    rows = [
        {"name": "A", "pipeline_id": "1"},
        {"name": "B", "pipeline_id": "2"},
        {"name": "b", "pipeline_id": "3"},
    ]
    monkeypatch.setattr(api, "_pages", lambda *_: map(Told, rows))
    monkeypatch.setattr(api, "versions", lambda found, read="": {read: found})
    found = api.pipelines({"a": "of a", "b": "of b"})
    assert {name: one.versions for name, one in found.items()} == {"a": {"of a": "1"}, "b": {"of b": "3"}}


def test_whether_tags_are_known_is_asked_for_beside_the_health(
    api: KfpApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=SOON)

    def health() -> tuple[dict[str, Any], None]:
        both.wait()
        return {"tag_name": "2.17.0", "multi_user": True}, None

    def tags() -> bool:
        both.wait()
        return True

    monkeypatch.setattr(api._client, "health", health)
    monkeypatch.setattr(api, "_knows_tags", tags)
    found = api.features()
    assert (found.version, found.multi_user, found.tags) == ("2.17.0", True, True)


def test_a_failure_of_the_health_is_told_first(api: KfpApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> Any:
        raise DeniedError("the health", 403)

    def denied_as_well() -> bool:
        raise DeniedError("the tags", 403)

    monkeypatch.setattr(api._client, "health", denied)
    monkeypatch.setattr(api, "_knows_tags", denied_as_well)
    with pytest.raises(DeniedError, match="the health"):
        api.features()


NUMBERS = st.integers(-(2**64), 2**64) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@given(JSON)
def test_numbers_are_made_doubles_as_by_reading_them_as_such(value: Any) -> None:
    assert repr(identity._with_doubles(value)) == repr(json.loads(json.dumps(value), parse_int=float))
