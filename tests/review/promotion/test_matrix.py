"""`promote --status`: the whole way of all pipelines, what waits where and since when, and the next command."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gitrepo import commit, git
from kfp_gitops.base import schema
from kfp_gitops.base.yamltext import Document
from kfp_gitops.review.promotion.dated import Dated
from kfp_gitops.review.promotion.matrix import RECONCILER, Cell, Matrix, Row, State, Step
from kfp_gitops.review.promotion.matrix_text import aged, shortened, to_text
from promotion_kit import PROD, Chain, Team

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def _status(team: Team, *arguments: str) -> dict[str, Any]:
    found = team.run("promote", "--status", "--json", *arguments)
    value: dict[str, Any] = json.loads(found.out)
    assert found.code == int(value["waits"])
    assert not [*schema.problems(schema.named("promotion"), Document("status", value, {}, {}))]
    return value


def _states(team: Team, pipeline: str = "hello") -> dict[str, str]:
    (found,) = (row for row in _status(team)["pipelines"] if row["name"] == pipeline)
    return {name: cell["state"] for name, cell in found["environments"].items()}


def _next(text: str) -> list[list[str]]:
    """The commands that it names, as a shell reads them."""
    lines = re.sub(r" \\\n +", " ", text).splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith("  python scripts/promote.py")]


def test_a_release_goes_its_way_by_the_commands_that_are_told(chain: Chain) -> None:
    assert _states(chain) == {"dev": "first", "staging": "equal", "prod": "equal"}
    chain.merged("others")
    assert _states(chain) == {"dev": "first", "staging": "behind", "prod": "equal"}
    for target, states in (
        ("staging", {"staging": "equal", "prod": "behind"}),
        ("prod", {"staging": "equal", "prod": "equal"}),
    ):
        shown = chain.run("promote", "--status")
        (told,) = _next(shown.out)
        assert told == ["scripts/promote.py", "--to", target]
        assert chain.run("promote", *told[1:]).code == 0
        commit(chain.root, f"to {target}")
        assert _states(chain) == {"dev": "first", **states}
    assert _next(chain.run("promote", "--status").out) == []


def test_what_was_never_promoted_waits(team: Team) -> None:
    values = team.root / "environments/prod/values.yaml"
    values.write_text(f"promotesFrom: dev\n{values.read_text('utf-8')}", "utf-8")
    text = (team.root / "environments/prod/release.yaml").read_text("utf-8")
    (team.root / "environments/prod/release.yaml").write_text(text[: text.index("pipelines:")], "utf-8")
    assert _states(team) == {"dev": "first", "prod": "never"}
    shown = team.run("promote", "--status")
    assert shown.code == 1
    assert re.search(r"^hello +[0-9a-f]{7} +\d+m  \+$", shown.out, re.MULTILINE)


def test_a_hotfix_is_ahead_and_is_not_promoted_away_by_the_next_command(chain: Chain) -> None:
    chain.merged("hotfix")
    chain.declare("prod", "dev")
    chain.step("prod")
    chain.declare("prod", "staging")
    chain.run("render", "--env", "prod", "--lock")
    commit(chain.root, "staging lies between again")
    assert _states(chain) == {"dev": "first", "staging": "behind", "prod": "ahead"}
    shown = chain.run("promote", "--status")
    assert "prod: hello came past staging, or staging went back" in shown.out
    assert _next(shown.out) == [["scripts/promote.py", "--to", "staging"]]
    chain.step("staging")
    assert _states(chain)["prod"] == "equal"
    chain.merged("more")
    chain.step("staging")
    assert _states(chain)["prod"] == "behind"


def test_the_one_before_that_went_back_is_no_release_that_waits(chain: Chain) -> None:
    chain.merged("others")
    chain.step("staging")
    chain.step("prod")
    tomorrow = str(int(datetime.now(UTC).timestamp()) + 86_400)
    git(chain.root, "revert", "--no-commit", "HEAD~1")
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "staging goes back"],
        cwd=chain.root, check=True, env={"GIT_COMMITTER_DATE": f"{tomorrow} +0000", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert _states(chain) == {"dev": "first", "staging": "behind", "prod": "ahead"}
    git(chain.root, "revert", "--no-commit", "HEAD~1")
    commit(chain.root, "and so does prod")
    assert _states(chain)["prod"] == "equal"


def test_some_pipelines_can_be_asked_for(chain: Chain) -> None:
    chain.merged("others")
    assert [row["name"] for row in _status(chain, "--pipeline", "hel*")["pipelines"]] == ["hello"]
    none = _status(chain, "--pipeline", "none-*")
    assert (none["pipelines"], none["waits"], none["reconciler"]) == ([], False, None)
    told = _next(chain.run("promote", "--status", "--pipeline", "hel*").out)
    assert told == [["scripts/promote.py", "--to", "staging", "--pipeline", "hello"]]
    assert chain.run(*("promote", "--to", "staging", "--pipeline", "h*")).code == 0
    nothing = chain.run("promote", "--to", "staging", "--pipeline", "x*")
    assert (nothing.code, nothing.err) == (
        2,
        "--pipeline x*: staging has none of that name; there are: hello\n",
    )


def test_an_image_of_its_own_is_seen(chain: Chain) -> None:
    path = chain.root / "environments/dev/release.yaml"
    path.write_text(path.read_text("utf-8").replace("2" * 64, "8" * 64), "utf-8")
    found = _status(chain)
    assert [cell["state"] for cell in found["reconciler"].values()] == ["first", "differs", "equal"]
    assert "staging: the reconciler's image is another one" in chain.run("promote", "--status").out


def test_where_nobody_says_from_where_it_is_said(team: Team) -> None:
    shown = team.run("promote", "--status")
    assert "prod: `promotesFrom` in environments/prod/values.yaml does not say from where" in shown.out
    assert _states(team) == {"dev": "first", "prod": "alone"}


def test_options_that_do_something_mean_nothing_with_it(team: Team) -> None:
    assert team.run("promote", "--status", "--verify").code == 2
    assert team.run("promote", "--status", "--from", "dev").code == 2
    assert team.run("promote", "--status", "--from", "dev", "--to", "prod", "--json").code == 2


def test_since_when_is_the_merge_that_brought_it(chain: Chain) -> None:
    """A branch's own commits count for nothing."""
    release = chain.said(PROD)["digest"]
    first = Dated(chain.root, "dev").since("hello", release)
    assert first is not None
    git(chain.root, "switch", "-q", "-c", "branch")
    chain.merged("on a branch")
    between = _status(chain)["pipelines"][0]["environments"]["dev"]["release"]
    chain.merged("others")
    git(chain.root, "switch", "-q", "main")
    git(chain.root, "merge", "-q", "--no-ff", "-m", "merged", "branch")
    found, newest = Dated(chain.root, "dev"), _status(chain)["pipelines"][0]["environments"]["dev"]["release"]
    assert found.since("hello", newest) == datetime.fromtimestamp(
        int(git(chain.root, "log", "-1", "--format=%ct")), UTC
    )
    assert found.since("hello", release) is None
    assert [found.had("hello", digest) for digest in (release, between, newest)] == [True, False, True]
    assert "1 waits, the longest for 0m\n" in chain.run("promote", "--status").out
    chain.owner("not merged")
    assert "1 waits, 1 not merged in dev yet\n" in chain.run("promote", "--status").out
    assert _status(chain)["pipelines"][0]["environments"]["dev"]["since"] is None


