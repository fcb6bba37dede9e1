"""Where component specs stand: each text once, for all pipelines that use it; and what an earlier version left."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from gitrepo import commit, git, init
from hypothesis import given, settings
from hypothesis import strategies as st
from kfp_gitops.base import folders, processes, schema
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.places import Plain
from kfp_gitops.base.yamldump import dump
from kfp_gitops.base.yamltext import parse
from kfp_gitops.compiling import lock
from kfp_gitops.compiling.lock import Locked
from kfp_gitops.reconcile import folder
from kfp_gitops.rendering import render, specs
from kfp_gitops.rendering.rendered import LOCK, RenderedPipeline, read_from
from profiles import examples
from project import Outcome, snapshot
from shared_specs import as_an_earlier_version_wrote_it, make_earlier, spec_file

Command = Callable[..., Outcome]
GREET = "components/greet/component.yaml"


@pytest.fixture
def two(repository: Path) -> Path:
    """The small repository with a second pipeline of the same components, and more than one process at work."""
    shutil.copytree(repository / "templates/pipelines/hello", repository / "templates/pipelines/welcome")
    path = repository / "templates/pipelines/welcome/pipeline.yaml.j2"
    path.write_text(path.read_text().replace("name: hello", "name: welcome"))
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text() + "  welcome:\n" + WELCOME)
    return repository


WELCOME = "    values: {name: x, threshold: 1, items: [a], schedule: {cron: '0 0 3 * * 1', enabled: false}}\n"


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_each_text_stands_once_and_is_referred_to_by_its_content(two: Path, command: Command) -> None:
    assert command("render", "--root", two, "--env", "dev").code == 0
    dev = two / "manifests/dev"
    found = {path.relative_to(dev).as_posix() for path in dev.rglob("components/*")}
    entries = parse((dev / "environment.yaml").read_text(), "").value["pipelines"]
    wanted = {path for entry in entries for _, _, path in specs.of_entry(entry)}
    assert found == wanted and len(found) == 2
    assert [entry["components"] for entry in entries] == [entries[0]["components"]] * 2
    for path in found:
        text = (dev / path).read_text("utf-8")
        assert path.endswith(f"-{specs.hash8(text)}.yaml")
        assert "hello" not in text.partition("\n")[0]


def test_a_promoted_spec_names_no_pipeline_either(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--env", "prod")
    line = spec_file(repository, "prod", "greet").read_text().partition("\n")[0]
    assert line.startswith("# Generated from components/greet/component.yaml, as promoted, by ")


@pytest.mark.parametrize("cores", [1, 2])
def test_equal_texts_are_one_in_memory(
    cores: int, two: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "cores", lambda: cores)
    monkeypatch.setattr(processes, "BATCH", 1)
    rendered = render.render(two, "dev").pipelines
    command("render", "--root", two, "--env", "dev", "--lock")
    read = folder.read(two / "manifests/dev", "dev").rendered
    for first, second in (rendered, (read["hello"], read["welcome"])):
        for name in ("greet", "count_words"):
            assert first.specs[name] is second.specs[name]


def test_two_texts_of_one_name_are_refused() -> None:
    """Two digests that begin alike: one in four thousand million, and none may take the other's place."""
    texts = [("a", [("components/c-00000000.yaml", "1")]), ("b", [("components/c-00000000.yaml", "2")])]
    with pytest.raises(InputError) as caught:
        specs.together(texts)
    assert str(caught.value) == (
        "components/c/component.yaml: two texts begin with the same eight digits of their SHA-256: "
        "of pipeline 'a', and of 'b'; change a word in the description of component 'c' in one of them"
    )
    assert specs.together([texts[0], texts[0]]) == dict(texts[0][1])


