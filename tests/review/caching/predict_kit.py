"""A small pipeline, and changes of it: what KFP's cache makes of them is for the tests beside."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from kfp_gitops.base.yamltext import parse
from kfp_gitops.review.caching import Side

IMAGE = "registry.example.com/steps@sha256:" + "1" * 64
OTHER = "registry.example.com/steps@sha256:" + "2" * 64
PIPELINE = """
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: p, description: d, owner: o}
spec:
  parameters:
    source: {type: str, default: a}
  tasks:
    load: {component: load, arguments: {source: {param: source}}}
    train: {component: train, arguments: {data: {task: load, output: data}, rate: 0.5}}
    judge: {component: judge, arguments: {model: {task: train, output: model}, score: {task: train, output: score}}}
    tell: {component: tell, arguments: {text: {task: judge, output: text}}}
    apart: {component: tell, arguments: {text: hello}}
"""
SPECS = """
load:
  name: load
  inputs: [{name: source, type: String}, {name: rows, type: Integer, default: '5'}]
  outputs: [{name: data, type: Dataset}]
  implementation:
    container:
      image: IMAGE
      command: [load]
      args: [{inputValue: source}, {concat: [{outputPath: data}, {inputValue: rows}]}]
train:
  name: train
  inputs: [{name: data, type: Dataset}, {name: rate, type: Float}]
  outputs: [{name: model, type: Model}, {name: score, type: Float}]
  implementation:
    container:
      image: IMAGE
      command: [train, {inputPath: data}]
      args: [{inputValue: rate}, {outputPath: model}, {outputPath: score}]
judge:
  name: judge
  inputs: [{name: model, type: Model}, {name: score, type: Float}]
  outputs: [{name: text, type: String}]
  implementation: {container: {image: IMAGE, command: [judge], args: [{inputPath: model}, {outputPath: text}]}}
tell:
  name: tell
  inputs: [{name: text, type: String}]
  implementation: {container: {image: IMAGE, command: [tell], args: [{inputValue: text}]}}
""".replace("IMAGE", IMAGE)

Edit = Callable[[Any, Any], None]


def side(edit: Edit = lambda tasks, specs: None) -> Side:
    """The pipeline with a change."""
    manifest, specs = copy.deepcopy(parse(PIPELINE, "m").value), copy.deepcopy(parse(SPECS, "s").value)
    edit(manifest["spec"], specs)
    return Side(manifest, specs)


def at(path: str, value: Any) -> Edit:
    """Set something of a task: `train.arguments.rate`."""

    def edit(spec: Any, specs: Any) -> None:
        *way, last = path.split(".")
        place = spec["tasks"]
        for key in way:
            place = place.setdefault(key, {})
        place[last] = value

    return edit


def container_of(name: str, edit: Callable[[Any], None]) -> Edit:
    """Change the container of a component."""
    return lambda spec, specs: edit(specs[name]["implementation"]["container"])


def both(*edits: Edit) -> Edit:
    """One change after the other."""

    def edit(spec: Any, specs: Any) -> None:
        for one in edits:
            one(spec, specs)

    return edit


def rename_task(spec: Any, specs: Any) -> None:
    tasks = spec["tasks"]
    tasks["fit"] = tasks.pop("train")
    for key in ("model", "score"):
        tasks["judge"]["arguments"][key]["task"] = "fit"


def rename_component(spec: Any, specs: Any) -> None:
    specs["fit"] = {**specs.pop("train"), "name": "fit"}
    spec["tasks"]["train"]["component"] = "fit"


def new_upstream(spec: Any, specs: Any) -> None:
    spec["tasks"]["other"] = {"component": "load", "arguments": {"source": "z"}}
    spec["tasks"]["train"]["arguments"]["data"] = {"task": "other", "output": "data"}


PVC = {"/data": {"pvc": "a"}}
