"""The schemas of IR files are those of the protobuf messages of the installed kfp."""

import json

import ir_schema
import pytest
from kfp_gitops.base.schema import SCHEMAS


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("ir", ir_schema.pipeline),
        ("ir-platform", ir_schema.platform),
        ("ir-containers", ir_schema.containers),
        ("ir-kubernetes", ir_schema.kubernetes),
    ],
)
def test_schema_is_that_of_kfps_messages(name, wanted, request):
    path = SCHEMAS / f"{name}.schema.json"
    text = json.dumps(wanted(), indent=1) + "\n"
    if request.config.getoption("--update-golden"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text
