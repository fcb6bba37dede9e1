"""What the section `status` measures with: data that fits the schema, and is a page."""

import json

from kfp_gitops.operate.statuspage import page, plain

from .status import board


def test_the_data_that_is_measured_is_a_board() -> None:
    found = plain.from_json(json.dumps(board(12)), "status.json")
    assert [len(one.seen.pipelines) for one in found.environments if one.seen] == [12, 12]
    assert "pipeline-0003" in page.to_html(found)
