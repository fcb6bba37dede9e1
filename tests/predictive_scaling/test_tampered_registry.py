"""A registry that somebody else may write: what can be none of ours is refused before anything of it is pushed."""

import copy
import json

import pytest
import requests
from exit_kit import NOW, end, released
from predictive_scaling import steps
from predictive_scaling.base.clock import parse_instant
from predictive_scaling.base.documents import pretty_bytes, sha256
from predictive_scaling.base.errors import RegistryError
from predictive_scaling.recommend.trusted import require_trusted, require_trusted_pointer
from predictive_scaling.store.opening import open_registry
from test_pushgateway import CONSTANT, MEMORY, MODEL, document

FAILED = steps.Ending("FAILED", 1, "boom", started="2026-11-24T04:58:20Z", mode="publish")
SOUND = document(checkout=(MODEL, MEMORY), late=(CONSTANT, MEMORY))
AT = parse_instant(NOW)


@pytest.fixture
def gateway(pushgateway_server, monkeypatch):
    requests.put(f"{pushgateway_server.url}/api/v1/admin/wipe", timeout=60).raise_for_status()
    monkeypatch.setenv("PREDICTIVE_SCALING_PUSHGATEWAY_URL", pushgateway_server.url)
    return lambda: requests.get(f"{pushgateway_server.url}/metrics", timeout=60).text


def forged(registry, change):
    """As who may write the bucket would: a document under its own digest, and a pointer to it."""
    released(registry)
    store = open_registry(registry)
    found = copy.deepcopy(document(checkout=(MODEL, MEMORY)))
    change(found)
    data = pretty_bytes(found)
    key = f"recommendations/{sha256(data)}.json"
    store.put(key, data)
    pointer = json.loads(store.get("current.json")) | {"recommendation": key}
    pointer |= {name: found.get(name) for name in ("run_id", "generated_at", "valid_until")}
    store.put("current.json", json.dumps(pointer).encode())


def put(*path, value):
    """Change one place of a document."""

    def change(found):
        *way, last = path
        for step in way:
            found = found[step]
        found[last] = value

    return change


CPU = ("services", 0, "cpu")
FORGED = {
    "floors beyond any cluster": put(*CPU, "blocks", 0, "min_replicas", value=1_000_000),
    "a negative floor": put(*CPU, "blocks", 0, "min_replicas", value=-3),
    "half a pod": put(*CPU, "blocks", 0, "min_replicas", value=2.5),
    "a floor in words": put(*CPU, "blocks", 0, "min_replicas", value="many"),
    "no end": put("valid_until", value="2099-01-01T00:00:00Z"),
    "a day too long": put("valid_until", value="2026-11-26T10:00:00Z"),
    "made tomorrow": put("generated_at", value="2099-01-01T00:00:00Z"),
    "blocks of a thousand years": put(*CPU, "blocks", 0, "end", value="3026-11-24T02:00:00Z"),
    "blocks that end before they begin": put(*CPU, "blocks", 0, "end", value="2026-11-20T02:00:00Z"),
    "memory of nobody": put("services", 0, "memory", "request", value=1e30),
    "memory below nothing": put("services", 0, "memory", "request", value=-1.0),
    "memory in words": put("services", 0, "memory", "request", value="a lot"),
    "another unit": put("services", 0, "memory", "unit", value="cores"),
    "an endless horizon": put("horizon_hours", value=10**6),
    "a name of no service": put("services", 0, "service", value="../../etc"),
    "no services": put("services", value="all"),
    "no cpu": lambda found: found["services"][0].pop("cpu"),
    "one service twice": lambda found: found["services"].append(found["services"][0]),
    "a run's name with lines": put("run_id", value="r\n<!channel>"),
    "a date that is none": put("generated_at", value="soon"),
    "more than its own maximum": put(*CPU, "max_replicas", value=2),
    "a floor beyond any cluster": put(
        *CPU, "floors", value=[{"start": "2026-11-24T05:00:00Z", "replicas": 10**6}]
    ),
    "a floor of another year": put(*CPU, "floors", value=[{"start": "2030-11-24T05:00:00Z", "replicas": 3}]),
    "an endless lead": put("lead_minutes", value=10**6),
    "another namespace": put("namespace", value="staging"),
    "another environment": put("environment", value="dev"),
    "an entry that outlives its document": put(*CPU, "valid_until", value="2026-12-25T10:00:00Z"),
}


