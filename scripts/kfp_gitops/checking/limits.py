"""How long names and how large objects may be, as a table with sources, and what of ours exceeds it.

What a schema bounds already stands in the table too: tests prove that the longest names that the schemas let
through still fit where they are put together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kfp_gitops.base.errors import Problem
from kfp_gitops.language.irlint import Finding


@dataclass(frozen=True)
class Limit:
    """At most `maximum` characters or bytes (`unit`) of something; the source is where it is enforced."""

    of: str
    maximum: int
    unit: str
    source: str


PIPELINE = Limit("the name of a pipeline", 128, "characters", "KFP apiserver, Pipeline.Name: 400 at upload")
VERSION = Limit(
    "the name of a version", 127, "characters", "KFP apiserver, PipelineVersion.Name: 400 at upload"
)
EXPERIMENT = Limit("the name of an experiment", 127, "characters", "KFP apiserver: 128 is 500 on KFP 2.17.0")
_VARCHAR = "KFP apiserver, VARCHAR(255): 500 on MySQL"
DISPLAY_NAME = Limit("the display name of a pipeline or version", 255, "characters", _VARCHAR)
SCHEDULE = Limit("the name of a recurring run", 255, "characters", _VARCHAR)
DESCRIPTION = Limit("a recurring run's description", 255, "characters", _VARCHAR)
EXPERIMENT_DESCRIPTION = Limit("an experiment's description", 255, "characters", _VARCHAR)
RUN = Limit("the name of a run", 255, "characters", _VARCHAR)
NAMESPACE = Limit("a namespace", 63, "characters", "Kubernetes, DNS-1123 label")
LABEL = Limit("the value of a label", 63, "characters", "Kubernetes, label syntax")
OBJECT_NAME = Limit("the name of an object", 253, "characters", "Kubernetes, DNS-1123 subdomain")
KEY = Limit("a key of a ConfigMap", 253, "characters", "Kubernetes, IsConfigMapKey: letters, digits, - _ .")
CONFIG_MAP = Limit("a ConfigMap", 1024 * 1024, "bytes", "Kubernetes, ValidateConfigMap: all values together")
UPLOAD = Limit("an uploaded pipeline", 32 * 1024 * 1024, "bytes", "KFP apiserver, MaxFileLength")
WORKFLOW = Limit("a compiled workflow", 700_000, "bytes", "KFP's note: Argo imposes 700kB")
OBJECT = Limit("an object in the cluster", 1536 * 1024, "bytes", "etcd, --max-request-bytes: 1.5 MiB")
ARGUMENT = Limit(
    "one argument of a command", 128 * 1024 - 1, "bytes", "Linux, MAX_ARG_STRLEN: 32 pages with the final 0"
)

LIMITS = (
    PIPELINE, VERSION, DISPLAY_NAME, EXPERIMENT, EXPERIMENT_DESCRIPTION, SCHEDULE, DESCRIPTION, RUN, NAMESPACE, LABEL,
    OBJECT_NAME, KEY, CONFIG_MAP, UPLOAD, WORKFLOW, OBJECT, ARGUMENT,
)  # fmt: skip

_KEY = re.compile(r"[-._a-zA-Z0-9]+")


def config_map(name: str, files: Mapping[str, str], texts: Mapping[str, str]) -> Iterator[Problem]:
    """What forbids a ConfigMap of files: `files` maps a key to a path, `texts` a path to what is in it."""
    for key, path in files.items():
        if len(key) > KEY.maximum or not _KEY.fullmatch(key):
            what = f"{key!r} cannot be {KEY.of}"
            yield Problem(
                path, 1, 1, what, f"shorten the file's name to {KEY.maximum} letters, digits, - _ ."
            )
    sizes = {path: len(texts[path].encode()) for path in files.values()}
    total = sum(sizes.values())
    if total > CONFIG_MAP.maximum:
        largest = max(sizes, key=lambda path: sizes[path])
        what = (
            f"{name} would hold {total} bytes, {sizes[largest]} of them from this file; {at_most(CONFIG_MAP)}"
        )
        yield Problem(largest, 1, 1, what, "move code from components into the image, or split the pipeline")


def of_ir(size: int) -> Iterator[Finding]:
    """What forbids that a compiled pipeline of `size` bytes of YAML runs."""
    for limit in (OBJECT, UPLOAD):
        if size > limit.maximum:
            what = f"the compiled pipeline has {size} bytes; {at_most(limit)}"
            yield Finding(0, (), what, "split the pipeline, or move code from components into the image")
            return


def doubts(size: int) -> str:
    """Why a compiled pipeline of `size` bytes of YAML may not run; nothing when it surely fits."""
    if WORKFLOW.maximum < size <= OBJECT.maximum:
        return (
            f"the compiled pipeline has {size} bytes, and its workflow holds all of it; {at_most(WORKFLOW)}"
        )
    return ""


def at_most(limit: Limit) -> str:
    """How large it may be, and who says so."""
    return f"{limit.of} has at most {limit.maximum} ({limit.source})"
