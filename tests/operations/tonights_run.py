"""`tonights_run.py FILE OPTIONS`: a run that ends as FILE says, where there is one, else as its pipeline's `name` does.

What hangs does so for twenty minutes, or until it is ended; what is slow goes on as long as FILE says so.
"""

import json
import runpy
import sys
import time
from pathlib import Path

tonight, pause = Path(sys.argv.pop(1)), time.sleep
time.sleep = lambda seconds: pause(20 * seconds)
fake = Path(__file__).parents[1] / "operate/runs/fake_run.py"
ir, parameters = (sys.argv.index(option) + 1 for option in ("--ir", "--parameters"))
how = tonight.read_text() if tonight.exists() else ""
if not how and "defaultValue: fail" in Path(sys.argv[ir]).read_text():
    how = "fail"
if tonight.exists():
    tonight.with_suffix(".read").touch()  # it may be taken away now
while how == "slow" and tonight.exists():
    pause(0.05)
if how in ("fail", "hang"):
    changed = Path(sys.argv[parameters]).with_name("tonight.json")
    changed.write_text(json.dumps({"name": how}))
    sys.argv[parameters] = str(changed)
runpy.run_path(str(fake), run_name="__main__")