def test_one_git_for_an_environment(chain: Chain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from kfp_gitops.base import git as own

    asked: list[tuple[str, ...]] = []
    call = own.call

    def counted(root: Path, *arguments: str, **more: Any) -> Any:
        asked.append(arguments)
        return call(root, *arguments, **more)

    monkeypatch.setattr(own, "call", counted)
    chain.run("promote", "--status")
    assert len(asked) == 3


def test_the_commits_of_many_pipelines_are_one_log(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    from kfp_gitops.base import git as own

    base = chain.root / "environments/base.yaml"
    values = "{name: x, items: [a], threshold: 1, schedule: {cron: '0 0 4 * * 1', enabled: false}}"
    base.write_text(f"{base.read_text('utf-8')}  twin: {{template: hello, values: {values}}}\n", "utf-8")
    prod = chain.root / "environments/prod/values.yaml"
    prod.write_text(f"{prod.read_text('utf-8')}  twin: null\n", "utf-8")
    chain.run("render", "--env", "dev", "--lock")
    commit(chain.root, "twin")
    chain.step("staging")
    chain.merged("others")
    asked: list[str] = []
    log = own.log

    def counted(root: Path, since: str, folders: tuple[str, ...]) -> Any:
        asked.append(since)
        return log(root, since, folders)

    monkeypatch.setattr(own, "log", counted)
    shown = chain.run("promote", "--status", "--to", "staging")
    assert shown.out.count(" dev: others") == 2
    assert len(asked) == len(set(asked))


STEPS = [Step("dev", "", True), Step("staging", "dev", False), Step("prod", "staging", False)]


def _row(name: str, **states: State) -> Row:
    cells = {
        step: Cell(
            state, f"sha256:{index}{'a' * 63}", NOW - timedelta(days=index * 40 + 1), NOW - timedelta(days=3)
        )
        for index, (step, state) in enumerate(states.items())
    }
    return Row(name, cells)


def test_long_names_and_many_environments_fit_a_terminal() -> None:
    names = [f"customer-{number:03}-of-a-group-with-a-long-name-training-weekly" for number in range(3)]
    steps = [Step("dev", "", True), *(Step(f"a-long-name-{number}", "dev", False) for number in range(6))]
    for count in (2, 3, 5, 7):
        rows = [_row(name, **{step.name: State.BEHIND for step in steps[:count]}) for name in names]
        text = to_text(Matrix(steps[:count], rows, NOW))
        wide = [line for line in text.splitlines() if len(line) > 80]
        assert not wide, text
        assert "…" in text


def test_a_large_fleet_shows_what_differs() -> None:
    rows = [
        _row(f"p-{number}", dev=State.FIRST, staging=State.EQUAL, prod=State.EQUAL) for number in range(998)
    ]
    rows.append(_row("late", dev=State.FIRST, staging=State.BEHIND, prod=State.EQUAL))
    rows.append(_row(RECONCILER, dev=State.FIRST, staging=State.EQUAL, prod=State.EQUAL))
    text = to_text(Matrix(STEPS, rows, NOW))
    assert text.splitlines()[1:] == [
        "late        0aaaaaa  24h  < 1aaaaaa  41d  = 2aaaaaa  81d",
        "999 more are the same in every environment that has them; --all shows them",
        "= as in the environment before · < behind it",
        "",
        "staging: 1 waits, the longest for 3d",
        "  python scripts/promote.py --to staging",
        "999 pipelines in 3 environments: 998 up to date, 1 to promote",
    ]
    assert len(to_text(Matrix(STEPS, rows, NOW), everything=True).splitlines()) == 1000 + 6


def test_a_command_that_names_many_pipelines_is_one_that_a_shell_reads() -> None:
    rows = [
        _row(f"p-{'x' * 55}-{n}", dev=State.FIRST, staging=State.BEHIND, prod=State.EQUAL) for n in range(7)
    ]
    rows.append(_row("ahead", dev=State.FIRST, staging=State.AHEAD, prod=State.EQUAL))
    text = to_text(Matrix(STEPS, rows, NOW))
    (told,) = _next(text)
    assert told[3::2] == ["--pipeline"] * 5
    assert "and 2 more, which --json names" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("ago", "told"),
    [
        (timedelta(seconds=-5), "0m"), (timedelta(minutes=59), "59m"), (timedelta(hours=47), "47h"),
        (timedelta(hours=48), "2d"), (timedelta(days=99), "99d"), (timedelta(days=100), "3mo"),
        (timedelta(days=700), "23mo"), (timedelta(days=800), "2y"),
    ],
)  # fmt: skip
def test_ages_take_four_characters(ago: timedelta, told: str) -> None:
    assert aged(NOW, NOW - ago) == told


def test_names_keep_both_ends() -> None:
    assert shortened("customer-001-training", 21) == "customer-001-training"
    assert shortened("customer-001-training", 20) == "customer-…1-training"
