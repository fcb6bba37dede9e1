"""What render writes of all pipelines of an environment: large, nearly always valid, and read by every command."""

from __future__ import annotations

from kfp_gitops.base import schema, yamltext, yamlvalue
from kfp_gitops.base.errors import raise_if_any
from kfp_gitops.base.yamltext import GENERATED, Document


def read(name: str, text: str, path: str) -> Document:
    """A valid document; no places are kept.

    Raises:
        InputError: as `yamltext.parse`, or it is not what `schemas/<name>.schema.json` says.
    """
    quick = yamlvalue.read(text, path, GENERATED)
    if quick and not quick.whole_floats and schema.named(name).accepts(quick.value):
        return Document(path, quick.value, {}, {})
    document = yamltext.parse(text, path, GENERATED)
    raise_if_any(schema.problems(schema.named(name), document))
    return document
