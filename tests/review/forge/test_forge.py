"""What a forge shows of a change is what is read of it; all else is refused, where it stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from gitrepo import commit, git, init
from kfp_gitops.review import forge
from kfp_gitops.review.forge import attributes
from project import PROJECT, Outcome

Command = Callable[..., Outcome]
TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"


@pytest.fixture
def checked(repository: Path, command: Command) -> Callable[[], Outcome]:
    command("render", "--root", repository, "--all", "--lock")
    init(repository)
    return lambda: command("render", "--root", repository, "--all", "--check")


def _told(repository: Path) -> list[str]:
    return [str(problem) for problem in forge.problems(repository)]


def test_what_ships_hides_nothing() -> None:
    assert _told(PROJECT) == []


def test_an_encoded_blob_is_refused(
    repository: Path, checked: Callable[[], Outcome], command: Command
) -> None:
    """In the forge a template is some binary; in the work tree of whoever renders it is this very text."""
    attributes_file = repository / "templates/pipelines/.gitattributes"
    attributes_file.write_text("*.j2 text working-tree-encoding=UTF-16LE\n")
    template = repository / TEMPLATE
    text = template.read_text().replace("owner: tests", "owner: mallory")
    template.write_bytes(text.encode("utf-16-le"))
    commit(repository, "encoded: the commit has UTF-8, work trees have UTF-16")
    assert b"\0" not in git(repository, "show", f"HEAD:{TEMPLATE}").encode()
    template.write_bytes(text.encode())  # as a work tree has it whose git knows no such attribute
    command("render", "--root", repository, "--all", "--lock")
    place = "templates/pipelines/.gitattributes:1:11: attribute working-tree-encoding=UTF-16LE of *.j2; take it out"
    found = checked()
    assert (found.code, place in found.err) == (2, True)
    seen = command("diff", "--root", repository, "--all", "--base", "HEAD~1")
    assert (seen.code, place in seen.out) == (2, True)


@pytest.mark.parametrize(
    "line",
    [
        "* text=auto eol=lf",
        "*.gz binary",
        "components/**/*.png -diff -merge -text",
        "manifests/** linguist-generated=false",
        "*.j2 linguist-language=YAML",
        "# *.j2 filter=x",
        "",
    ],
)
def test_what_attributes_may_say(line: str) -> None:
    assert [*attributes.problems(f"{line}\n", ".gitattributes")] == []


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("*.j2 working-tree-encoding=UTF-16", 6),
        ("*.j2 text filter=lfs", 11),
        ("* ident", 3),
        ("*.j2 eol=crlf", 6),
        ("*.j2 crlf", 6),
        ("*.yaml export-subst", 8),
        ("*.yaml binary", 8),
        ("*.yaml -diff", 8),
        ("*.gz.yaml binary", 11),
        ("* binary", 3),
        ("environments/** linguist-generated", 17),
        ("environments/** linguist-generated=true", 17),
        ("environments/** gitlab-generated", 17),
        ("release.yaml merge=union", 14),
        ("*.yaml diff=theirs", 8),
        ('"a \\"b\\".j2" ident', 14),
        ("  *.j2 ident", 8),
        ("[attr]quiet -diff", 1),
        ("*.yaml quiet", 8),
        ("*.yaml\tident", 8),
    ],
)
def test_what_attributes_may_not_say(line: str, column: int) -> None:
    found = [*attributes.problems(f"# first\n{line}\n", "a/.gitattributes")]
    assert found
    assert (found[0].line, found[0].column) == (2, column)


@pytest.mark.parametrize(
    "path", [".gitattributes", "environments/prod/.gitattributes", "docs/.GitAttributes"]
)
def test_attributes_of_any_folder_are_read(repository: Path, path: str) -> None:
    init(repository)
    (repository / path).parent.mkdir(exist_ok=True)
    (repository / path).write_text("* ident\n")
    assert _told(repository)[0].startswith(f"{path}:1:3: attribute ident of *; ")
    commit(repository, "said")
    assert len(_told(repository)) == 1


@pytest.mark.parametrize(
    ("character", "named"),
    [("\0", "0000"), ("\x1b", "001B"), ("\x7f", "007F"), ("\u202e", "202E"), ("\u2066", "2066"),
     ("\u200b", "200B"), ("\ufeff", "FEFF"), ("\U000e0041", "E0041"), ("\r", "000D"), ("\u2028", "2028")],
)  # fmt: skip
def test_a_character_that_a_review_does_not_show(
    repository: Path, checked: Callable[[], Outcome], character: str, named: str
) -> None:
    """In a comment of a template, of which nothing else would tell: it renders to the same."""
    template = repository / TEMPLATE
    template.write_bytes(template.read_bytes() + f"{{# ä{character}b #}}".encode())
    line = template.read_bytes().count(b"\n") + 1
    found = checked()
    assert found.code == 2
    assert f"{TEMPLATE}:{line}:5: the character U+{named}, which a review does not show; " in found.err


def test_a_text_in_utf_16_is_none(repository: Path) -> None:
    init(repository)
    (repository / "scripts").mkdir()
    (repository / "scripts/more.py").write_bytes("a = 1\n# \u00fc".encode("utf-16"))
    assert _told(repository) == ["scripts/more.py:1:1: not UTF-8; save the file as UTF-8"]


def test_line_ends_of_windows_are_seen_by_everybody(repository: Path) -> None:
    init(repository)
    template = repository / TEMPLATE
    template.write_bytes(template.read_bytes().replace(b"\n", b"\r\n"))
    assert _told(repository) == []


@pytest.mark.parametrize("committed", [True, False])
def test_a_link_in_what_is_read(repository: Path, tmp_path: Path, committed: bool) -> None:
    init(repository)
    (tmp_path / "elsewhere").mkdir()
    (repository / "components/more").symlink_to(tmp_path / "elsewhere")
    (repository / "docs").symlink_to(tmp_path / "elsewhere")
    (repository / "notes").mkdir()
    (repository / "notes/of-mine").symlink_to(tmp_path / "elsewhere")
    if committed:
        commit(repository, "links")
    told = [text.partition(";")[0] for text in _told(repository)]
    what = "a symbolic link: a review shows where it leads, and not what stands there"
    assert told == [f"components/more: {what}", f"docs: {what}"]


def test_a_submodule(repository: Path) -> None:
    head = init(repository)
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{head},templates/pipelines/more")
    (repository / ".gitmodules").write_text("")
    told = [text.partition(":")[0] for text in _told(repository)]
    assert told == [".gitmodules", "templates/pipelines/more"]


def test_a_folder_above_may_encode_other_folders_and_not_ours(repository: Path, tmp_path: Path) -> None:
    above = tmp_path / ".gitattributes"
    above.write_text("data/** filter=lfs diff=lfs merge=lfs -text\n")
    (tmp_path / "data").mkdir()
    init(tmp_path)
    assert _told(repository) == []
    above.write_text("*.j2 working-tree-encoding=UTF-16\n")
    told = _told(repository)
    assert any(text.startswith(f"{TEMPLATE}: attribute working-tree-encoding=UTF-16; ") for text in told)


def test_where_there_is_no_repository_the_disk_is_looked_at(repository: Path) -> None:
    (repository / "environments/.gitattributes").write_text("* ident\n")
    (repository / ".lfsconfig").write_text("")
    (repository / "components/more").symlink_to(repository)
    told = [text.partition(":")[0] for text in _told(repository)]
    assert told == [".lfsconfig", "components/more", "environments/.gitattributes"]
