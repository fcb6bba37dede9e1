"""The benchmarks measure what they say: the generated repositories are sound, and both sides get the same content."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp_gitops.compiling import compiler, ir
from kfp_gitops.rendering.render import render

from . import diff, fleet, generator, growth, plain, reconcile, table
from .house import ROOT, Command, Figure, Row, Settings, compare, peak_memory
from .render import _makejinja, _render


def _run(argv: list[str]) -> None:
    import subprocess

    subprocess.run(argv, check=True, capture_output=True)


def _pipelines(root: Path, file: str) -> dict[str, Any]:
    found = sorted(root.rglob(file))
    return {path.parent.name: yaml.safe_load(path.read_text("utf-8")) for path in found}


def test_ours_and_makejinja_write_the_same_pipelines_and_components(tmp_path: Path) -> None:
    shapes = generator.repository(tmp_path / "ours", 6)
    generator.for_makejinja(tmp_path / "peer", shapes)
    _run(_render(tmp_path / "ours"))
    _run(_makejinja(tmp_path / "peer"))
    ours, peer = tmp_path / "ours/manifests/dev/pipelines", tmp_path / "peer/manifests/pipelines"
    assert _pipelines(ours, "pipeline.yaml") == _pipelines(peer, "pipeline.yaml")
    assert len(_pipelines(ours, "pipeline.yaml")) == 6
    copied = [*(peer / shapes[5].name / "components").iterdir()]
    assert len(copied) == 5
    for path in copied:
        (shared,) = (tmp_path / "ours/manifests/dev/components").glob(f"{path.stem}-????????.yaml")
        assert yaml.safe_load(path.read_text("utf-8")) == yaml.safe_load(shared.read_text("utf-8"))


def test_ours_makejinja_and_a_chart_make_the_same_of_few_templates(tmp_path: Path) -> None:
    instances = fleet.repository(tmp_path / "ours", 23)
    fleet.for_makejinja(tmp_path / "peer", instances)
    fleet.for_helm(tmp_path / "chart", instances)
    assert len(list((tmp_path / "ours/templates/pipelines").iterdir())) == 20
    _run(_render(tmp_path / "ours"))
    _run(_makejinja(tmp_path / "peer"))
    ours, peer = tmp_path / "ours/manifests/dev", tmp_path / "peer/manifests"
    assert _pipelines(ours / "pipelines", "pipeline.yaml") == _pipelines(peer / "pipelines", "pipeline.yaml")
    assert len(_pipelines(ours, "pipeline.yaml")) == 23
    assert {path.parent.name for path in peer.rglob("*.yaml")} == {
        "components",
        *(one.name for one in instances),
    }
    # What helm makes of the chart is compared where its binary is (make bench); the templates are all in it.
    assert len(list((tmp_path / "chart/templates").iterdir())) == 21


def test_generated_pipelines_are_distinct_and_use_five_components(tmp_path: Path) -> None:
    generator.repository(tmp_path, 12)
    rendered = render(tmp_path, "dev").pipelines
    assert len({pipeline.manifest.replace(pipeline.name, "") for pipeline in rendered}) == 12
    assert {len(pipeline.specs) for pipeline in rendered} == {5}
    assert len({tuple(pipeline.specs) for pipeline in rendered}) > 5


def test_the_plain_sdk_loop_compiles_to_the_same_ir(tmp_path: Path) -> None:
    shapes = generator.repository(tmp_path, 3)
    specs = tmp_path / "specs"
    specs.mkdir()
    for name, text in generator.component_specs(generator.IMAGE).items():
        (specs / f"{name}.yaml").write_text(text, "utf-8")
    plain.main(specs, tmp_path, 3)
    for shape, rendered in zip(shapes, render(tmp_path, "dev").pipelines, strict=True):
        by_hand = ir.documents((tmp_path / f"{shape.name}.yaml").read_text("utf-8"))
        assert compiler.compile_pipeline(rendered, "m").digest == ir.digest(by_hand)


def test_processes_are_compared_cold_and_counted_by_thing(tmp_path: Path) -> None:
    seen = tmp_path / "homes"
    script = f"import os; open({str(seen)!r}, 'a').write(os.environ['HOME'] + '\\n'); bytearray(30_000_000)"
    command = Command("ours", [sys.executable, "-c", script])
    row = compare(
        "case",
        command,
        Command("peer", [sys.executable, "-c", ""]),
        Settings(tmp_path, 2),
        each=("ms each", 4),
    )
    homes = seen.read_text().split()
    assert len(homes) >= 2
    assert len(set(homes)) == len(homes)
    assert not any(Path(home).exists() for home in homes)
    assert 0 < row.ours.best <= row.ours.median < 10_000


def test_table_says_whether_what_is_wanted_was_reached() -> None:
    ours, peer = Figure("ours", 1.0, 0.9, 20.0), Figure("peer", 4.0, 3.0, 40.0)
    (*_, verdict) = table.lines("s", [Row("case", ours, peer, wanted=0.3)])
    assert verdict.strip() == "ratio 0.25 · memory 0.50 · wanted 0.3: reached"
    written = json.loads(json.dumps(table.as_json({"s": [Row("case", ours, peer, wanted=0.2)]})))
    assert written["sections"]["s"][0]["ratio"] == 0.25


def test_diff_sees_exactly_the_changed_pipelines(tmp_path: Path) -> None:
    import subprocess

    changed = diff.change(tmp_path, 10)
    found = subprocess.run(
        [
            sys.executable,
            str(ROOT / "scripts/diff.py"),
            "--env",
            "dev",
            "--root",
            str(tmp_path),
            "--format=json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    pipelines = json.loads(found.stdout)["environments"][0]["pipelines"]
    assert [item["name"] for item in pipelines if item["changes"]] == ["pipeline-0000", "pipeline-0005"]
    assert changed == 2


def test_a_component_that_pipelines_share_changes_few_files_and_a_comment_of_few_sections(
    tmp_path: Path,
) -> None:
    said, touched = diff._fleet(tmp_path, 16)
    assert touched == 4
    assert said["archives of them"] == "0", "so few are delivered one by one"
    ours = [sys.executable, str(ROOT / "scripts/diff.py"), "--env", "dev", "--root", str(tmp_path)]
    comment = diff._comment(Command("", [*ours, "--format", "markdown"]))
    assert comment["sections in it"] == "4", "each of another template"


def test_ours_and_the_kfp_client_script_register_the_same(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    generator.repository(root, 2)
    generator.enable(root)
    reconcile._lock(root)
    server = reconcile.Server(tmp_path)
    try:
        found = []
        for command in (reconcile._reconcile("apply", root, server), reconcile._peer(root, server, 2)):
            server.renew()
            _run(list(command.argv))
            store = server._server._store
            names = sorted(pipeline.name for pipeline in store.pipelines.where("1 = 1"))
            schedules = sorted((s.display_name, s.enabled) for s in store.recurring_runs.where("1 = 1"))
            found.append((names, schedules, store.versions.count("1 = 1")))
        assert found[0] == found[1]
        assert found[0][0] == ["pipeline-0000", "pipeline-0001"]
        # and its experiment, looked for and made
        assert server.requests() == f"{2 * 4 + 2} requests, 2 of them on a ScheduledWorkflow"
    finally:
        server.close()


def test_growth_is_one_table_of_all_commands(tmp_path: Path) -> None:
    *rows, whole = growth.rows(Settings(tmp_path, size=20))
    assert [row.case for row in rows] == [*growth._LOCAL, *growth._REMOTE]
    assert all(row.ratio and row.ours.name == "20 pipelines" for row in rows)
    found = {(line["step"], line["pipelines"]): line for line in whole.details}
    assert len(found) == 2 * len(rows)
    # three lists, features in two, a pause; and of each pipeline its versions
    assert (
        int(found["plan, nothing to do", "20"]["requests"])
        - int(found["plan, nothing there", "20"]["requests"])
        == 18
    )
    assert int(found["render", "20"]["bytes written"]) > int(found["render", "2"]["bytes written"]) > 0
    assert "\n".join(table.lines("growth", [whole])).count("first apply") == 2


# 60 MB, and a child that waits: within the same memory as a child of vfork does, or with 60 MB of its own.
WITHIN = """
import ctypes, os, signal, time
held, stack = b"x" * 60_000_000, ctypes.create_string_buffer(1 << 16)
libc, CLONE_VM = ctypes.CDLL(None), 0x100
top = ctypes.c_void_p((ctypes.addressof(stack) + (1 << 16)) & ~15)
child = libc.clone(libc.pause, top, CLONE_VM | signal.SIGCHLD, None)
assert child > 0
time.sleep(0.3)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
"""
BESIDE = """
import subprocess, sys
held = b"x" * 60_000_000
subprocess.run([sys.executable, "-c", "import time; held = b'x' * 60_000_000; time.sleep(0.3)"], check=True)
"""


@pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="the kernel gives no account of memory"
)
@pytest.mark.parametrize(("script", "copies"), [(WITHIN, 1), (BESIDE, 2)])
def test_memory_of_a_child_counts_once_where_it_is_its_parents(script: str, copies: int) -> None:
    peak = peak_memory(Command("held", [sys.executable, "-c", script]))
    assert peak is not None
    assert 55 * copies < peak < 55 * (copies + 1)
