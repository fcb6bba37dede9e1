"""Mermaid's own script, at the versions that are looked at: from the npm registry by its hash, kept on this machine."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import subprocess
import tarfile
from pathlib import Path

from bench import clean

from servers.process import program

# Version → `dist.integrity` of the npm registry.
VERSIONS = {
    "10.9.3": "V80X1isSEvAewIL3xhmz/rVmc27CVljcsbWxkxlWJWY/1kQa4XOABqpDl2qQLGKzpKm6WbTfUEKImBlUfFYArw==",
    "11.12.0": "ZudVx73BwrMJfCFmSSJT84y6u5brEoV8DOItdHomNLz32uBjNrelm7mg95X7g+C6UoQH/W6mBLGDEDv73JdxBg==",
}


def script(version: str) -> Path:
    """The file that a page loads."""
    npm = program("npm")
    folder = clean.folder("mermaid")
    kept = folder / f"{version}.min.js"
    with (folder / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not kept.exists():
            subprocess.run([npm, "pack", "--silent", f"mermaid@{version}"], cwd=folder, check=True)
            kept.write_bytes(_checked(folder / f"mermaid-{version}.tgz", VERSIONS[version]))
    return kept


def _checked(package: Path, integrity: str) -> bytes:
    content = package.read_bytes()
    assert base64.b64encode(hashlib.sha512(content).digest()).decode() == integrity, package
    with tarfile.open(package) as found:
        member = found.extractfile("package/dist/mermaid.min.js")
        assert member is not None
        return member.read()


def page(version: str, chart: str, folder: Path) -> Path:
    """A page that draws one chart; `window.drawn` is true afterwards, or the error's text."""
    place = folder / f"mermaid-{version}.html"
    place.write_text(
        f"""<!doctype html><meta charset="utf-8"><body><pre id="chart"></pre>
<script src="{script(version).as_uri()}"></script>
<script>
mermaid.initialize({{startOnLoad: false, securityLevel: "strict"}});
document.getElementById("chart").textContent = {_literal(chart)};
mermaid.run({{nodes: [document.getElementById("chart")]}})
  .then(() => {{ window.drawn = true; }}, error => {{ window.drawn = String(error && error.message || error); }});
</script>""",
        "utf-8",
    )
    return place


def _literal(text: str) -> str:
    return json.dumps(text).replace("<", "\\u003c")
