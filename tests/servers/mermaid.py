"""Mermaid's own script, at the versions that are looked at: from the npm registry by its hash, kept on this machine."""

from __future__ import annotations

import json
from pathlib import Path

from servers import npm

# Version → `dist.integrity` of the npm registry.
VERSIONS = {
    "10.9.3": "V80X1isSEvAewIL3xhmz/rVmc27CVljcsbWxkxlWJWY/1kQa4XOABqpDl2qQLGKzpKm6WbTfUEKImBlUfFYArw==",
    "11.12.0": "ZudVx73BwrMJfCFmSSJT84y6u5brEoV8DOItdHomNLz32uBjNrelm7mg95X7g+C6UoQH/W6mBLGDEDv73JdxBg==",
}


def script(version: str) -> Path:
    """The file that a page loads."""
    return npm.kept("mermaid", version, VERSIONS[version], "package/dist/mermaid.min.js")


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
