"""Stands for `kfp_gitops.local.localrun`: does what the parameter `behave` says, and writes events as it would."""

import json
import signal
import sys
import time
from pathlib import Path

options = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=False))
folder = Path(options["--run-dir"])
behave = json.loads(Path(options["--parameters"]).read_text()).get("behave", "succeed")
for told in (folder.parents[1] / "behave", folder / "behave"):  # how all runs go, or one that is retried
    if told.exists():
        behave = told.read_text()
signal.signal(signal.SIGTERM, signal.SIG_IGN if behave == "stubborn" else lambda *_: sys.exit(4))


def event(**fields: object) -> None:
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps({"time": "2026-11-23T00:00:00Z", **fields}) + "\n")


def task(state: str, key: str = "t1", parent: str | None = "d1", kind: str = "task", **more: object) -> None:
    event(
        event="task",
        task_id=key,
        parent_task_id=parent,
        name=key,
        display_name=f"Task {key}",
        kind=kind,
        state=state,
        attempt=1,
        **more,
    )


if behave == "refuse":
    sys.stderr.write("the IR is not for me\n")
    sys.exit(2)
event(event="run", state="RUNNING")
task("RUNNING", "d1", None, "dag")
task("RUNNING", log="t1.log")
(folder / "t1.log").write_text("hello\n")
if behave in ("hang", "stubborn"):
    (folder / "ready").touch()
    time.sleep(60)
if behave == "fail twice":
    event(event="task", task_id="t1", parent_task_id="d1", name="t1", kind="task", state="RUNNING", attempt=2)
if behave in ("fail", "fail twice"):
    task("FAILED", error="it broke")
    event(event="run", state="FAILED", error="task t1 failed: it broke")
    sys.exit(4)
report = folder / "report.html"
report.write_text("<script>alert(1)</script>")
outputs = {"parameters": {"n": 3}, "artifacts": {"report": [{"uri": str(report), "type": "system.HTML"}]}}
task("SUCCEEDED", outputs=outputs)
task("SUCCEEDED", "d1", None, "dag")
event(event="run", state="SUCCEEDED")
