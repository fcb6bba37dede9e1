"""What an environment.yaml has for checks: the releases of its pipelines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kfp_gitops.base.yamltext import Document
from kfp_gitops.review.policy.subject import Subject


def in_environment(environment: str, document: Document) -> Iterator[Subject]:
    """The release of each pipeline, with the commit of its promotion where it names one."""
    value = document.value if isinstance(document.value, Mapping) else {}
    for index, entry in enumerate(value.get("pipelines") or ()):
        if isinstance(entry, Mapping):
            found = {key: entry[key] for key in ("release", "commit") if key in entry}
            at = ("pipelines", index, "commit" if "commit" in entry else "release")
            yield Subject("release", environment, f"{environment}/{entry.get('name')}", found, document, at)
