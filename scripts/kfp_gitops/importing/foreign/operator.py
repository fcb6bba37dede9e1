"""Resources of sky-uk/kfp-operator: Pipeline, RunConfiguration, RunSchedule and those around them.

Their fields: apis/pipelines/{hub,v1alpha6}/*_types.go of github.com/sky-uk/kfp-operator at 83f7a430; what a recurring
run of them is on KFP: provider-service/kfp/internal/provider/recurring_run_service.go (enabled, one at a time, no
catch-up, every parameter a text). In v1alpha6 `parameters` were `runtimeParameters`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.importing.foreign import times
from kfp_gitops.importing.foreign.asked import After, Asked, Configured, Found, Taken, Text, Wanted
from kfp_gitops.importing.foreign.fields import KUBERNETES, TAKEN, Reasons, untold
from kfp_gitops.importing.foreign.names import name_of

_VERSION = re.compile(r"pipelines\.kubeflow\.org/v1(alpha\d+|beta\d+)")
_SERVER = "the server is `kfp.host` of the environment"
_EXPERIMENT = "each pipeline has an experiment of its own here"
_EVENTS = "nothing here sends events when a run ends: let a task of the pipeline do it, or ask KFP's API"
_CHANGE = "nothing runs because parameters changed; start it by run.py when it shall"
_ELSEWHERE = (
    "an output of another pipeline's run is not to be had here: give a value, or make one pipeline of them"
)
_RUN: Reasons = {
    ("provider",): _SERVER,
    ("pipeline",): TAKEN,
    ("experimentName",): _EXPERIMENT,
    ("artifacts",): _EVENTS,
    **{(name, "*", "name"): TAKEN for name in ("parameters", "runtimeParameters")},
    **{(name, "*", "value"): TAKEN for name in ("parameters", "runtimeParameters")},
    **{(name, "*", "valueFrom"): _ELSEWHERE for name in ("parameters", "runtimeParameters")},
}
_VARIABLE = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")
"""As Kubernetes has them."""
_OF_PROGRAMS = re.compile(r"(LD_|DYLD_|PYTHON)|(PATH|HOME|TMPDIR)\Z")
_TIMES = ("cronExpression", "startTime", "endTime")
_SPAN = {"start": "startTime", "end": "endTime"}
_ALWAYS = {"enabled": True, "maxConcurrency": 1, "catchup": False}
_FIELDS: Mapping[str, Reasons] = {
    "Pipeline": {
        **KUBERNETES,
        ("spec", "provider"): _SERVER,
        ("spec", "image"): TAKEN,
        ("spec", "framework"): TAKEN,
        ("spec", "tfxComponents"): TAKEN,
        ("spec", "env"): "the pipeline reads it while it is compiled: set it then, as --ir FILE.py:NAME does",
        ("spec", "beamArgs"): "they are read while TFX compiles the pipeline: give them then",
    },
    "RunConfiguration": {
        **KUBERNETES,
        **{("spec", "run", *path): reason for path, reason in _RUN.items()},
        **{("spec", "triggers", "schedules", "*", name): TAKEN for name in _TIMES},
        ("spec", "triggers", "onChange"): TAKEN,
        ("spec", "triggers", "runConfigurations"): TAKEN,
        **{("spec", "run", name, "*", "valueFrom"): TAKEN for name in ("parameters", "runtimeParameters")},
    },
    "RunSchedule": {
        **KUBERNETES,
        **{("spec", *path): reason for path, reason in _RUN.items()},
        **{("spec", "schedule", name): TAKEN for name in _TIMES},
    },
    "Run": {**KUBERNETES, ("spec",): "start it by hand: python scripts/run.py --env ENV --pipeline NAME"},
    "Experiment": {**KUBERNETES, ("spec", "provider"): _SERVER, ("spec", "description"): _EXPERIMENT},
    "Provider": {**KUBERNETES, ("spec",): f"{_SERVER}, and `kfp.serviceAccount` beside it"},
}  # fmt: skip


def is_one(value: Any) -> bool:
    """Whether a document is one of these resources."""
    if not isinstance(value, Mapping):
        return False
    group = str(value.get("apiVersion", ""))
    return bool(_VERSION.fullmatch(group)) and str(value.get("kind")) in _FIELDS


def read(document: Document, at: Path, found: Found) -> None:
    """Add what a resource asks for."""
    value = _value(document, at)
    found.told += untold(document, at, _FIELDS[value["kind"]])
    if value["kind"] == "Pipeline":
        _pipeline(document, at, found)
    elif value["kind"] == "RunConfiguration":
        triggers = value["spec"].get("triggers") or {}
        number = len(triggers.get("schedules") or [])
        places: list[Path] = [("spec", "triggers", "schedules", place) for place in range(number)]
        _ask(document, at, ("spec", "run"), places, found)
        _on_change(document, at, triggers.get("onChange") or [], found)
        _after(document, at, triggers, found)
    elif value["kind"] == "RunSchedule":
        _ask(document, at, ("spec",), [("spec", "schedule")], found)


def _value(document: Document, at: Path) -> Any:
    value = document.value
    for step in at:
        value = value[step]
    return value


def _pipeline(document: Document, at: Path, found: Found) -> None:
    value = _value(document, at)
    metadata, spec = value["metadata"], value.get("spec", {})
    name = str(metadata["name"])
    server = f"{metadata['namespace']}-{name}" if "namespace" in metadata else ""
    there = found.pipelines.get(name)
    env = _env(document, at, spec, found)
    found.pipelines[name] = Wanted(
        name,
        document,
        (*at, "metadata", "name"),
        _made(spec, name, env),
        tuple(filter(None, (name, server))),
        str(spec.get("image", "")),
        there.asked if there else (),
        env,
        _source(spec),
        there.triggers if there else (),
    )


def _env(document: Document, at: Path, spec: Mapping[str, Any], found: Found) -> dict[str, str]:
    """The variables that its compilers set (compilers/kfp-sdk/compiler/compiler.py)."""
    env: dict[str, str] = {}
    given: list[tuple[Path, str, str]] = [(("image",), "KFP_PIPELINE_IMAGE", str(spec.get("image", "")))]
    for number, one in enumerate(spec.get("env") or []):
        given.append((("env", number), str(one["name"]), str(one.get("value", ""))))
    for step, name, value in given:
        place = (*at, "spec", *step)
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            found.problems.append(document.problem(place, f"{name!r} cannot be a variable", "correct it"))
        elif _OF_PROGRAMS.match(name):
            what = f"the variable {name!r} is not set while the pipeline is compiled: it says which code runs"
            found.told.append(document.problem(place, what, "compile it yourself, and give what comes of it"))
        else:
            env[name] = value
    return env


def _source(spec: Mapping[str, Any]) -> str:
    """Where the pipeline's DSL stands, if it is KFP's: FILE.py:NAME."""
    framework = spec.get("framework") or {}
    module, _, function = str((framework.get("parameters") or {}).get("pipeline", "")).rpartition(".")
    return f"{module.replace('.', '/')}.py:{function}" if framework.get("name") == "kfpsdk" and module else ""


def _made(spec: Mapping[str, Any], name: str, env: Mapping[str, str]) -> str:
    """How its IR is made, as kfp-operator's compilers do it."""
    shown = " ".join(f"{key}={shlex.quote(value)}" for key, value in env.items())
    if source := _source(spec):
        file, _, function = source.partition(":")
        parts = ("--py", file, "--function", function, "--output", f"{name}.yaml")
        command = f"kfp dsl compile {shlex.join(parts)}"
        return f"compile it as the operator did: `{shown} {command}`"
    by = (spec.get("framework") or {}).get("name", "tfx")
    return f"compile it by its framework ({by}) with {shown}; of a file that TFX made take `pipelineSpec`"


