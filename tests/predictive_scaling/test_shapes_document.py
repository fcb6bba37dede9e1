"""The document of shapes: what is written is read again, and nothing else is."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictive_scaling.base.documents import canonical_bytes, parse_object
from predictive_scaling.base.errors import InputError
from predictive_scaling.shapes.bounds import MAX_BYTES, MAX_CORES, MAX_REPLICAS
from predictive_scaling.shapes.document import SCALERS, SCHEMA, read_shapes, shapes_document
from predictive_scaling.shapes.shape import KINDS, Amounts, Container, Scaler, Shape, Use

LABELS = st.text("abc019", min_size=1, max_size=8)
AMOUNTS = st.builds(
    Amounts,
    st.none() | st.floats(0, MAX_CORES, allow_subnormal=False),
    st.none() | st.floats(0, MAX_BYTES, allow_subnormal=False),
)
KILLS = st.integers(0, MAX_REPLICAS)
USES = st.builds(
    Use,
    AMOUNTS,
    st.none() | st.floats(0, 1),
    KILLS,
    st.none() | st.floats(0, MAX_BYTES, allow_subnormal=False),
).filter(lambda use: use != Use())
COUNTS = st.none() | st.integers(1, MAX_REPLICAS)
CONTAINERS = st.builds(Container, LABELS, AMOUNTS, AMOUNTS, st.booleans(), st.none() | USES)
SHAPES = st.builds(
    Shape,
    LABELS,
    st.just("") | LABELS,
    st.sampled_from(["", *KINDS]),
    st.none() | st.integers(0, MAX_REPLICAS),
    st.lists(CONTAINERS, max_size=4).map(tuple),
    AMOUNTS,
    st.none()
    | st.builds(Scaler, st.sampled_from(SCALERS), LABELS, COUNTS, COUNTS, st.none() | st.floats(0.01, 100)),
    st.none() | LABELS,
    st.none() | st.floats(0.001, MAX_CORES),
    COUNTS,
)


@settings(max_examples=200)
@given(st.lists(SHAPES, max_size=3))
def test_what_is_written_is_read_again(shapes):
    text = canonical_bytes(shapes_document(shapes))
    assert read_shapes(parse_object(text, "shapes"), "shapes") == shapes


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"service": "../x"}, "shapes[0].service: must be a name"),
        ({"service": None}, "shapes[0].service"),
        ({"kind": "Job"}, "shapes[0].kind: must be one of"),
        ({"replicas": -1}, "shapes[0].replicas: must be a whole number from 0"),
        ({"replicas": 1.5}, "shapes[0].replicas"),
        ({"replicas": True}, "shapes[0].replicas"),
        ({"max": 0}, "shapes[0].max: must be a whole number from 1"),
        ({"max": 10**9}, "shapes[0].max"),
        ({"cores": 0}, "shapes[0].cores: must be a number above 0"),
        ({"cores": 1e300}, "shapes[0].cores"),
        ({"pod": {"cpu": "much"}}, "shapes[0].pod.cpu: must be a number"),
        ({"pod": {"disk": 1}}, "shapes[0].pod.disk: is unknown"),
        ({"pod": 3}, "shapes[0].pod: must be an object"),
        ({"containers": {}}, "shapes[0].containers: must be a list"),
        ({"containers": [{}] * 101}, "shapes[0].containers: must be a list of at most 100"),
        ({"containers": [{"name": "a", "throttled": 2}]}, "shapes[0].containers[0].throttled"),
        (
            {"containers": [{"name": "a", "sidecar": 1}]},
            "shapes[0].containers[0].sidecar: must be true or false",
        ),
        ({"scaler": {"kind": "Cron", "name": "a"}}, "shapes[0].scaler.kind"),
        ({"scaler": []}, "shapes[0].scaler: must be an object"),
        ({"colour": "red"}, "shapes[0].colour: is unknown"),
    ],
)
def test_what_is_out_of_bounds_is_told_with_its_place(change, told):
    document = {"schema": SCHEMA, "shapes": [{"service": "web", **change}]}
    with pytest.raises(InputError) as error:
        read_shapes(json.loads(json.dumps(document)), "shapes.json")
    assert str(error.value).startswith("shapes.json: ")
    assert told in str(error.value)


@pytest.mark.parametrize("document", [{}, {"schema": "other/v1"}, {"schema": SCHEMA, "shapes": 3}])
def test_another_document_is_no_shapes(document):
    with pytest.raises(InputError, match=r"f\.json"):
        read_shapes(document, "f.json")
