"""The names that stand literally in templates: of components, and of compiled pipelines. Pure.

What a template uses must not depend on values, or the release's identity would too: so the names stand there without
Jinja, and rendering accepts no others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

# No task that is called so: `train-component:` with its own key in the line below.
_KEY, _NO_KEY = r"(?<![\w-])", r"""(?![\w-]|["']?\s*:)"""
_COMPONENT = re.compile(rf"""{_KEY}component:\s*["']?([a-z][a-z0-9_]*){_NO_KEY}""")
_IR = re.compile(r"""\bir:\s*["']?([a-z0-9][a-z0-9_-]*\.ya?ml)""")
_PIPELINE = re.compile(rf"""{_KEY}pipeline:\s*["']?([a-z0-9]([a-z0-9-]*[a-z0-9])?){_NO_KEY}""")
_INNER = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?)\.pipeline\.yaml\.j2")
_IR_FILE = (".yaml", ".yml")
_RENDERED = "pipeline.yaml"
"""What the template itself is rendered to, which stands beside the compiled pipelines then."""


def components(files: Mapping[str, str]) -> list[str]:
    """The components that the templates among these files use, in order of name."""
    return sorted({name for text in _templates(files) for name in _COMPONENT.findall(text)})


def mentions(files: Mapping[str, str], component: str) -> Iterator[tuple[str, int]]:
    """(file, line) of each place that names a component."""
    for file, text in files.items():
        for found in _COMPONENT.finditer(text):  # the name may stand in the line below its key
            if found[1] == component:
                yield file, text.count("\n", 0, found.start(1)) + 1


def inner(files: Mapping[str, str]) -> dict[str, str]:
    """The templates of pipelines that run as tasks: name → file."""
    return {match[1]: name for name in sorted(files) if (match := _INNER.fullmatch(name))}


def whole(files: Mapping[str, str]) -> set[str]:
    """The compiled pipelines that stand in place of tasks."""
    return {name for text in _templates(files) for name in _IR.findall(text) if name in files}


def nested(files: Mapping[str, str]) -> dict[str, str]:
    """The compiled pipelines that a task runs as they are: name → file; a template of the name comes before one."""
    names = {found[1] for text in _templates(files) for found in _PIPELINE.finditer(text)}
    found = {name: file_of(name) for name in sorted(names - inner(files).keys())}
    return {name: file for name, file in found.items() if file in files and file != _RENDERED}


def unnamed(files: Mapping[str, str]) -> list[str]:
    """The compiled pipelines that no template names."""
    named = whole(files) | set(nested(files).values())
    return [name for name in sorted(files) if name.endswith(_IR_FILE) and name not in named]


def file_of(pipeline: str) -> str:
    """The file beside a template that is what a task with `pipeline: NAME` runs."""
    return f"{pipeline}.yaml"


def _templates(files: Mapping[str, str]) -> Iterator[str]:
    return (text for name, text in files.items() if name.endswith(".j2"))