def _ask(document: Document, at: Path, run: Path, places: list[Path], found: Found) -> None:
    value, spec = _value(document, at), _value(document, (*at, *run))
    name = str(value["metadata"].get("name") or value["metadata"].get("generateName", "")).rstrip("-")
    pipeline, _, version = str(spec.get("pipeline", "")).partition(":")
    if version:
        todo = "schedules run the version that is in Git; bring the IR of that version"
        what = f"the pipeline's version {version!r} is not taken over"
        found.told.append(document.problem((*at, *run, "pipeline"), what, todo))
    texts, elsewhere = _parameters(document, (*at, *run))
    asked = tuple(
        Asked(
            document,
            (*at, *place),
            _schedule(document, (*at, *place), _numbered(name, number, len(places)), found),
            texts,
            elsewhere,
        )
        for number, place in enumerate(places, 1)
    )
    there = found.pipelines.get(pipeline) or Wanted(
        pipeline, document, (*at, *run, "pipeline"), "compile it", (pipeline,)
    )
    found.pipelines[pipeline] = replace(there, asked=(*there.asked, *asked))


def _on_change(document: Document, at: Path, kinds: Sequence[str], found: Found) -> None:
    """A run when the pipeline changes is a trigger here."""
    for number, kind in enumerate(kinds):
        place = (*at, "spec", "triggers", "onChange", number)
        if kind != "pipeline":
            found.told.append(document.problem(place, f"{kind} is not taken over", _CHANGE))
            continue
        texts, elsewhere = _parameters(document, (*at, "spec", "run"))
        name = name_of(
            f"{_value(document, at)['metadata'].get('name', 'run')}-on-change", document, place, found
        )
        asked = Asked(document, place, {"name": name, "runOn": "change"}, texts, elsewhere)
        pipeline = str(_value(document, at)["spec"]["run"].get("pipeline", "")).partition(":")[0]
        wanted = found.pipelines[pipeline]
        found.pipelines[pipeline] = replace(wanted, triggers=(*wanted.triggers, asked))


