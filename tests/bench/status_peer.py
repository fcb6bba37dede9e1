"""What one writes without this repository: Jinja over the data, a row for each pipeline and environment."""

import json
import sys
from pathlib import Path

from jinja2 import Environment

TEMPLATE = """<!doctype html><title>Status</title><table>
{% for environment in environments %}{% for p in environment.seen.pipelines %}
<tr><th>{{ p.name }}</th><td>{{ p.team }}</td><td>{{ environment.name }}</td>
<td>{% if p.needs %}
{% for f in p.findings %}{{ f.kind }}: {{ f.cause }} {{ f.command }}{% endfor %}{% else %}ok{% endif %}</td>
<td>{{ p.version }} {{ p.commit[:12] }}</td>
<td>{{ p.release[7:19] }}{% if p.waits %} waits: {{ p.waits.release[7:19] }}{% endif %}</td>
<td>{% for s in p.schedules %}{{ s.trigger }}, next {{ s.next }}{% endfor %}</td>
<td>{% for r in p.runs %}{{ r.state }} {% endfor %}{{ p.runs[0].created }}</td>
<td>{% for s in p.schedules %}{{ s.missed | length }}{% endfor %}</td><td>{{ p.drift | length }}</td></tr>
{% endfor %}{% endfor %}</table>
"""


def main(data: Path, page: Path) -> None:
    """Read the data and write a page."""
    found = json.loads(data.read_text("utf-8"))
    page.write_text(Environment(autoescape=True).from_string(TEMPLATE).render(found), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
