"""The recurring runs of deployKF's kubeflow-pipelines-gitops: `recurring_runs.yaml`, and `experiments.yaml` beside it.

Their fields: the schemas in common_python/reconcile_kfp.py of github.com/deployKF/kubeflow-pipelines-gitops. It runs
pipelines of KFP 1 alone, whose files are Argo Workflows: of each the IR of KFP 2 is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.importing.foreign import times
from kfp_gitops.importing.foreign.asked import Asked, Found, Text, Wanted
from kfp_gitops.importing.foreign.fields import TAKEN, Reasons, untold
from kfp_gitops.importing.foreign.names import name_of

Beside = Callable[[str], str | None]
"""A file of their repository by its path in it, if it is here."""
_RENDERED = "RENDERED_PIPELINE"
_EXPERIMENT = "each pipeline has an experiment of its own here"
_ELSEWHERE = "its file is not here; give the value, or run this where their repository is checked out"
_NUMBERS: Mapping[str, tuple[Path, int, int]] = {
    "maxConcurrency": (("max_concurrency",), 1, 10),
    "intervalSeconds": (("trigger", "interval_seconds"), 1, 2**31 - 1),
}
"""Where they stand, and what KFP takes."""
_SWITCHES: Mapping[str, Path] = {"enabled": ("enabled",), "catchup": ("trigger", "catchup")}
_SPAN = {"start": "start_date", "end": "end_date"}
_FIELDS: Reasons = {
    ("experiments",): _EXPERIMENT,
    ("recurring_runs", "*", "keep_history"): "an old recurring run is deleted when its new one is enabled",
    ("recurring_runs", "*", "pipeline_source"): TAKEN,
    ("recurring_runs", "*", "pipeline_parameters"): TAKEN,
    ("recurring_runs", "*", "job", "description"): "a schedule has none; say it in the pipeline's own",
    ("recurring_runs", "*", "job", "experiment"): _EXPERIMENT,
    ("recurring_runs", "*", "job", "service_account"): "it is `kfp.serviceAccount` of the environment",
    **{("recurring_runs", "*", "job", name): TAKEN for name in ("enabled", "name", "max_concurrency")},
    **{
        ("recurring_runs", "*", "job", "trigger", name): TAKEN
        for name in ("catchup", "start_date", "end_date", "cron", "interval_seconds")
    },
}  # fmt: skip


def is_one(value: Any) -> bool:
    """Whether a document is one of these files."""
    return isinstance(value, Mapping) and any(
        isinstance(value.get(key), list) for key in ("recurring_runs", "experiments")
    )


def read(document: Document, beside: Beside, found: Found) -> None:
    """Add what a file asks for."""
    found.told += untold(document, (), _FIELDS)
    for number, run in enumerate(document.value.get("recurring_runs") or []):
        at: Path = ("recurring_runs", number)
        source, job = run.get("pipeline_source") or {}, run.get("job") or {}
        path = str(source.get("file_path", ""))
        name = _name(path)
        texts, elsewhere = _parameters(document, at, beside, found)
        asked = Asked(document, (*at, "job"), _schedule(document, (*at, "job"), job, found), texts, elsewhere)
        there = found.pipelines.get(name) or _wanted(name, path, document, at)
        found.pipelines[name] = replace(there, asked=(*there.asked, asked))


def _wanted(name: str, path: str, document: Document, at: Path) -> Wanted:
    made = f"compile its pipeline.py with KFP 2: {path} is an Argo Workflow, as KFP 1 made it, and no pipeline of KFP 2"
    return Wanted(name, document, (*at, "pipeline_source", "file_path"), made, (name, path))


def _name(path: str) -> str:
    """The folder of a pipeline, which holds RENDERED_PIPELINE/workflow.yaml."""
    parts = [part for part in PurePosixPath(path).parts[:-1] if not part.startswith(_RENDERED)]
    return parts[-1] if parts else PurePosixPath(path).stem


def _parameters(
    document: Document, at: Path, beside: Beside, found: Found
) -> tuple[dict[str, Text], dict[str, Path]]:
    run = document.value["recurring_runs"][at[1]]
    texts: dict[str, Text] = {}
    elsewhere: dict[str, Path] = {}
    for number, one in enumerate(run.get("pipeline_parameters") or []):
        place, name = (*at, "pipeline_parameters", number), str(one.get("name", ""))
        if "value" in one:
            texts[name] = Text(str(one["value"]), (*place, "value"))
            continue
        file = str((one.get("valueFrom") or {}).get("file_path", ""))
        text = beside(file)
        if text is None:
            elsewhere[name] = (*place, "valueFrom")
            what = f"the value of {name!r} is not taken over"
            found.told.append(document.problem((*place, "valueFrom"), what, _ELSEWHERE, key=True))
        else:
            texts[name] = Text(text, (*place, "valueFrom"))
    return texts, elsewhere


def _schedule(document: Document, at: Path, job: Mapping[str, Any], found: Found) -> dict[str, Any]:
    trigger, place = job.get("trigger") or {}, (*at, "trigger")
    made: dict[str, Any] = {"name": name_of(str(job.get("name", "")), document, (*at, "name"), found)}
    if trigger.get("interval_seconds"):
        made["intervalSeconds"] = trigger["interval_seconds"]
    else:
        made["cron"] = times.cron_of(
            trigger.get("cron", ""), document, (*place, "cron"), times.weekday_added, found
        )
    made |= {
        "enabled": job.get("enabled", True),
        "maxConcurrency": job.get("max_concurrency", 1),
        "catchup": trigger.get("catchup", False),
    }
    found.problems += _odd(made, document, at)
    return made | times.span(trigger, _SPAN, document, place, found)


def _odd(made: Mapping[str, Any], document: Document, at: Path) -> Iterator[Problem]:
    """What is not of its type, or beyond what KFP takes."""
    for key, (path, low, high) in _NUMBERS.items():
        value = made.get(key, low)
        if type(value) is not int or not low <= value <= high:
            what = f"{value!r} is no whole number from {low} to {high}"
            yield document.problem((*at, *path), what, "correct it: KFP takes no other")
    for key, path in _SWITCHES.items():
        if type(made[key]) is not bool:
            yield document.problem((*at, *path), f"{made[key]!r} is neither true nor false", "correct it")
