"""Prophet is imported without matplotlib, and draws all the same."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from predictive_scaling.models.prophet_alone import import_prophet
from predictive_scaling.models import prophet as ours
with ours._quiet():
    prophet = import_prophet()
    assert import_prophet() is prophet
    print("matplotlib" in sys.modules, "prophet.plot" in sys.modules)
    import matplotlib
    matplotlib.use("Agg")
    import pandas as pd
    days = pd.date_range("2026-01-01", periods=30)
    model = prophet.Prophet(uncertainty_samples=0).fit(pd.DataFrame({"ds": days, "y": range(30)}))
    print(type(model.plot(model.predict())).__name__, "prophet.plot" in sys.modules)
"""


def test_a_forecast_needs_no_matplotlib_and_a_plot_imports_it() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "False", "Figure", "True"]
