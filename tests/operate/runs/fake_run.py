"""Stands for the local executor: ends the way that the run's parameter `name`, or its default, says."""

import json
import re
import signal
import sys
import time
from pathlib import Path

options = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=False))
folder = Path(options["--run-dir"])
ir = Path(options["--ir"]).read_text()
default = re.search(r"^ +name:\n(?: +\w+: \w+\n)*? +defaultValue: (\w+)$", ir, re.MULTILINE)
behave = json.loads(Path(options["--parameters"]).read_text()).get(
    "name", default[1] if default else "succeed"
)


def event(**fields: object) -> None:
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps({"time": "2026-11-23T00:00:00Z", **fields}) + "\n")


def log(text: str) -> None:
    (folder / "logs").mkdir(exist_ok=True)
    with (folder / "logs/greet.log").open("a") as file:
        file.write(text)


def task(state: str, **more: object) -> None:
    common = {
        "task_id": "greet",
        "parent_task_id": None,
        "name": "greet",
        "display_name": "greet",
        "kind": "task",
        "log": "logs/greet.log",
    }
    event(event="task", state=state, attempt=1, **common, **more)


def cancelled(*_: object) -> None:
    task("CANCELED")
    event(event="run", state="CANCELED")
    sys.exit(130)


signal.signal(signal.SIGTERM, cancelled)
event(event="run", state="RUNNING")
task("RUNNING")
if behave == "hang":
    log("it waits for something\n")
    time.sleep(60)
if behave == "retry":
    log("the first time\n--- attempt 1 failed: exit code 1; attempt 2\nthe second time\n")
    event(event="task", state="RUNNING", attempt=2, task_id="greet", name="greet", kind="task")
if behave == "fail":
    log("it began\nTraceback (most recent call last):\n  password=hunter2\x1b[2J\nValueError: it broke\n")
    task("FAILED", error="it broke")
    event(event="run", state="FAILED", error="greet failed")
    sys.exit(4)
task("SUCCEEDED")
event(event="run", state="SUCCEEDED")