@pytest.mark.parametrize("what", FORGED)
def test_forged_recommendation_is_refused_and_nothing_is_pushed(
    tmp_path, registry, gateway, what, monkeypatch
):
    monkeypatch.setenv("PREDICTIVE_SCALING_ENVIRONMENT", "prod")
    monkeypatch.setenv("PREDICTIVE_SCALING_NAMESPACE", "shop")
    forged(registry, FORGED[what])
    found = end(tmp_path, FAILED, registry)
    assert "not to be trusted" in found["errors"][0], found
    assert "predictive_scaling_min_replicas" not in gateway()
    assert "predictive_scaling_run_success" in gateway()


def test_unchanged_recommendation_is_pushed_again(tmp_path, registry, gateway):
    forged(registry, lambda found: None)
    assert end(tmp_path, FAILED, registry)["errors"] == []
    assert "predictive_scaling_min_replicas" in gateway()


def test_old_recommendation_that_is_put_back_has_expired(tmp_path, registry, gateway):
    def older(found):
        found["generated_at"], found["valid_until"] = "2026-11-20T21:00:00Z", "2026-11-22T10:00:00Z"
        for block, day in zip(found["services"][0]["cpu"]["blocks"], (20, 21), strict=True):
            block["start"], block["end"] = f"2026-11-{day}T22:00:00Z", f"2026-11-{day + 1}T02:00:00Z"

    forged(registry, older)
    found = end(tmp_path, FAILED, registry)
    assert "expired at 2026-11-22T10:00:00Z, so none is in force" in found["republished"]
    assert "predictive_scaling_min_replicas" not in gateway()


def test_pointer_that_says_other_dates_than_its_document_is_refused(tmp_path, registry, gateway):
    pointer = released(registry) | {"valid_until": "2026-11-30T10:00:00Z"}
    open_registry(registry).put("current.json", json.dumps(pointer).encode())
    assert "says other things" in end(tmp_path, FAILED, registry)["errors"][0]
    assert "predictive_scaling_min_replicas" not in gateway()


@pytest.mark.parametrize(
    "key", ["", "../../etc/passwd", "recommendations/x.json", "models/checkout/cpu/x.json"]
)
def test_pointer_to_anything_else_is_refused(tmp_path, registry, key):
    pointer = released(registry) | {"recommendation": key}
    open_registry(registry).put("current.json", json.dumps(pointer).encode())
    assert "names no recommendation" in end(tmp_path, FAILED, registry)["errors"][0]


def test_all_that_speaks_against_it_is_told():
    found = copy.deepcopy(SOUND)
    put(*CPU, "blocks", 0, "min_replicas", value=-1)(found)
    put("services", 1, "memory", "request", value=float("inf"))(found)
    with pytest.raises(
        RegistryError, match=r"checkout cpu blocks\[0\].min_replicas.*late memory request: is no finite"
    ):
        require_trusted(found, AT, "current")


def test_what_a_carried_entry_keeps_is_held_to_the_longest_horizon():
    found = copy.deepcopy(SOUND) | {"valid_until": "2026-11-27T10:00:00Z"}
    with pytest.raises(RegistryError, match="longer than any run says"):
        require_trusted(found, AT, "current")
    found["services"][0]["cpu"]["carried_from"] = "run-1"
    require_trusted(found, AT, "current")


SOUND_POINTER = {
    "models": {"checkout": {"cpu": f"models/checkout/cpu/{'a' * 64}.json"}},
    "trained": {"checkout": {"cpu": {"trained_at": "2026-11-23T00:00:00Z", "accuracy": 0.9}}},
}


@pytest.mark.parametrize(
    "change",
    [
        put("models", "checkout", "cpu", value="../../secret"),
        put("models", value=[]),
        put("trained", "checkout", "cpu", "trained_at", value="2099-01-01T00:00:00Z"),
        put("trained", "checkout", "cpu", value={}),
        put("trained", "checkout", "cpu", "accuracy", value=float("nan")),
    ],
)
def test_pointer_to_models_is_held_to_its_form_and_date(change):
    require_trusted_pointer(SOUND_POINTER, AT, "current.json")
    found = copy.deepcopy(SOUND_POINTER)
    change(found)
    with pytest.raises(RegistryError, match="not to be trusted"):
        require_trusted_pointer(found, AT, "current.json")
