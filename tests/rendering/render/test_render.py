"""Rendering: what is written, what is removed, what is said, and what it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from project import PROJECT, Outcome, snapshot

Command = Callable[..., Outcome]


def test_rendered_manifests_are_the_golden_ones(
    repository: Path, command: Command, golden: Callable[[str, str], None]
) -> None:
    assert command("render", "--root", repository, "--all", "--lock").code == 0
    rendered = snapshot(repository / "manifests")
    for name, content in rendered.items():
        golden(f"manifests/{name}", content.decode())
    assert set(rendered) == set(snapshot(PROJECT / "tests/golden/manifests"))


def test_rendering_twice_changes_nothing(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--env", "dev")
    before = {p: p.stat().st_mtime_ns for p in repository.rglob("*")}
    outcome = command("render", "--root", repository, "--env", "dev")
    assert (outcome.code, outcome.out) == (0, "")
    assert {p: p.stat().st_mtime_ns for p in repository.rglob("*")} == before


def test_stale_files_are_removed_and_the_lock_is_kept(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--env", "dev", "--lock")
    stale = repository / "manifests/dev/pipelines/gone/pipeline.yaml"
    stale.parent.mkdir()
    stale.write_text("old")
    lock = (repository / "manifests/dev/versions.lock.yaml").read_bytes()
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.out.splitlines() == ["remove manifests/dev/pipelines/gone/pipeline.yaml"]
    assert not stale.parent.exists()
    assert (repository / "manifests/dev/versions.lock.yaml").read_bytes() == lock


def test_check_tells_differences_and_writes_nothing(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--all", "--lock")
    assert command("render", "--root", repository, "--all", "--check").code == 0
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text().replace("name: dev", "name: other"))
    before = snapshot(repository)
    outcome = command("render", "--root", repository, "--all", "--check")
    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        "change manifests/dev/content.yaml",
        "change manifests/dev/pipelines/hello/pipeline.yaml",
        "change manifests/dev/versions.lock.yaml",
    ]
    assert "python scripts/render.py --env dev --lock" in outcome.err
    assert snapshot(repository) == before


def test_check_sees_a_lock_that_was_edited(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--all", "--lock")
    lock = repository / "manifests/dev/versions.lock.yaml"
    text = lock.read_text()
    digest = yaml.safe_load(text)["pipelines"]["hello"]["digest"]
    lock.write_text(text.replace(digest, "sha256:" + "0" * 64))
    outcome = command("render", "--root", repository, "--all", "--check")
    assert (outcome.code, outcome.out) == (1, "change manifests/dev/versions.lock.yaml\n")


@pytest.mark.parametrize("stray", ["ghost/kustomization.yaml", ".ghost/x", "dev/.argocd-source.yaml"])
def test_check_sees_what_argo_cd_could_be_led_to(stray: str, repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--all", "--lock")
    path = repository / "manifests" / stray
    path.parent.mkdir(exist_ok=True)
    path.write_text("kustomize: {}\n")
    outcome = command("render", "--root", repository, "--all", "--check")
    assert (outcome.code, outcome.out) == (1, f"remove manifests/{stray}\n")


def test_check_sees_what_argo_cd_would_take_for_an_environment(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--all", "--lock")
    path = repository / "environments/dev/prod/release.yaml"
    path.parent.mkdir()
    path.write_text("{}\n")
    outcome = command("render", "--root", repository, "--all", "--check")
    assert (outcome.code, outcome.out) == (1, "remove environments/dev/prod/release.yaml\n")


def test_nothing_is_written_where_the_manifests_are_a_link(
    repository: Path, tmp_path: Path, command: Command
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/keep").write_text("mine")
    (repository / "manifests").mkdir(exist_ok=True)
    (repository / "manifests/dev").symlink_to(tmp_path / "home")
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert outcome.err.startswith("manifests/dev: leads out of the repository")
    assert snapshot(tmp_path / "home") == {"keep": b"mine"}


def test_a_lock_that_no_longer_fits_is_said(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--env", "dev", "--lock")
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text().replace("name: dev", "name: other"))
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 0
    assert "versions.lock.yaml does not fit the manifests any more (hello)" in outcome.err


def test_one_bad_environment_keeps_all_from_being_written(repository: Path, command: Command) -> None:
    values = repository / "environments/prod/values.yaml"
    values.write_text(values.read_text().replace("threshold: 5", "threshold: five"))
    before = snapshot(repository)
    outcome = command("render", "--root", repository, "--all")
    assert outcome.code == 2
    assert snapshot(repository) == before


def test_problems_of_all_environments_are_told_at_once(repository: Path, command: Command) -> None:
    for env in ("dev", "prod"):
        values = repository / f"environments/{env}/values.yaml"
        values.write_text(values.read_text().replace("follows: ", "folows: x\nfollows: "))
    outcome = command("render", "--root", repository, "--all")
    assert [line.split(":")[0] for line in outcome.err.splitlines()] == [
        "environments/dev/values.yaml",
        "environments/prod/values.yaml",
    ]


def test_prod_does_not_see_a_change_of_the_sources(repository: Path, command: Command) -> None:
    command("render", "--root", repository, "--all", "--lock")
    before = snapshot(repository / "manifests/prod")
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    template.write_text(template.read_text().replace("owner: tests", "owner: others"))
    outcome = command("render", "--root", repository, "--all", "--lock")
    assert "manifests/dev/pipelines/hello/pipeline.yaml" in outcome.out
    assert snapshot(repository / "manifests/prod") == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--env", "staging"], "no environment 'staging'; there are: dev, prod"),
        (["--env", "../dev"], "no environment '../dev'; there are: dev, prod"),
        ([], "one of the arguments --env --all is required"),
        (["--env", "dev", "--all"], "not allowed with argument"),
        (["--env", "dev", "--chek"], "unrecognized arguments: --chek"),
    ],
    ids=["unknown environment", "path as environment", "nothing", "both", "unknown option"],
)
def test_bad_usage_is_exit_2(repository: Path, command: Command, arguments: list[str], says: str) -> None:
    outcome = command("render", "--root", repository, *arguments)
    assert outcome.code == 2
    assert says in outcome.err
    assert "Traceback" not in outcome.err


def test_a_symbolic_link_out_of_the_tree_is_refused(
    repository: Path, command: Command, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("password")
    (repository / "templates/pipelines/hello/extra.j2").symlink_to(secret)
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert "templates/pipelines/hello/extra.j2: leads out of the repository" in outcome.err
    assert "password" not in outcome.err + outcome.out


def _python_with_only_renderer(folder: Path) -> dict[str, str]:
    """An import path with jinja2, PyYAML and jsonschema and what these need, and nothing else."""
    site = folder / "site"
    site.mkdir()
    names = "jinja2 markupsafe yaml jsonschema jsonschema_specifications referencing rpds attr attrs"
    for name in [*names.split(), "typing_extensions"]:
        module = sys.modules.get(name) or __import__(name)
        source = Path(str(module.__file__))
        source = source.parent if source.name == "__init__.py" else source
        (site / source.name).symlink_to(source)
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}


def test_it_needs_only_three_packages_no_git_and_any_working_directory(tmp_path: Path) -> None:
    clone = tmp_path / "unzipped"
    for folder in ("environments", "templates", "components", "manifests", "scripts"):
        shutil.copytree(PROJECT / folder, clone / folder, ignore=shutil.ignore_patterns("__pycache__"))
    before = snapshot(clone)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    probe = (
        "import runpy, sys; sys.argv = ['render.py', '--env', 'prod']\n"
        f"try: runpy.run_path({str(clone / 'scripts/render.py')!r}, run_name='__main__')\n"
        "except SystemExit as stop:\n"
        "    assert not {'kfp', 'kubernetes', 'pandas', 'prophet'} & set(sys.modules)\n"
        "    raise\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(clone / 'scripts')!r})\n{probe}"],
        cwd=elsewhere,
        env=_python_with_only_renderer(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "manifests/prod: nothing changed\n")
    assert snapshot(clone) == before


def test_bytes_do_not_depend_on_the_hash_seed(repository: Path) -> None:
    results = set()
    for seed in ("0", "1", "2"):
        subprocess.run(
            [sys.executable, PROJECT / "scripts/render.py", "--root", repository, "--all", "--lock"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        results.add(tuple(sorted(snapshot(repository / "manifests").items())))
        shutil.rmtree(repository / "manifests")
    assert len(results) == 1


def test_schedules_of_two_pipelines_may_not_have_one_name_in_kfp(repository: Path, command: Command) -> None:
    folder = repository / "templates/pipelines"
    shutil.copytree(folder / "hello", folder / "hello-big")
    for name, schedule in (("hello", "big-weekly"), ("hello-big", "weekly")):
        template = folder / name / "pipeline.yaml.j2"
        text = template.read_text()
        assert "name: weekly" in text
        template.write_text(text.replace("name: weekly", f"name: {schedule}"))
    values = repository / "environments/dev/values.yaml"
    given = "{name: x, threshold: 1, items: [a], schedule: {cron: '0 0 3 * * 1', enabled: false}}"
    values.write_text(f"{values.read_text()}  hello-big: {{values: {given}}}\n")
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    line = len(values.read_text().splitlines())
    what = "schedules of 'hello' and 'hello-big' have one name in KFP: 'hello-big-weekly'; rename one of them"
    assert f"environments/dev/values.yaml:{line}:3: {what}" in outcome.err


def test_delivery_templates_of_an_earlier_version_are_rendered_with_a_warning(
    repository: Path, command: Command
) -> None:
    folder = repository / "templates/delivery"
    for name in ("names.yaml.j2", "content.yaml.j2"):
        (folder / name).unlink()
    (folder / "kustomization.yaml.j2").write_text(
        "resources:\n{% for file in digests %}\n- {{ file }}\n{% endfor %}\n"
        "{% for file in components %}\n- {{ file.path }}\n{% endfor %}\n"
        "commonAnnotations:\n  job: {{ digests['apply-job.yaml'] }}\n"
    )
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 0
    (line,) = (line for line in outcome.err.splitlines() if "warning" in line)
    assert line.startswith("templates/delivery/kustomization.yaml.j2:1:1: warning: templates of an earlier")
    made = yaml.safe_load((repository / "manifests/dev/kustomization.yaml").read_text())
    assert "apply-job.yaml" in made["resources"]
    assert made["commonAnnotations"]["job"].startswith("sha256:")
    assert not (repository / "manifests/dev/names.yaml").exists()
    again = command("render", "--root", repository, "--env", "dev", "--check")
    assert line in again.err
