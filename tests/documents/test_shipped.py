"""What the product's tests see in a fork, whose inputs are its own, is what the product ships."""

from __future__ import annotations

from pathlib import Path

import assembly
import pytest
from project import PROJECT


@pytest.mark.skipif(not assembly.is_product(), reason="a fork has inputs of its own")
def test_the_copy_in_tests_is_what_ships() -> None:
    ours, copy = assembly.inputs(), assembly.shipped()
    changed = sorted(name for name in ours.keys() | copy.keys() if ours.get(name) != copy.get(name))
    assert not changed, "run `make shipped` and commit"


def test_an_assembled_repository_is_the_product(tmp_path: Path) -> None:
    assembly.assemble(tmp_path)
    found = {name: (tmp_path / name).read_bytes() for name in assembly.names(tmp_path)}
    assert found == {name: (PROJECT / name).read_bytes() for name in assembly.names(PROJECT)}
    assert assembly.inputs(tmp_path) == assembly.shipped()
