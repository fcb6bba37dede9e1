"""Mistakes that everybody makes once: each is told with what to do and exit code 2, and leaves nothing half-written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import gitrepo
import pytest
from project import PROJECT, Outcome, snapshot

Run = Callable[..., Outcome]


@pytest.fixture
def repository(repository: Path, command: Run) -> Path:
    """The small repository, rendered."""
    assert command("render", "--root", repository, "--all").code == 0
    return repository


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_what_the_disk_refuses_is_no_defect(
    repository: Path, command: Run, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(source: str, _target: str) -> None:
        raise OSError(number, os.strerror(number), source)

    (repository / "manifests/dev/environment.yaml").unlink()
    before = snapshot(repository)
    monkeypatch.setattr(
        "os.replace", refuse
    )  # the superuser, who runs tests in containers, may write anywhere
    done = command("render", "--root", repository, "--env", "dev")
    assert done.code == 2
    assert f": {os.strerror(number)}; give yourself the right, or the disk room" in done.err
    assert "Traceback" not in done.err
    assert snapshot(repository) == before


def test_another_error_of_the_system_stays_a_defect(
    repository: Path, command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EBADF, "bad descriptor")

    (repository / "manifests/dev/environment.yaml").unlink()
    monkeypatch.setattr("os.replace", fail)
    done = command("render", "--root", repository, "--env", "dev")
    assert (done.code, "Traceback" in done.err) == (3, True)


@pytest.mark.parametrize("name", [("reconcile", "plan"), ("reconcile", "status"), ("doctor",)])
def test_an_environment_that_is_not_there_is_told_with_those_that_are(
    repository: Path, command: Run, name: tuple[str, ...]
) -> None:
    done = command(*name, "--root", repository, "--env", "pord", "--host", "http://127.0.0.1:9")
    assert done.code == 2
    assert "manifests/pord: no such folder; there are: dev, prod; render one with" in done.err


def test_a_folder_without_git_has_nothing_to_compare_with(repository: Path, command: Run) -> None:
    done = command("diff", "--root", repository, "--env", "dev")
    assert done.code == 2
    assert "is no git repository, so there is nothing to compare with; clone it, or `git init`" in done.err


def test_what_stands_at_the_wrong_place_is_told_where_it_belongs(repository: Path, command: Run) -> None:
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    template.write_text(template.read_text().replace("\nspec:\n", "\nspec:\n  triggers: []\n", 1))
    done = command("render", "--root", repository, "--env", "dev")
    assert done.code == 2
    assert "unknown key 'spec.triggers'" in done.err
    assert "(`schedules` and `triggers` stand beside `spec:`)" in done.err


@pytest.mark.parametrize(
    ("delete", "said"),
    [
        ("", "state: absent: its schedules are deleted; its versions, the pipeline and its runs stay"),
        ("\n    delete: pipeline", "state: absent: its schedules, its versions and the pipeline are deleted"),
    ],
)
def test_a_tombstone_is_told_apart_from_a_pipeline_that_vanished(
    repository: Path, command: Run, delete: str, said: str
) -> None:
    gitrepo.init(repository)
    (repository / "environments/dev/values.yaml").write_text(
        f"follows: sources\npipelines:\n  hello:\n    state: absent{delete}\n"
    )
    assert command("render", "--root", repository, "--env", "dev").code == 0
    done = command("diff", "--root", repository, "--env", "dev")
    assert done.code == 1
    assert said in done.out
    assert "nothing more happens to it" not in done.out


def test_the_commit_of_manifests_that_are_not_committed_is_marked(repository: Path) -> None:
    from argparse import Namespace

    from kfp_gitops.commands.reconcile import options

    arguments = Namespace(root=repository, env="dev", manifests=None)
    assert options.commit(arguments) == ""
    head = gitrepo.init(repository)
    (repository / "notes.txt").write_text("of no manifest")
    assert options.commit(arguments) == head
    path = repository / "manifests/dev/environment.yaml"
    path.write_text(path.read_text() + "# changed\n")
    assert options.commit(arguments) == f"{head}+changes"


def test_a_template_without_a_pipeline_is_told_with_how_to_go_on(repository: Path, command: Run) -> None:
    left = repository / "templates/pipelines/fine"
    left.mkdir()
    (left / "pipeline.yaml.j2").write_text("spec: {}\n")
    done = command("new", "--root", repository, "pipeline", "fine", "--component", "greet")
    assert done.code == 2
    assert "templates/pipelines/fine exists already; nothing was written" in done.err
    assert (
        "has no pipeline 'fine': make one of this template with --template fine, or choose another"
        in done.err
    )


def test_the_development_server_s_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    from kfp_gitops.devserver import main

    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    for words in ("examples:", "scripts/devserver.py --port 0", "exit codes:", "130 interrupted"):
        assert words in said


@pytest.mark.parametrize("script", ["render", "devserver"])
def test_a_python_without_the_packages_is_told_which_one_to_use(script: str) -> None:
    path = [str(PROJECT / "scripts"), str(PROJECT / f"scripts/{script}.py")]
    code = f"import runpy, sys; sys.path.insert(0, {path[0]!r}); runpy.run_path({path[1]!r}, run_name='__main__')"
    isolated = [sys.executable, "-I", "-S", "-c", code, "--help"]  # without site-packages
    done = subprocess.run(isolated, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "is not installed; run `make demo` once, then `. .venv/bin/activate`" in done.stderr
    assert "Traceback" not in done.stderr


def test_subcommands_take_what_argparse_of_python_3_14_hands_them() -> None:
    """It says whether to use colours, to every parser of a subcommand."""
    import argparse
    from inspect import signature

    from kfp_gitops.commands.reconcile import Subcommand

    known = signature(argparse.ArgumentParser.__init__).parameters
    more = {"color": False} if "color" in known else {"exit_on_error": True}
    assert Subcommand(prog="p", description="d", **more).format_help()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("reconcile", "staus"), "'disable'), did you mean status?; see --help"),
        (("diff", "--env", "dev", "--format", "htm"), "did you mean html?"),
        (
            ("reconcile", "status"),
            "required: --env, as in `python scripts/reconcile.py status --env dev`; see",
        ),
        (
            ("reconcile", "pause", "--until"),
            "as in `python scripts/reconcile.py pause --env prod --until 8h --reason '",
        ),
        (("diff",), "--env --all is required, as in `python scripts/diff.py --env prod`"),
        (("promote",), "as in `python scripts/promote.py --from dev --to prod`"),
    ],
    ids=["command", "choice", "option of a subcommand", "value", "one of two", "target"],
)
def test_what_is_incomplete_or_misspelt_is_told_with_how_it_is_written(
    repository: Path, command: Run, typed: tuple[str, ...], says: str
) -> None:
    name, *rest = typed
    done = command(name, *rest)
    assert (done.code, says in done.err) == (2, True), done.err
