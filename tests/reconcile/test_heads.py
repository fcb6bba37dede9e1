"""What desired state takes of manifests is what a whole reading gives, whoever read them, and so are the errors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.base import processes
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.language.manifest import reader
from kfp_gitops.reconcile import folder
from kfp_gitops.reconcile.folder import Head, Texts
from kfp_gitops.reconcile.shelf import Shelf
from kfp_gitops.rendering.rendered import RenderedPipeline
from project import ROOT, Outcome

Command = Callable[..., Outcome]

TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029", exclude_categories=("Cc", "Cs"))
)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
PARAMETERS = st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), VALUE, max_size=4)
CRON = {"cron": "0 0 3 * * *", "enabled": True, "maxConcurrency": 1, "catchup": False}
EVERY = {"intervalSeconds": 60, "enabled": False, "maxConcurrency": 3, "catchup": True, "onMissed": "run"}
BOUNDS = {"start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z", "onReplace": "wait"}

TIME = st.times().map("{:%H:%M}".format)
DAY = st.sampled_from(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
HOURS = st.fixed_dictionaries({"from": TIME, "to": TIME})
DAYS = st.fixed_dictionaries({"days": st.lists(DAY, min_size=1, unique=True)})
WINDOW = HOURS | DAYS | st.tuples(HOURS, DAYS).map(lambda both: {**both[0], **both[1]})
AFTER = st.fixed_dictionaries(
    {"pipeline": st.sampled_from(("q", "features"))},
    optional={
        "state": st.sampled_from(("SUCCEEDED", "FAILED", "ENDED")),
        "versions": st.sampled_from(("registered", "any")),
    },
)
DATA = st.sampled_from((("s3://lake/a/", "newest-key"), ("s3://lake/a.csv", "etag")))
CAUSE = AFTER | DATA.map(lambda both: {"data": {"uri": both[0], "changes": both[1]}})
GIVEN = st.one_of(
    VALUE.filter(lambda one: not isinstance(one, dict) or len(one) != 1),
    st.sampled_from(("model", "train.model")).map(lambda output: {"output": output}),
    st.sampled_from(("id", "name", "scheduledTime", "finishedTime")).map(lambda fact: {"run": fact}),
    st.sampled_from(("uri", "key", "etag", "modified")).map(lambda fact: {"data": fact}),
    (VALUE | st.just({"run": "id"}) | st.just({"output": "a"})).map(lambda value: {"constant": value}),
)
TRIGGERS = st.fixed_dictionaries(
    {"runOn": st.just("change")}, optional={"parameters": PARAMETERS, "enabled": st.booleans()}
) | st.fixed_dictionaries(
    {"runOn": CAUSE},
    optional={
        "parameters": st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), GIVEN, max_size=4),
        "onlyWithin": WINDOW,
        "onMissed": st.sampled_from(("report", "run")),
        "maxConcurrency": st.integers(1, 10),
        "enabled": st.booleans(),
    },
)


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    """Whatever schedules, triggers and promises may say; the rest is not taken."""
    kinds = draw(
        st.lists(st.sampled_from((CRON, EVERY, {**CRON, **BOUNDS}, {**EVERY, **BOUNDS})), max_size=3)
    )
    schedules = [{"name": f"s{i}", **kind, "parameters": draw(PARAMETERS)} for i, kind in enumerate(kinds)]
    starts = draw(st.lists(TRIGGERS, max_size=3))
    triggers = [{"name": f"t{i}", **one} for i, one in enumerate(starts)]
    times = st.sampled_from(("26h", "45m", "8d"))
    slo = draw(st.none() | st.fixed_dictionaries({"fresh": times}, optional={"duration": times}))
    return {
        **({"slo": slo} if slo else {}),
        "apiVersion": "kfp-gitops/v1",
        "kind": "PipelineManifest",
        "metadata": {"name": "p", "description": draw(TEXT.filter(bool)), "owner": "o"},
        "spec": {"tasks": {"greet": {"component": "greet"}}},
        "schedules": schedules,
        "triggers": triggers,
    }


def texts(manifests: dict[str, str]) -> Texts:
    """A folder of these manifests."""
    shelf = Shelf(RenderedPipeline(name, "", text, {}) for name, text in manifests.items())
    return Texts({}, shelf, {}, "manifests/dev")


def whole(name: str, text: str) -> Head:
    """By the reader that everybody else uses."""
    found = reader.read(text, f"manifests/dev/pipelines/{name}/pipeline.yaml")
    return Head(found.description, found.schedules, found.triggers, found.owner, found.slo)


@given(st.lists(manifests(), min_size=1, max_size=4))
def test_what_is_taken_is_what_a_whole_reading_gives(drawn: list[dict[str, Any]]) -> None:
    written = {f"p{number}": dump(one) for number, one in enumerate(drawn)}
    found = folder.heads(texts(written))
    for name, text in written.items():
        assert repr(found[name]) == repr(whole(name, text))  # to Python 1 is 1.0 and true


@given(st.data())
def test_what_is_malformed_is_told_as_by_a_whole_reading(data: st.DataObject) -> None:
    written = {}
    for number in range(3):
        text = dump(data.draw(manifests()))
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 6))
        put = data.draw(
            st.sampled_from(
                ("", "\t", "*a", "&a ", "!!x ", ": ", "yes", "\n", "'", "}", "\u2028", "é", "0x1")
            )
        )
        written[f"p{number}"] = text[:at] + put + text[at + cut :]
    told, heads = [], {}
    for name, text in written.items():
        try:
            heads[name] = whole(name, text)
        except InputError as error:
            told += error.problems
    try:
        found = folder.heads(texts(written))
    except InputError as error:
        assert str(error) == str(InputError(told))
    else:
        assert (told, repr(found)) == ([], repr(heads))


MANY = """
import json, os, sys
from kfp_gitops.base import processes
from kfp_gitops.base.errors import InputError
from kfp_gitops.reconcile import folder
from kfp_gitops.reconcile.shelf import Shelf
from kfp_gitops.rendering.rendered import RenderedPipeline
processes.cores = lambda: int(sys.argv[1])
good, forks, fork = sys.stdin.read(), [], os.fork
os.fork = lambda: forks.append(1) or fork()

