"""Where component specs stand is no matter to what the diff says of pipelines; what leads nowhere is told."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import mutations
import profiles
import pytest
from diff_kit import Command, Edit, diff, edit
from gitrepo import commit
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.base.yamltext import parse, parse_all
from kfp_gitops.rendering import specs
from kfp_gitops.rendering.rendered import ENVIRONMENT
from kfp_gitops.review.diff import revision
from kfp_gitops.review.diff.compare import compare
from kfp_gitops.review.diff.model import Change, EnvironmentDiff, Kind, PipelineDiff
from kfp_gitops.review.diff.state import State
from project import PROJECT, Outcome
from shared_specs import as_an_earlier_version_wrote_it, as_earlier

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
Texts = Mapping[str, str]


@cache
def _texts(env: str) -> Texts:
    return revision.in_tree(PROJECT, f"manifests/{env}")


def _compared(before: Texts, after: Texts, env: str = "dev") -> EnvironmentDiff:
    return compare(env, State("before", before), State("after", after), NOW)


def _changed(texts: Texts, path: str, new: str) -> dict[str, str]:
    """Another text of a spec under its own name, and every reference to it."""
    component, old = specs.component_of(path), Path(path).stem[-8:]
    rest = {name: text for name, text in texts.items() if name != path}
    head = parse(texts[ENVIRONMENT], ENVIRONMENT).value
    for entry in head["pipelines"]:
        if entry["components"].get(component) == old:
            entry["components"][component] = specs.hash8(new)
    return {**rest, specs.path(component, specs.hash8(new)): new, ENVIRONMENT: dump(head)}


def _specs(texts: Texts) -> list[str]:
    return sorted(path for path in texts if path.startswith(specs.PREFIX))


def _everything(found: EnvironmentDiff) -> list[Change]:
    return [*found.changes, *(change for item in found.pipelines for change in item.changes)]


@pytest.mark.parametrize("env", ["dev", "prod"])
def test_another_layout_is_no_change_of_anything(env: str) -> None:
    earlier = as_earlier(_texts(env))
    for pair in ((earlier, _texts(env)), (_texts(env), earlier)):
        found = _compared(*pair, env)
        assert not found.semantic
        assert (found.pipelines, _everything(found), found.warnings) == ([], [], [])


def test_a_command_that_compares_with_an_earlier_layout_shows_no_change(
    changed: Path, command: Command
) -> None:
    as_an_earlier_version_wrote_it(changed)
    commit(changed, "as an earlier version wrote it")
    assert command("render", "--root", changed, "--all", "--lock").code == 0
    outcome = command("diff", "--root", changed, "--all", "--format", "json")
    dev, prod = json.loads(outcome.out)["environments"]
    assert dev["pipelines"] == []
    assert [item["semantic"] for item in prod["pipelines"]] == [False], (
        "the first lines of pinned specs differ"
    )
    assert not [change for env in (dev, prod) for change in env["changes"] if change["kind"] != "delivery"]
    assert not [change for env in (dev, prod) for change in env["changes"] if "components/" in str(change)]


def test_a_change_of_the_layout_and_of_a_component_shows_the_change_alone(
    changed: Path, command: Command
) -> None:
    plain = Edit("components/count_words/component.yaml", "wc -w", "wc -m")
    as_an_earlier_version_wrote_it(changed)
    commit(changed, "as an earlier version wrote it")
    edit(changed, plain)
    both = _pipelines(diff(command, changed, "--format", "json"))
    command("render", "--root", changed, "--env", "dev", "--lock")
    edit(changed, Edit(plain.path, plain.new, plain.old))
    command("render", "--root", changed, "--env", "dev", "--lock")
    commit(changed, "as this version writes it")
    edit(changed, plain)
    assert both == _pipelines(diff(command, changed, "--format", "json"))


def _pipelines(outcome: Outcome) -> Any:
    (dev,) = json.loads(outcome.out)["environments"]
    assert dev["pipelines"]
    return dev["pipelines"]


@pytest.mark.parametrize("number", range(profiles.examples(20)))
def test_a_change_of_a_spec_is_the_same_in_every_layout(number: int) -> None:
    """Of every pipeline that uses it: field by field, and never as a file that came and one that went."""
    rng = random.Random(number)
    texts = _texts("dev")
    path = rng.choice(_specs(texts))
    mutation = mutations.mutate([one.value for one in parse_all(texts[path], path)], rng)
    after = _changed(texts, path, mutations.text(mutation.documents))
    found = _compared(texts, after)
    users = {
        name for name, entry in _entries(texts).items() if specs.component_of(path) in entry["components"]
    }
    assert {item.name for item in found.pipelines} == users
    assert not found.changes
    assert _compared(as_earlier(texts), after) == found
    was = _compared(as_earlier(texts), as_earlier(after))
    assert [_about(item) for item in was.pipelines] == [_about(item) for item in found.pipelines]


def _about(found: PipelineDiff) -> PipelineDiff:
    """Wherever its files are."""
    changes = [
        replace(change, name="a file") if change.kind is Kind.FILE else change for change in found.changes
    ]
    return replace(found, changes=changes)


def _entries(texts: Texts) -> dict[str, dict[str, dict[str, str]]]:
    return {entry["name"]: entry for entry in parse(texts[ENVIRONMENT], ENVIRONMENT).value["pipelines"]}


def _other_text(texts: Texts, path: str) -> dict[str, str]:
    return {**texts, path: texts[path] + "# a comment\n"}


def _no_file(texts: Texts, path: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if name != path}


def _unused(texts: Texts, path: str) -> dict[str, str]:
    return {**texts, f"{specs.PREFIX}nobody-00000000.yaml": texts[path]}


def _no_yaml(texts: Texts, path: str) -> dict[str, str]:
    return {**texts, f"{specs.PREFIX}notes.txt": texts[path]}


def _in_its_folder(texts: Texts, path: str) -> dict[str, str]:
    return {**texts, "pipelines/quickstart/components/load_usage.yaml": "image: evil\n"}


def _other_digits(texts: Texts, path: str) -> dict[str, str]:
    head = parse(texts[ENVIRONMENT], ENVIRONMENT).value
    head["pipelines"][0]["components"]["cleanup"] = "00000000"
    return {**texts, ENVIRONMENT: dump(head)}


def _no_references(texts: Texts, path: str) -> dict[str, str]:
    head = parse(texts[ENVIRONMENT], ENVIRONMENT).value
    del head["pipelines"][0]["components"]
    return {**texts, ENVIRONMENT: dump(head)}


def _null_references(texts: Texts, path: str) -> dict[str, str]:
    head = parse(texts[ENVIRONMENT], ENVIRONMENT).value
    head["pipelines"][0]["components"] = None
    return {**texts, ENVIRONMENT: dump(head)}


def _extra_reference(texts: Texts, path: str) -> dict[str, str]:
    """True, and of a component that no task runs."""
    head = parse(texts[ENVIRONMENT], ENVIRONMENT).value
    entries = {entry["name"]: entry for entry in head["pipelines"]}
    entries["quickstart"]["components"]["cleanup"] = entries["predictive-scaling"]["components"]["cleanup"]
    return {**texts, ENVIRONMENT: dump(head)}


@pytest.mark.parametrize(
    "tamper",
    [
        _other_text, _no_file, _unused, _no_yaml, _in_its_folder, _other_digits, _no_references, _null_references,
        _extra_reference,
    ],
)  # fmt: skip
def test_what_leads_elsewhere_is_told_whichever_side_it_is_on(
    tamper: Callable[[Texts, str], dict[str, str]],
) -> None:
    texts = _texts("dev")
    tampered = tamper(texts, _specs(texts)[0])
    for pair in ((texts, tampered), (tampered, texts)):
        found = _compared(*pair)
        assert found.semantic and _everything(found), tamper.__name__


def test_a_file_of_which_one_side_alone_makes_use_is_told() -> None:
    """It lay there before, unused: that it is used now is a change of the pipeline."""
    texts = _texts("dev")
    path = _specs(texts)[0]
    after = _changed(texts, path, texts[path].replace("kfp-2", "kfp-3"))
    lying = {**texts, **{name: after[name] for name in _specs(after)}}
    found = _compared(lying, after)
    assert found.semantic


def test_a_spec_is_named_where_it_stands() -> None:
    """In what is told of a file, and where it is no YAML."""
    texts = _texts("dev")
    path = _specs(texts)[0]
    after = _changed(texts, path, f"{texts[path]}---\nanother: one\n")
    found = {change.name for change in _everything(_compared(texts, after)) if change.kind is Kind.FILE}
    (place,) = {*_specs(after)} - {*_specs(texts)}
    assert found == {f"manifests/dev/{place}"}
    broken = _changed(texts, path, "a: b: c\n")
    (place,) = {*_specs(broken)} - {*_specs(texts)}
    with pytest.raises(InputError, match=f"after: {place}:1:"):
        _compared(texts, broken)


def test_a_reference_that_leads_nowhere_names_the_component() -> None:
    texts = _texts("dev")
    found = _compared(texts, _other_digits(texts, ""))
    (item,) = (item for item in found.pipelines if item.name == "predictive-scaling")
    told = [(change.kind, change.field, change.after) for change in item.changes]
    assert (Kind.PIPELINE, "components", {"cleanup": "00000000"}) in told or (
        Kind.PIPELINE,
        "components.cleanup",
        "00000000",
    ) in told
