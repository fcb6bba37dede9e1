"""Runs after those of other pipelines, once it is known of which: triggers of a manifest.

sky-uk/kfp-operator starts them after runs that succeeded (controllers, `LatestRuns.Succeeded`), of one configuration; a
manifest names the pipeline, whatever started its run. An output is an artifact's URI there as well
(controllers/webhook/event_processor.go); its path is COMPONENT:ARTIFACT:INDEX[FILTER] (apis/pipelines/hub/artifact.go),
the component as KFP shows it (provider-service/kfp/internal/client/metadata_store.go, `display_name`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from kfp_gitops.importing.foreign.asked import After, Asked, Configured, Found, Taken

_PATH = re.compile(r"([^\[\]:]+):([^\[\]:]+)(?::0?)?")
"""Of the first artifact, whatever it is like."""
_ELSEWHERE = (
    "what a run gave is handed over to a run that is started for it alone: give a value, or run it after that "
    "pipeline (`triggers`, docs/triggers.md)"
)


def chain(found: Found) -> None:
    """Make triggers of what runs after others, and tell what cannot be one."""
    for one in found.after:
        added = [*_triggers(one, found)]
        wanted = found.pipelines.get(one.pipeline)
        if added and wanted:
            found.pipelines[one.pipeline] = replace(wanted, triggers=(*wanted.triggers, *added))
        used = {name for asked in added for name in asked.given}
        for name, taken in one.taken.items():
            if name not in used or one.others:
                where = "in what else starts its runs" if name in used else "anywhere"
                what = f"the value of {name!r} is not taken over {where}"
                found.told.append(one.document.problem(taken.at, what, _ELSEWHERE, key=True))


def _triggers(one: After, found: Found) -> Iterator[Asked]:
    for number, (upstream, at) in enumerate(one.upstreams, 1):
        configured = _configured(upstream, found)
        if configured is None:
            what = f"runs after those of {upstream!r} are not taken over: it is in none of these files"
            todo = "give its file as well, or write the trigger: `runOn: {pipeline: NAME}` (docs/triggers.md)"
            found.told.append(one.document.problem(at, what, todo))
            continue
        what = f"it runs after each run of {configured.pipeline!r} that succeeds, not of {upstream!r} alone"
        found.told.append(one.document.problem(at, what, "see whether that is meant (docs/triggers.md)"))
        name = one.name if len(one.upstreams) == 1 else f"{one.name}-{number}"
        given = dict(_given(one.taken, upstream, configured))
        elsewhere = {key: taken.at for key, taken in one.taken.items() if key not in given}
        trigger = {"name": name, "runOn": {"pipeline": configured.pipeline}}
        yield Asked(one.document, at, trigger, one.parameters, elsewhere, given)


def _configured(name: str, found: Found) -> Configured | None:
    """As NAMESPACE/NAME; in Git a resource often stands without its namespace."""
    return found.configured.get(name) or found.configured.get(name.rpartition("/")[2])


def _given(
    taken: Mapping[str, Taken], upstream: str, configured: Configured
) -> Iterator[tuple[str, Mapping[str, str]]]:
    for name, one in taken.items():
        path = _PATH.fullmatch(configured.outputs.get(one.output, ""))
        if one.configuration == upstream and path:
            yield name, {"output": f"{path[1]}.{path[2]}"}
