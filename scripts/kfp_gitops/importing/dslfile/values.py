"""A component's function as a file of its own where its statements cannot be taken: the decorator by its values."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping
from itertools import dropwhile
from typing import Any

from kfp_gitops.importing.dslfile.modules import Import, UnslicedError
from kfp_gitops.importing.dslfile.slice import import_lines, joined

_OF_DECORATOR = (
    "base_image", "packages_to_install", "pip_index_urls", "pip_trusted_hosts", "install_kfp_package",
    "kfp_package_path", "use_venv",
)  # fmt: skip
_DEFAULTS = {"install_kfp_package": "True", "use_venv": "False"}


def text(function: Mapping[str, Any]) -> str:
    """The file, from what the DSL file's process told of the function.

    Raises:
        UnslicedError: what it is made with, or a name of its signature, cannot be written as a value.
    """
    unsaid = [*function["unsaid"], *(function["arguments"].keys() - {*_OF_DECORATOR})]
    if function["kind"] != "python" or unsaid:
        raise UnslicedError(
            f"it is made with {', '.join(unsaid)}" if unsaid else "its code is made when it runs"
        )
    imports = [Import("kfp", "dsl", "dsl")]
    constants = []
    for name, meaning in function["names"].items():
        if meaning is None:
            raise UnslicedError(f"its signature says {name!r}, which only its file knows")
        if "value" in meaning:
            constants.append(f"{name} = {meaning['value']}")
        elif (name, meaning) != ("dsl", {"module": "kfp.dsl"}):
            imports.append(Import(meaning["module"], meaning.get("name", ""), name))
    return joined(
        [import_lines(imports, set(), []), *constants, _decorator(function) + _definition(function)]
    )


def _decorator(function: Mapping[str, Any]) -> str:
    said = {key: value for key, value in function["arguments"].items() if _DEFAULTS.get(key) != value}
    lines = "".join(f"    {key}={said[key]},\n" for key in _OF_DECORATOR if key in said)
    return f"@dsl.component(\n{lines})\n" if lines else "@dsl.component\n"


def _definition(function: Mapping[str, Any]) -> str:
    """As KFP takes it for the spec (kfp.dsl.component_factory): from `def` on, at the margin."""
    lines = textwrap.dedent(function["source"]).splitlines()
    found = "\n".join(dropwhile(lambda line: not line.startswith("def"), lines))
    try:
        ast.parse(found)
    except SyntaxError:
        raise UnslicedError("its source is not that of a function") from None
    return found
