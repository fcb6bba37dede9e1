import json

import numpy as np
import pytest
from predictive_scaling.backtest.codec import MAX_MODEL_BYTES, StoredModel, decode, encode
from predictive_scaling.backtest.intervals import Band, Residuals
from predictive_scaling.base.documents import canonical_bytes, sha256
from predictive_scaling.base.errors import ModelRejectedError
from predictive_scaling.base.series import HourlySeries
from predictive_scaling.models import MEMBERS, ModelOptions, recipe
from predictive_scaling.models.blend import FittedBlend, Record

SERIES = HourlySeries(96, 2 + np.sin(np.arange(336) / 24 * 2 * np.pi))


BAND = Band(Residuals(-0.5, 1.0, 1.5), Residuals(-1.0, 1.0, 2.0))


def fitted(kind):
    if kind == "blend":
        record = Record(np.ones(len(MEMBERS)), np.ones(len(MEMBERS)))
        return FittedBlend(tuple(fitted(each) for each in MEMBERS), record, 0)
    return recipe(kind, ModelOptions()).fit(SERIES)


def stored(kind):
    return StoredModel("checkout", "cpu", fitted(kind), BAND)


@pytest.mark.parametrize("kind", ["last", "profile_level", "profile_log", "theta", "blend", "prophet"])
def test_model_file_round_trip(kind):
    data = encode(stored(kind))
    again = decode(data, sha256(data))
    assert (again.service, again.metric, again.band) == ("checkout", "cpu", BAND)
    assert again.fitted.forecast(5).tolist() == stored(kind).fitted.forecast(5).tolist()
    assert len(data) < 200_000


def tampered(kind, change):
    document = json.loads(encode(stored(kind)))
    change(document)
    data = json.dumps(document).encode()
    return data, sha256(data)


def test_changed_byte_is_refused():
    data = encode(stored("last"))
    with pytest.raises(ModelRejectedError, match="sha256"):
        decode(data.replace(b"checkout", b"checkouu"), sha256(data))


@pytest.mark.parametrize(
    ("kind", "change", "text"),
    [
        ("last", lambda d: d.update(schema="other/v1"), "schema"),
        ("last", lambda d: d.pop("band"), "band"),
        ("last", lambda d: d.update(kind="os.system"), "unknown model"),
        ("last", lambda d: d["state"].update(cycle=["x"]), "cannot be read"),
        ("last", lambda d: d["state"].update(cycle=[]), "model"),
        ("last", lambda d: d["state"].update(cycle=[float("nan")]), "not JSON"),
        ("profile_level", lambda d: d["state"].update(level=[float("inf"), 0, 0]), "not JSON"),
        ("profile_level", lambda d: d["state"].update(day=[1.0]), "24 and 168"),
        ("profile_damped", lambda d: d["state"].update(level=[1.0, 1.0, 1.5]), "damping"),
        ("profile_log", lambda d: d["state"].update(scale=[-1.0, 1.0]), "offset"),
        ("blend", lambda d: d["state"].update(members=[]), "needs members"),
        ("blend", lambda d: d["state"]["members"][0].update(error=-1.0), "not negative"),
        ("blend", lambda d: d["state"]["members"][0].update(evidence=-1.0), "not negative"),
        ("blend", lambda d: d["state"]["members"][0].pop("evidence"), "cannot be read"),
        ("blend", lambda d: d["state"]["members"][0].update(kind="prophet"), "has members of"),
        ("blend", lambda d: d["state"]["members"][0].update(kind="blend"), "has members of"),
        ("last", lambda d: d["band"].update(plain=1.0), "cannot be read"),
        ("last", lambda d: d["band"]["plain"].update(extra=1.0), "cannot be read"),
        ("prophet", lambda d: d["state"]["model"].pop("params"), "cannot be read"),
        ("prophet", lambda d: d["state"]["model"].update(__prophet_version="0.1"), "written by prophet 0.1"),
        ("prophet", lambda d: d["state"]["model"].update(growth="__import__('os')"), "cannot be read"),
        ("prophet", lambda d: d["state"].update(model=[]), "cannot be read"),
    ],
)
def test_tampered_model_is_refused_with_the_reason(kind, change, text):
    with pytest.raises(ModelRejectedError, match=text):
        decode(*tampered(kind, change))


def test_number_too_large_for_a_float_is_refused():
    data = encode(stored("last")).replace(b'"lower":-0.5', b'"lower":1e999')
    with pytest.raises(ModelRejectedError, match="not finite"):
        decode(data, sha256(data))


@pytest.mark.parametrize("kind", ["last", "profile_level", "blend"])
def test_whole_number_too_large_for_a_float_is_refused(kind):
    data = encode(stored(kind)).replace(b'"lower":-0.5', b'"lower":1' + b"0" * 400)
    with pytest.raises(ModelRejectedError, match="OverflowError"):
        decode(data, sha256(data))


def test_oversized_model_is_refused_before_it_is_parsed():
    data = b"[" * (MAX_MODEL_BYTES + 1)
    with pytest.raises(ModelRejectedError, match="bytes"):
        decode(data, sha256(data))


@pytest.mark.parametrize("data", [b"", b"[]", b"[" * 100_000, b"\xff", b"null"])
def test_what_is_no_model_is_refused(data):
    with pytest.raises(ModelRejectedError):
        decode(data, sha256(data))


def test_documents_with_nan_are_not_written():
    with pytest.raises(ValueError, match="Out of range"):
        canonical_bytes({"x": float("nan")})