def _after(document: Document, at: Path, triggers: Mapping[str, Any], found: Found) -> None:
    """What it is to others, and the runs after theirs; whose they are is known when all files are read."""
    value, run = _value(document, at), _value(document, (*at, "spec", "run"))
    name, namespace = str(value["metadata"].get("name", "run")), value["metadata"].get("namespace")
    pipeline = str(run.get("pipeline", "")).partition(":")[0]
    outputs = {str(one["name"]): str(one["path"]) for one in run.get("artifacts") or []}
    for called in (name, *([f"{namespace}/{name}"] if namespace else [])):
        found.configured[called] = Configured(pipeline, outputs)
    place = (*at, "spec", "triggers", "runConfigurations")
    upstreams = [(str(one), (*place, n)) for n, one in enumerate(triggers.get("runConfigurations") or [])]
    taken = {
        str(one["name"]): Taken(str(ref["name"]), str(ref["outputArtifact"]), (*where, "valueFrom"))
        for where, one in _given(run, (*at, "spec", "run"))
        if "valueFrom" in one and (ref := one["valueFrom"]["runConfigurationRef"])
    }
    called = name_of(f"{name}-after", document, at, found) if upstreams else ""
    texts = _parameters(document, (*at, "spec", "run"))[0]
    others = bool(triggers.get("schedules") or triggers.get("onChange"))
    found.after.append(After(document, pipeline, called, upstreams, texts, taken, others))


def _numbered(name: str, number: int, of: int) -> str:
    return name if of == 1 else f"{name}-{number}"


def _parameters(document: Document, at: Path) -> tuple[dict[str, Text], dict[str, Path]]:
    texts: dict[str, Text] = {}
    elsewhere: dict[str, Path] = {}
    for place, one in _given(_value(document, at), at):
        if "valueFrom" in one:
            elsewhere[str(one["name"])] = place
        else:
            value = one.get("value", "")
            text = value if isinstance(value, str) else document.spelled((*place, "value")) or str(value)
            texts[str(one["name"])] = Text(text, (*place, "value"))
    return texts, elsewhere


def _given(spec: Mapping[str, Any], at: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for key in ("parameters", "runtimeParameters"):
        for number, one in enumerate(spec.get(key) or []):
            yield (*at, key, number), one


def _schedule(document: Document, at: Path, name: str, found: Found) -> dict[str, Any]:
    value = _value(document, at)
    made: dict[str, Any] = {"name": name_of(name, document, at, found)}
    place = (*at, "cronExpression")
    made["cron"] = times.cron_of(value.get("cronExpression", ""), document, place, times.seconds_added, found)
    return made | _ALWAYS | times.span(value, _SPAN, document, at, found)
