"""KFP's cache keys: what its own code made of 25 inputs, and what is in a key and what is not."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from kfp_gitops.compiling import cachekey
from project import HERE

VECTORS: list[dict[str, Any]] = json.loads((HERE / "data/kfp-cache/vectors.json").read_text())


def _key(vector: dict[str, Any]) -> dict[str, Any]:
    return cachekey.cache_key(
        vector["inputs"],
        vector["outputs"],
        vector["outputParameterTypes"],
        vector["commandAndArgs"],
        vector["image"],
        vector["pvcNames"],
    )


def test_there_are_all_of_them() -> None:
    assert len(VECTORS) == 25


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["label"])
def test_key_and_fingerprint_are_those_of_kfp(vector: dict[str, Any]) -> None:
    key = _key(vector)
    assert json.loads(json.dumps(key)) == vector["cacheKey"]
    assert cachekey.fingerprint(key) == vector["fingerprint"]


def test_claims_count_once_and_in_no_order() -> None:
    vector = next(one for one in VECTORS if one["label"] == "two pvcs")
    turned = {**vector, "pvcNames": ["b", "a", "b"]}
    assert cachekey.fingerprint(_key(turned)) == vector["fingerprint"]


def test_an_output_without_a_type_is_refused_as_kfp_refuses_it() -> None:
    with pytest.raises(ValueError, match="unknown output parameter 'n'"):
        cachekey.cache_key({}, {"parameters": {"n": {}}}, {}, [], "i")


def test_an_output_that_has_no_artifact_is_not_in_the_key() -> None:
    key = cachekey.cache_key({}, {"artifacts": {"m": {"artifacts": []}}}, {}, [], "i")
    assert key == {"containerSpec": {"image": "i"}}


def test_a_key_of_its_own_is_that_of_component_and_name_alone() -> None:
    assert cachekey.fingerprint_of_name("comp-train", "v7") == hashlib.sha256(b"comp-train\0v7").hexdigest()
    assert cachekey.fingerprint_of_name("", "v7") == hashlib.sha256(b"v7").hexdigest()


def test_outputs_are_provisioned_from_what_the_component_declares() -> None:
    vector = next(one for one in VECTORS if one["label"] == "all of it")
    component = {
        "outputDefinitions": {
            "artifacts": {"m": {"artifactType": {"schemaTitle": "system.Model"}, "description": "d"}},
            "parameters": {"o": {"parameterType": "STRING", "description": "d"}},
        }
    }
    found = {
        **vector,
        "outputs": cachekey.outputs_of(component),
        "outputParameterTypes": cachekey.output_types_of(component),
    }
    assert cachekey.fingerprint(_key(found)) == vector["fingerprint"]
