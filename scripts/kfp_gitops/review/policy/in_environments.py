"""What an environment has for checks: the releases of its pipelines, and what those must have measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kfp_gitops.base.yamltext import Document
from kfp_gitops.language import gates
from kfp_gitops.review.policy.subject import Subject
from kfp_gitops.sources.environment import Environment


def in_environment(environment: str, document: Document) -> Iterator[Subject]:
    """The release of each pipeline, with the commit of its promotion where it names one."""
    value = document.value if isinstance(document.value, Mapping) else {}
    for index, entry in enumerate(value.get("pipelines") or ()):
        if isinstance(entry, Mapping):
            found = {key: entry[key] for key in ("release", "commit") if key in entry}
            at = ("pipelines", index, "commit" if "commit" in entry else "release")
            yield Subject("release", environment, f"{environment}/{entry.get('name')}", found, document, at)


def gates_of(env: Environment) -> Iterator[Subject]:
    """What each release that was promoted to it must have measured, and whether release.yaml says that it did.

    `env` are its inputs: nobody in the cluster asks for it, so nothing of it is rendered.
    """
    for pipeline, said in ({} if env.follows_sources else env.promoted).items():
        if not env.has(pipeline):
            continue
        key = ("measured",) if "measured" in said else ()
        for gate in env.gates(pipeline):
            found = gates.recorded(gate, said)
            value = {
                **{name: one for name, one in gate.told.items() if one is not None},
                "measured": len(found.runs),
                "enough": not found.why,
            }
            name = "/".join(filter(None, (env.name, pipeline, gate.task, gate.metric)))
            told = found.why if not found.runs else f"{found.figures}{found.why and f' ({found.why})'}"
            yield Subject(
                *("gate", env.name, name, value, env.release_file, ("pipelines", pipeline, *key)),
                said=f" requires {gate}: {told}",
            )