def test_what_nobody_refers_to_is_told_and_removed(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--all", "--lock")
    assert command("render", "--root", repository, "--all", "--check").code == 0
    stray = repository / "manifests/dev/components/greet-00000000.yaml"
    stray.write_text("left: over\n")
    checked = command("render", "--root", repository, "--all", "--check")
    assert (checked.code, checked.out) == (1, "remove manifests/dev/components/greet-00000000.yaml\n")
    assert command("render", "--root", repository, "--env", "dev").code == 0
    assert not stray.exists()


def test_a_change_of_a_component_is_one_file_that_git_shows_as_renamed(two: Path, command: Command) -> None:
    command("render", "--root", two, "--env", "dev", "--lock")
    init(two)
    _replace(two / GREET, "return named", "pass; return named")
    command("render", "--root", two, "--env", "dev", "--lock")
    git(two, "add", "-A")
    told = git(two, "diff", "--cached", "--name-status", "--find-renames", "--", "manifests")
    status = dict(reversed(line.split("\t", 1)) for line in told.splitlines())
    renamed = [path for path, kind in status.items() if kind.startswith("R")]
    assert len(renamed) == 1 and re.fullmatch(r"(\S+components/greet-[0-9a-f]{8}\.yaml\s?){2}", renamed[0])
    assert not [path for path in status if "/pipelines/" in path]
    changed = git(two, "diff", "--cached", "--numstat", "--", "manifests/dev/environment.yaml")
    assert changed.split()[:2] == ["4", "4"], "a release and a reference for each pipeline"


def test_an_earlier_layout_becomes_this_one_and_it_is_said_in_a_line(two: Path, command: Command) -> None:
    command("render", "--root", two, "--all", "--lock")
    wanted = snapshot(two / "manifests")
    for env in ("dev", "prod"):
        make_earlier(two, env)
    assert (two / "manifests/dev/pipelines/welcome/components/greet.yaml").is_file()
    assert not (two / "manifests/dev/components").exists()
    done = command("render", "--root", two, "--all")
    assert done.code == 0
    said = [line for line in done.err.splitlines() if "upgrade.md" in line]
    assert said == [
        f"manifests/{env}: component specs stand once in manifests/{env}/components/ now, not in each pipeline's "
        "folder; no pipeline changes by that (docs/upgrade.md)"
        for env in ("dev", "prod")
    ]
    assert "does not fit the manifests" not in done.err, "the locks hold"
    assert snapshot(two / "manifests") == wanted
    assert "components/ now" not in command("render", "--root", two, "--all").err


def test_what_an_earlier_version_wrote_is_delivered_by_the_same_locks(
    repository: Path, command: Command
) -> None:
    """Byte for byte what that version wrote; of pinned copies the first line of the specs is another one."""
    as_an_earlier_version_wrote_it(repository)
    old = _locks(repository)
    for env in ("dev", "prod"):
        read = folder.read(repository / "manifests" / env, env)
        assert read.rendered["hello"].digest == read.locked["hello"].manifest
    assert command("render", "--root", repository, "--all", "--lock").code == 0
    assert _locks(repository)["dev"] == old["dev"]
    assert _locks(repository)["prod"]["hello"].digest == old["prod"]["hello"].digest


def _locks(root: Path) -> dict[str, Mapping[str, Locked]]:
    texts = {env: (root / f"manifests/{env}/{LOCK}").read_text("utf-8") for env in ("dev", "prod")}
    return {env: lock.read(text, env) for env, text in texts.items()}


def test_a_check_of_an_earlier_layout_says_what_it_is(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--all", "--lock")
    make_earlier(repository, "dev")
    done = command("render", "--root", repository, "--env", "dev", "--check")
    assert done.code == 1
    assert "remove manifests/dev/pipelines/hello/components/greet.yaml" in done.out
    assert done.err.splitlines() == [
        "manifests/dev: written by an earlier kfp-gitops, each pipeline with component specs of its own "
        "(docs/upgrade.md)",
        "manifests/dev: is not what its inputs render to; run `python scripts/render.py --env dev --lock` and commit",
    ]


def test_an_earlier_layout_is_read_as_the_same_pipelines(two: Path, command: Command) -> None:
    command("render", "--root", two, "--env", "dev", "--lock")
    found = folder.read(two / "manifests/dev", "dev")
    make_earlier(two, "dev")
    earlier = folder.read(two / "manifests/dev", "dev")
    assert earlier.rendered == found.rendered
    assert {name: one.digest for name, one in earlier.rendered.items()} == {
        name: entry.manifest for name, entry in found.locked.items()
    }


def test_a_spec_that_is_another_one_than_its_name_says_is_refused(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--env", "dev", "--lock")
    path = spec_file(repository, "dev", "greet")
    _replace(path, "return named", "return evil")
    with pytest.raises(InputError) as caught:
        folder.read(repository / "manifests/dev", "dev")
    assert str(caught.value) == (
        f"manifests/dev/components/{path.name}: its name says {path.stem[-8:]}, and the SHA-256 of its text begins "
        "with "
        f"{specs.hash8(path.read_text())}; edit its source instead, and render again"
    )
    path.unlink()
    with pytest.raises(InputError, match=rf"manifests/dev/components/{path.name}: no such file"):
        folder.read(repository / "manifests/dev", "dev")


def test_delivery_templates_that_leave_the_specs_out_are_refused(repository: Path, command: Command) -> None:
    """The reconciler would find none; a package may meet the templates of a version before it."""
    at = repository / "templates/delivery"
    for name in ("kustomization.yaml.j2", "_pod.j2"):
        good = (at / name).read_text("utf-8")
        _replace(at / name, "for file in components", "for file in []")
        done = command("render", "--root", repository, "--env", "dev")
        assert (done.code, done.err) == (
            2,
            f"templates/delivery/{name}:1:1: it leaves out the component specs, which stand in components/ now, "
            "once for all pipelines; take templates/delivery/ of this version: docs/upgrade.md\n",
        )
        (at / name).write_text(good, "utf-8")


def test_branches_that_change_components_of_different_pipelines_merge(two: Path, command: Command) -> None:
    """What environment.yaml and the lock say of each stands in lines of its own."""
    for pipeline, component in USES.items():
        path = two / f"templates/pipelines/{pipeline}/pipeline.yaml.j2"
        takes = "name" if component == "greet" else "text"
        path.write_text(ONE_TASK.format(pipeline=pipeline, component=component, takes=takes), "utf-8")
    command("render", "--root", two, "--env", "dev", "--lock")
    init(two)
    for pipeline, component in USES.items():
        git(two, "checkout", "-q", "-b", component, "main")
        _replace(two / f"components/{component}/component.yaml", *EDITS[component])
        assert command("render", "--root", two, "--env", "dev", "--lock").code == 0
        commit(two, f"{component} of {pipeline}")
    with suppress(subprocess.CalledProcessError):
        git(two, "merge", "-q", "greet", "-m", "both")
    # Lists of files for kustomize and Kubernetes have neighbours; rendering makes them anew.
    clash = git(two, "diff", "--name-only", "--diff-filter=U").splitlines()
    assert {*clash} <= {f"manifests/dev/{name}" for name in OF_DELIVERY}
    assert command("render", "--root", two, "--env", "dev").code == 0
    assert command("render", "--root", two, "--env", "dev", "--check").code == 0


OF_DELIVERY = ("apply-job.yaml", "content.yaml", "drift-cronjob.yaml", "kustomization.yaml")
USES = {"hello": "greet", "welcome": "count_words"}
EDITS = {"greet": ("return named", "pass; return named"), "count_words": ("wc -w", "wc  -w")}
ONE_TASK = """apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {{name: {pipeline}, description: one task, owner: tests}}
spec:
  parameters: {{text: {{type: str, default: a}}}}
  tasks:
    one: {{component: {component}, arguments: {{{takes}: {{param: text}}}}}}
"""


_NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=30)
_PIPELINES = st.dictionaries(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True),
    st.dictionaries(_NAMES, st.sampled_from(["a: 1\n", "b: 2\n", "ü: 3\n", ""]) | _TEXTS, max_size=4),
    min_size=1,
    max_size=4,
)


@settings(max_examples=examples(100), deadline=None)
@given(_PIPELINES)
def test_what_is_written_is_what_is_read_in_either_layout(
    tmp_path_factory: pytest.TempPathFactory, pipelines: dict[str, dict[str, str]]
) -> None:
    root = tmp_path_factory.mktemp("written")
    made = [RenderedPipeline(name, "r", f"of: {name}\n", texts) for name, texts in pipelines.items()]
    shared = specs.together((one.name, one.shared_files()) for one in made)
    own = {path: text for one in made for path, text in one.own_files()}
    earlier = {
        f"pipelines/{one.name}/components/{name}.yaml": text
        for one in made
        for name, text in one.specs.items()
    }
    assert len(shared) == len({item for one in made for item in one.specs.items()})
    for layout, texts in (("now", own | shared), ("earlier", own | earlier)):
        folders.synchronise(root, layout, texts)
        for one in made:
            refs = {"components": one.components} if layout == "now" else {}
            read = read_from(Plain(root, layout), {"name": one.name, "release": "r", **refs})
            assert (read, read.digest) == (one, one.digest)


@settings(max_examples=examples(200), deadline=None)
@given(
    st.from_regex(r"[0-9a-f]{8}", fullmatch=True) | st.from_regex(r"[0-9]{1,7}e[0-9]{1,7}", fullmatch=True)
)
def test_a_reference_is_a_text_whatever_number_it_looks_like(digits: str) -> None:
    entry = {"name": "p", "release": f"sha256:{'0' * 64}", "components": {"c": digits[:8].ljust(8, "0")}}
    head = {
        "apiVersion": "kfp-gitops/v1alpha1", "kind": "Environment", "repository": "repository",
        "environment": "dev", "kfp": {"host": "", "namespace": ""}, "pipelines": [entry],
    }  # fmt: skip
    document = parse(dump(head), "environment.yaml")
    assert document.value == head
    assert not [*schema.problems(schema.named("environment"), document)]
