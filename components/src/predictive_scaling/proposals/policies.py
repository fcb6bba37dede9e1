"""A VPA's policies in JSON patches: which container each operation is for, and the operations for one.

A strategic merge patch would replace the whole list, so each operation goes by a policy's place in it, after a test of
the name that stands there: where the base moved its policies the build fails, and no other container is raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from predictive_scaling.proposals.editing import Step
from predictive_scaling.proposals.forms import NOTE, policy_operations
from predictive_scaling.proposals.ground import Policy, VerticalAutoscaler, Workload
from predictive_scaling.proposals.leaving import edits
from predictive_scaling.proposals.over import amount
from predictive_scaling.proposals.raising import LeftOutError
from predictive_scaling.proposals.tree import Patch, Stand, follow
from predictive_scaling.proposals.yamltext import Seen, composed

AT = ("spec", "resourcePolicy", "containerPolicies")
_LEAST = ("minAllowed", "memory")
_INDEXED = re.compile(r"/spec/resourcePolicy/containerPolicies/(\d+)/minAllowed(/memory)?")
_NAMED = re.compile(r"/spec/resourcePolicy/containerPolicies/(\d+)/containerName")
_WHOLE: dict[str, tuple[Step, ...]] = {
    "/".join(("", *AT[:2])): ("containerPolicies",),
    "/".join(("", *AT)): (),
}


def policy_of(vpa: VerticalAutoscaler, workload: Workload, container: str) -> Policy | None:
    """The policy of a container; `*` is for all that have none, and may be raised where there is one container only."""
    own = next((each for each in vpa.policies if each.container == container), None)
    every = next((each for each in vpa.policies if each.container == "*"), None)
    if own or not every:
        return own
    if len(workload.boxes) > 1:
        raise LeftOutError(
            f"VPA {vpa.name} ({vpa.place}) has no policy for {container}, only for *; write one"
        )
    return every


def policy_stands(patches: Sequence[Patch], name: str) -> list[Stand]:
    """What patches give the policy of this name at least."""
    return [found for patch in patches for found in _stands(patch, name)]


def _stands(patch: Patch, name: str) -> Iterator[Stand]:
    for at, document in enumerate(patch.documents()):
        listed = (
            list(_operations(document))
            if document.items()
            else [((*AT, ("containerName", name), *_LEAST), name)]
        )
        for steps, of in listed:
            found = amount(follow(document, steps)) if of == name else None
            if found:
                yield Stand(patch, found, at, steps)


def _operations(document: Seen) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Where in a JSON patch least memory is given, and the name of its policy."""
    names: dict[str, str] = {}
    for at, each in enumerate(document.items()):
        path, value = each.said("path"), each.at("value")
        if found := _NAMED.fullmatch(path):
            names[found[1]] = each.said("value")
        elif found := _INDEXED.fullmatch(path):
            yield (at, "value", *(() if found[2] else _LEAST[1:])), names.get(found[1], "")
        elif path == "/".join(("", *AT, "-")) and value:
            yield (at, "value", *_LEAST), value.said("containerName")
        elif path in _WHOLE and value:
            for policy in (
                value.listed(*[str(step) for step in _WHOLE[path]]) if _WHOLE[path] else value.items()
            ):
                name = policy.said("containerName")
                yield (at, "value", *_WHOLE[path], ("containerName", name), *_LEAST), name


def operations(
    vpa: VerticalAutoscaler, policy: Policy | None, container: str, value: str, present: str
) -> str:
    """A JSON patch that gives a container at least this; `present` is the text that it will be added to."""
    paths = {each.said("path") for document in composed("", present) for each in document.items()}
    listed = bool(paths & set(_WHOLE))
    known = replace(vpa, written=vpa.written or listed, has_policy=vpa.has_policy or listed)
    return NOTE + policy_operations(known, policy, container, value)


def renewed(path: str, text: str, vpa: VerticalAutoscaler, workload: Workload) -> str:
    """A patch of ours for the policies as they are now; the same where it still fits.

    Raises LeftOutError where people changed it and it fits no more.
    """
    documents = composed(path, text)
    if not documents or not documents[0].items() or _fits(documents[0], vpa):
        return text
    if edited := edits(text):
        raise LeftOutError(
            f"{path}: VPA {vpa.name} ({vpa.place}) has other policies now, and people changed it ({edited})"
        )
    found = {of: amount(follow(documents[0], steps)) for steps, of in _operations(documents[0])}
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    for name, value in found.items():
        policy = (
            policy_of(vpa, workload, name)
            if name != "*"
            else next((p for p in vpa.policies if p.container == "*"), None)
        )
        if value and (policy or workload.box(name)):
            body = operations(vpa, policy, name, value.text, head)
            head += "".join(line for line in body.splitlines(keepends=True) if not line.startswith("#"))
    return head


def _fits(document: Seen, vpa: VerticalAutoscaler) -> bool:
    """Whether each test would pass, and nothing is added that stands in the base now."""
    there = {each.container for each in vpa.policies}
    for each in document.items():
        path = each.said("path")
        if (found := _NAMED.fullmatch(path)) and (int(found[1]), each.said("value")) not in {
            (policy.index, policy.container) for policy in vpa.policies
        }:
            return False
        if (path == "/".join(("", *AT)) and vpa.written) or (
            path == "/".join(("", *AT[:2])) and vpa.has_policy
        ):
            return False
        value = each.at("value")
        if path == "/".join(("", *AT, "-")) and value and value.said("containerName") in there:
            return False
    return True
