"""Thousands of pipelines: few objects, none of them large, and a change of one pipeline changes one archive."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import delivered
import pytest
import yaml
from atomic import Volume
from delivered import Object
from kfp_gitops.base import folders
from kfp_gitops.base.archives import part_of
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.memo import Memo
from kfp_gitops.base.places import Mounted
from kfp_gitops.compiling.lock import version_name
from kfp_gitops.reconcile import folder
from kfp_gitops.rendering.delivered import delivered_by, with_lock
from kfp_gitops.rendering.rendered import Rendered, RenderedPipeline
from kfp_gitops.sources import environment
from project import PROJECT, Outcome
from tools import kustomize_build

Command = Callable[..., Outcome]
SHIPPED = PROJECT / "manifests/dev/pipelines/predictive-scaling/pipeline.yaml"
SPECS = {f"step_{number}": f"name: step {number}\nimplementation: {{}}\n" for number in range(8)}


def _instance(name: str) -> str:
    """One of many pipelines of the shipped template of predictive scaling: about 14 kB."""
    return SHIPPED.read_text("utf-8").replace("predictive-scaling", name)


def _small(name: str) -> str:
    """A manifest of 1 kB of which nothing is in any other one."""
    return "".join(f"{name}: {hashlib.sha256(f'{name} {line}'.encode()).hexdigest()}\n" for line in range(12))


def _pipelines(count: int, manifest: Callable[[str], str]) -> list[RenderedPipeline]:
    names = [f"customer-{number:05}-scaling" for number in range(count)]
    return [RenderedPipeline(name, f"sha256:{'0' * 64}", manifest(name), SPECS) for name in names]


def _head(pipelines: list[RenderedPipeline]) -> str:
    entries = "".join(
        f"- name: {one.name}\n  release: {one.release}\n  components:\n"
        + "".join(f"    {name}: '{digits}'\n" for name, digits in one.components.items())
        for one in pipelines
    )
    return (
        "# Generated\napiVersion: kfp-gitops/v1alpha1\nkind: Environment\nrepository: example-repository\n"
        "environment: dev\nkfp:\n  host: http://ml-pipeline.kubeflow.svc.cluster.local:8888\n  namespace: ''\n"
        f"pipelines:\n{entries}absent:\n- name: gone\n  delete: schedules\n"
    )


def _lock(pipelines: list[RenderedPipeline]) -> str:
    """As if a pipeline compiled to its own digest."""
    entries = "".join(
        f"  {one.name}:\n    version: {version_name(one.digest)}\n    digest: {one.digest}\n"
        f"    manifest: {one.digest}\n"
        for one in pipelines
    )
    return f"# Generated\napiVersion: kfp-gitops/v1alpha1\nkind: VersionLock\npipelines:\n{entries}"


def _rendered(root: Path, pipelines: list[RenderedPipeline]) -> Rendered:
    env = environment.load(root, "dev")
    texts, packing = delivered_by(root, env, pipelines, _head(pipelines), Memo())
    return Rendered("dev", tuple(pipelines), texts, env, packing=packing)


def _built(root: Path, pipelines: list[RenderedPipeline]) -> tuple[Object, ...]:
    """What kustomize makes of them; files that it does not read are left out where there are many."""
    found = _rendered(root, pipelines)
    wanted = with_lock(root, found, _lock(pipelines))
    if found.packing:
        packed = ("pipelines/", "components/")
        wanted = {path: one for path, one in wanted.items() if not path.startswith(packed)}
    folders.synchronise(root, "manifests/dev", wanted)
    return tuple(kustomize_build(root / "manifests/dev"))


def _sizes(objects: tuple[Object, ...]) -> dict[str, int]:
    return {
        f"{item['kind']} {item['metadata']['name']}": len(yaml.safe_dump(item, width=10_000))
        for item in objects
    }


@pytest.fixture(params=[_instance, _small], ids=["instances of one template", "distinct ones"])
def manifest(request: pytest.FixtureRequest) -> Callable[[str], str]:
    found: Callable[[str], str] = request.param
    return found


def test_ten_thousand_pipelines_are_fewer_than_a_hundred_objects(
    repository: Path, manifest: Callable[[str], str]
) -> None:
    sizes = _sizes(_built(repository, _pipelines(10_000, manifest)))
    assert len(sizes) < 100
    assert max(sizes.values()) < 900_000
    job, cron = (
        next(size for name, size in sizes.items() if name.startswith(kind)) for kind in ("Job", "CronJob")
    )
    assert job < 20_000
    assert cron < 20_000


@pytest.mark.parametrize(
    ("count", "parts"), [(49, 0), (50, 8), (499, 8), (500, 32), (4_999, 32), (5_000, 64)]
)
def test_how_many_archives_there_are_depends_on_the_number_of_pipelines(
    repository: Path, count: int, parts: int
) -> None:
    objects = _built(repository, _pipelines(count, _small))
    names = [name for name in delivered.config_maps(objects) if "-dev-pipelines-" in name]
    assert len(names) == parts
    assert _sizes(objects)[f"Job {_name(objects, 'Job')}"] < 20_000


def _name(objects: tuple[Object, ...], kind: str) -> str:
    return next(str(item["metadata"]["name"]) for item in objects if item["kind"] == kind)


def _changed(before: tuple[Object, ...], after: tuple[Object, ...]) -> list[str]:
    left, right = delivered.tracked(before), delivered.tracked(after)
    names = {key for key in left.keys() | right.keys() if left.get(key) != right.get(key)}
    return sorted({f"{kind} {re.sub(r'-[a-z0-9]{10}$', '', name)}" for kind, _, name in names})


FOLLOWS = ["ConfigMap kfp-gitops-dev-apply", "CronJob kfp-gitops-dev-drift", "Job kfp-gitops-dev-apply"]


def test_a_change_of_one_pipeline_changes_its_archive_and_what_names_the_job(repository: Path) -> None:
    pipelines = _pipelines(500, _small)
    before = _built(repository, pipelines)
    pipelines[7] = replace(pipelines[7], manifest="other: manifest\n", release=f"sha256:{'1' * 64}")
    part = f"ConfigMap kfp-gitops-dev-pipelines-{part_of(pipelines[7].name, 32):02}"
    assert _changed(before, _built(repository, pipelines)) == sorted([*FOLLOWS, part])


def test_a_pipeline_that_comes_or_goes_changes_its_archive_alone(repository: Path) -> None:
    pipelines = _pipelines(520, _small)
    before = _built(repository, pipelines)
    part = f"ConfigMap kfp-gitops-dev-pipelines-{part_of(pipelines[-1].name, 32):02}"
    assert _changed(before, _built(repository, pipelines[:-1])) == sorted([*FOLLOWS, part])


def test_a_change_of_a_lock_alone_makes_another_job(repository: Path) -> None:
    pipelines = _pipelines(60, _small)
    found = _rendered(repository, pipelines)
    lock = _lock(pipelines)
    one, two = (
        with_lock(repository, found, text)
        for text in (lock, lock.replace("version: sha-", "version: sha-0", 1))
    )
    changed = sorted(path for path in one if one[path] != two[path])
    assert len(changed) == 3
    assert changed[:2] == ["content.yaml", f"packed/pipelines-{part_of(pipelines[0].name, 8):02}.tar.gz"]


def test_a_change_of_a_shared_component_changes_the_archives_of_those_that_use_it(repository: Path) -> None:
    pipelines = _pipelines(60, _small)
    before = _built(repository, pipelines)
    users = {one.name for one in pipelines if part_of(one.name, 8) in (2, 5)}
    other = {**SPECS, "step_3": "name: step 3\nimplementation: {container: {}}\n"}
    after = [replace(one, specs=other) if one.name in users else one for one in pipelines]
    archives = [
        f"ConfigMap kfp-gitops-dev-{name}" for name in ("components-00", "pipelines-02", "pipelines-05")
    ]
    assert _changed(before, _built(repository, after)) == sorted([*FOLLOWS, *archives])


def test_the_order_in_values_changes_no_archive(repository: Path) -> None:
    pipelines = _pipelines(60, _small)
    before = _built(repository, pipelines)
    assert _changed(before, _built(repository, pipelines[::-1])) == []


def test_what_is_mounted_is_what_was_rendered(repository: Path, tmp_path: Path) -> None:
    pipelines = _pipelines(600, _small)
    objects = _built(repository, pipelines)
    for name, template in delivered.pods(objects):
        volume = Volume(tmp_path / name)
        volume.write(delivered.mounted(template["spec"], objects))
        found = folder.texts(Mounted(volume.folder), "dev")
        assert {entry["name"] for entry in found.environment["pipelines"]} == {one.name for one in pipelines}
        assert found.environment["absent"] == [{"name": "gone", "delete": "schedules"}]
        assert {one.name: one.digest for one in found.shelf} == {one.name: one.digest for one in pipelines}
        assert {name: entry.manifest for name, entry in found.locked.items()} == {
            one.name: one.digest for one in pipelines
        }


def test_all_objects_of_archives_are_immutable_named_by_content_and_pruned_last(repository: Path) -> None:
    objects = _built(repository, _pipelines(50, _small))
    packed = [item for item in objects if "binaryData" in item]
    assert len(packed) == 9
    for item in packed:
        assert item["immutable"] is True
        assert re.search(r"-[a-z0-9]{10}$", item["metadata"]["name"])
        assert item["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "PruneLast=true"


def test_content_tells_the_digest_of_each_archive_as_anybody_computes_it(repository: Path) -> None:
    objects = _built(repository, _pipelines(50, _small))
    maps = delivered.config_maps(objects)
    (index,) = (found for name, found in maps.items() if name.startswith("kfp-gitops-dev-apply-"))
    told = {entry["file"]: entry["is"] for entry in yaml.safe_load(index["content.yaml"]) if "file" in entry}
    for found in maps.values():
        for key, content in found.items():
            if isinstance(content, bytes):
                digest = hashlib.sha256(gzip.decompress(content)).hexdigest()
                assert told[f"packed/{key}"] == f"sha256:{digest}"


def test_a_disabled_environment_mounts_its_head_alone(repository: Path) -> None:
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text("utf-8") + "state: disabled\n", "utf-8")
    objects = _built(repository, _pipelines(50, _small))
    for _, template in delivered.pods(objects):
        assert [*delivered.mounted(template["spec"], objects)] == ["environment.yaml"]


def test_its_pass_that_sees_that_it_is_off_mounts_all_archives(repository: Path) -> None:
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text("utf-8") + "state: disabled\n", "utf-8")
    first, *others = _pipelines(50, _small)
    manifest = f"name: first\ntriggers:\n- {{name: after, runOn: {{pipeline: {others[0].name}}}}}\n"
    objects = _built(repository, [replace(first, manifest=manifest), *others])
    of = {name: delivered.mounted(template["spec"], objects) for name, template in delivered.pods(objects)}
    archives = {one for one in of.pop("kfp-gitops-dev-trigger") if one.endswith(".tar.gz")}
    assert len(archives) == 9, "eight of pipelines, and one of what they share"
    assert {name: [*found] for name, found in of.items()} == {"kfp-gitops-dev": ["environment.yaml"]}


def _noise(name: str, size: int) -> str:
    """What no compressor makes smaller than three quarters."""
    found = b"".join(hashlib.sha256(f"{name} {part}".encode()).digest() for part in range(size // 32))
    return base64.b64encode(found).decode()


def test_one_large_pipeline_among_few_is_packed(repository: Path) -> None:
    pipelines = [*_pipelines(3, _small), RenderedPipeline("large", "r", "text: word\n" * 100_000, {})]
    sizes = _sizes(_built(repository, pipelines))
    assert len([name for name in sizes if "-pipelines-" in name]) == 8
    assert max(sizes.values()) < 20_000


def test_long_lists_of_files_are_packed_for_the_jobs_sake(repository: Path) -> None:
    irs = {f"{'long' * 20}-{number}.yaml": "a: b\n" for number in range(10)}
    pipelines = [replace(one, irs=irs) for one in _pipelines(20, _small)]
    objects = _built(repository, pipelines)
    assert _sizes(objects)[f"Job {_name(objects, 'Job')}"] < 20_000


def test_an_archive_that_no_config_map_holds_is_refused_with_the_way_out(repository: Path) -> None:
    pipelines = _pipelines(60, _small)
    for place in (3, 4):
        pipelines[place] = replace(pipelines[place], manifest=_noise(pipelines[place].name, 700_000))
    with pytest.raises(InputError) as told:
        _built(repository, pipelines)
    assert {problem.path for problem in told.value.problems} == {
        f"manifests/dev/pipelines/{pipelines[place].name}/pipeline.yaml" for place in (3, 4)
    }
    for problem in told.value.problems:
        assert re.fullmatch(
            r"packed/pipelines-0\d\.tar\.gz: \d+ bytes compressed; an archive has at most 672000",
            problem.what,
        )
        assert "docs/delivery.md" in problem.todo


@pytest.mark.parametrize("artifact", [False, True])
def test_a_path_that_no_tar_holds_is_refused(repository: Path, artifact: bool) -> None:
    name = "long" * 40
    if artifact:
        base = repository / "environments/base.yaml"
        line = "delivery:\n  artifact: {repository: registry.example.com/team/dev}\n"
        base.write_text(base.read_text("utf-8").replace("delivery:\n", line, 1), "utf-8")
    pipelines = [replace(one, specs={name: "a: b\n"}) for one in _pipelines(60, _small)]
    with pytest.raises(InputError, match="cannot hold so long a path") as told:
        _built(repository, pipelines)
    assert {problem.path[:-14] for problem in told.value.problems} == {f"manifests/dev/components/{name}"}


@pytest.mark.parametrize("name", ["kustomization.yaml.j2", "_pod.j2"])
def test_templates_that_know_no_archives_are_refused(repository: Path, name: str) -> None:
    path = repository / "templates/delivery" / name
    text = path.read_text("utf-8")
    path.write_text(text.replace("archives", "nothing | default([])"), "utf-8")
    with pytest.raises(InputError, match="it leaves out the archives in packed/") as told:
        _built(repository, _pipelines(60, _small))
    assert {problem.path for problem in told.value.problems} == {f"templates/delivery/{name}"}
