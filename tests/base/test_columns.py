"""Lines of so many columns; what is copied stays whole, and a command stays the same command."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.base import columns

WORDS = st.lists(st.from_regex(r"[a-z0-9._/-]{1,60}", fullmatch=True), min_size=1, max_size=30)


@given(WORDS, st.integers(40, 120))
def test_no_word_is_cut_and_a_line_is_longer_only_by_one_word(words: list[str], width: int) -> None:
    lines = columns.folded("  " + " ".join(words), width, 4)
    assert " ".join(lines).split() == words
    assert all(len(line) <= width or len(line.split()) == 1 for line in lines)


@given(WORDS, st.integers(40, 120))
def test_names_in_a_row(names: list[str], width: int) -> None:
    lines = columns.listed(names, width, 6)
    assert [name.strip() for name in " ".join(lines).split(", ")] == names
    assert all(len(line) <= width or ", " not in line for line in lines)


OPTIONS = st.lists(
    st.text(st.characters(codec="ascii", exclude_characters="\n\r\0"), max_size=40), max_size=8
)


@given(OPTIONS, st.integers(40, 100))
def test_a_shell_reads_the_same_command_over_several_lines(values: list[str], width: int) -> None:
    words = ["python", "scripts/reconcile.py", "plan", *(w for v in values for w in ("--option", v))]
    lines = columns.command(shlex.join(words), width, 4)
    assert shlex.split("\n".join(lines).replace(" \\\n", " ")) == words


def test_an_option_and_its_value_stay_together() -> None:
    text = f"python scripts/run.py --env dev --status {'a' * 30} --host https://kfp.example.com"
    assert columns.command(text, 80, 4) == [
        f"    python scripts/run.py --env dev --status {'a' * 30} \\",
        "      --host https://kfp.example.com",
    ]


def test_two_commands_in_a_line_and_prose_stay_what_they_are() -> None:
    for text in (
        f"kubectl logs deployment/{'d' * 50} --tail 50; kubectl rollout restart deployment/d && date -u | cat",
        "let NTP set the clock that's wrong: compare `date -u` here, and in a pod of the server that is there",
    ):
        lines = columns.command(text, 80, 4)
        assert len(lines) > 1
        assert " ".join(line.strip().removesuffix(" \\") for line in lines) == text


def test_bash_reads_it_so() -> None:
    words = [
        "printf",
        "%s\n",
        "--reason",
        "it's late",
        "--env",
        "x" * 70,
        "--host",
        "http://127.0.0.1:8888/a?b=c",
    ]
    text = "\n".join(columns.command(shlex.join(words), 60, 4))
    assert "\\\n" in text
    done = subprocess.run(["bash", "-c", text], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.splitlines() == words[2:]


@pytest.mark.parametrize(("lines", "shown"), [(3, 3), (4, 4), (5, 4)])
def test_more_than_one_line_is_left_out_or_none(lines: int, shown: int) -> None:
    found = columns.first_of([str(n) for n in range(lines)], 3, "… {more} more")
    assert len(found) == shown
    assert found[-1] == ("… 2 more" if lines == 5 else str(lines - 1))
