"""An importer's display name is its key: KFP's driver finds its artifact by that name."""

from __future__ import annotations

from typing import Any

import pytest
import rich_ir
import yaml
from kfp_gitops.base.errors import InputError
from language import brought_soundly


def _text(info: Any) -> str:
    documents = rich_ir.documents()
    task = documents[0]["root"]["dag"]["tasks"]["importer"]
    assert task.pop("taskInfo") == {"name": "importer"}
    if info is not None:
        task["taskInfo"] = info
    return yaml.safe_dump_all(documents)


_WHOLE = "      importer:\n        cachingOptions"


@pytest.mark.parametrize(
    ("info", "at"),
    [({"name": "the data"}, "          name: the data\n"), ({"name": ""}, _WHOLE), (None, _WHOLE)],
)
def test_another_name_is_refused_where_it_stands(info: Any, at: str) -> None:
    text = _text(info)
    assert at in text
    with pytest.raises(InputError) as refused:
        brought_soundly(text, "ir.yaml")
    (problem,) = refused.value.problems
    assert (problem.path, problem.line) == ("ir.yaml", text[: text.index(at)].count("\n") + 1)
    assert "by which KFP looks for its artifact" in problem.what
    assert "leave out its set_display_name, so that taskInfo.name is importer" in problem.todo


def test_its_key_is_its_name() -> None:
    brought_soundly(_text({"name": "importer"}), "ir.yaml")