def look(malformed):
    names = [f"p{number}" for number in range(200)]
    texts = {name: good.replace("component", "comp" if name in malformed else "component") for name in names}
    shelf = Shelf(RenderedPipeline(name, "", text, {}) for name, text in texts.items())
    return folder.heads(folder.Texts({}, shelf, {}, "manifests/dev"))

told = ""
try:
    look({"p3", "p77", "p199"})
except InputError as error:
    told = str(error)
print(json.dumps([repr(list(look({}).items())), told, len(forks)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="work is spread on Linux alone")
def test_any_number_of_processes_gives_the_same() -> None:
    good = dump({
        "apiVersion": "kfp-gitops/v1",
        "kind": "PipelineManifest",
        "metadata": {"name": "p", "description": "d", "owner": "o"},
        "spec": {"tasks": {"greet": {"component": "greet"}}},
        "schedules": [{"name": "s", **CRON, "parameters": {"a": 1.0, "b": 1, "c": [None, True, "é"]}}],
    })  # fmt: skip
    answers = []
    for count in ("1", "3"):
        argv = [
            sys.executable,
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r})\n{MANY}",
            count,
        ]
        done = subprocess.run(argv, input=good, capture_output=True, text=True, check=True, timeout=60)
        answers.append(json.loads(done.stdout))
    alone, three = answers
    assert (alone[-1], three[-1]) == (0, 4)
    assert three[:-1] == alone[:-1]
    assert {line.split(":")[0] for line in alone[1].splitlines()} == {
        f"manifests/dev/pipelines/{name}/pipeline.yaml" for name in ("p3", "p77", "p199")
    }


def test_few_manifests_are_read_by_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.fork", lambda: pytest.fail("forked"))
    assert processes.BATCH > 1
    assert folder.heads(texts({})) == {}


KFP_LESS = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from kfp_gitops.commands.console import run
code = run("reconcile")
print([name for name in sys.modules if name.split(".")[0] in ("kfp", "google")])
sys.exit(code)
"""


def test_a_plan_that_compiles_nothing_imports_no_kfp(
    reconcile: Callable[..., Outcome], repository: Path, server: Any
) -> None:
    reconcile("apply")
    where = ("--root", str(repository), "--env", "dev", "--host", server.url)
    argv = [sys.executable, "-c", KFP_LESS, str(ROOT / "scripts"), "plan", *where]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]"), done.stdout + done.stderr
