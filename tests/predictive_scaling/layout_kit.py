"""The command `load` on files that a test writes."""

from __future__ import annotations

import pandas as pd
from predictive_scaling.__main__ import main


class Loading:
    """The command `load` on files that a test writes."""

    def __init__(self, folder, capsys):
        self.folder, self.capsys = folder, capsys

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def __call__(self, content, layout="", memory=None, described=None):
        words = ["load", "--input", self.write("input", content), "--output", str(self.folder / "out")]
        words += ["--layout", layout] if layout else []
        words += ["--memory-input", self.write("memory", memory)] if memory else []
        words += ["--map", self.write("map.yaml", described)] if described else []
        return main(words)

    def rows(self, *given, **more):
        assert self(*given, **more) == 0, self.capsys.readouterr().err
        table = pd.read_csv(self.folder / "out", compression="gzip", dtype={"service": "str"})
        return [tuple(row) for row in table.itertuples(index=False)]

    def refusal(self, *given, **more):
        assert self(*given, **more) == 2
        said = self.capsys.readouterr().err
        assert "Traceback" not in said
        return said
