"""Prometheus, its Pushgateway and its Alertmanager, as Debian ships them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import requests

from servers.process import ServerProcess, answers, free_port, program


class _Server:
    """A server of one process that answers on /-/ready."""

    def __init__(self, name: str, folder: Path, options: Sequence[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        listen = f"--web.listen-address=127.0.0.1:{self.port}"
        self.process = ServerProcess(name, [program(name), listen, *options], folder)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.process.start()
        self.process.wait_until(answers(f"{self.url}/-/ready"))

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()


class PushgatewayServer(_Server):
    """A Pushgateway that keeps what was pushed in a file, as in production."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        kept = f"--persistence.file={folder / 'pushed'}"
        super().__init__("prometheus-pushgateway", folder, [kept, "--web.enable-admin-api", *options])


class AlertmanagerServer(_Server):
    """An Alertmanager that keeps alerts to itself."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "alertmanager.yml"
        config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n", "utf-8")
        options = [f"--config.file={config}", f"--storage.path={folder}", "--cluster.listen-address="]
        super().__init__("prometheus-alertmanager", folder, options)

    def alerts(self, *, active: bool) -> list[dict[str, dict[str, str]]]:
        """Alerts that it knows, those that fire or all."""
        answer = requests.get(f"{self.url}/api/v2/alerts", params={"active": str(active).lower()}, timeout=60)
        found: list[dict[str, dict[str, str]]] = answer.json()
        return found


class PrometheusServer(_Server):
    """A Prometheus with its data in a folder, which may hold backfilled blocks."""

    def __init__(self, folder: Path, configuration: str = "", options: Sequence[str] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(configuration or "global: {}\n", "utf-8")
        data = [f"--storage.tsdb.path={folder / 'data'}", "--storage.tsdb.retention.time=10y"]
        config = f"--config.file={folder / 'prometheus.yml'}"
        super().__init__("prometheus", folder, [config, *data, "--log.level=warn", *options])

    def query(self, expression: str) -> list[dict[str, object]]:
        """Result of an instant query now."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=60)
        assert answer.status_code == 200, answer.text
        result: list[dict[str, object]] = answer.json()["data"]["result"]
        return result


def backfill(openmetrics: str, folder: Path) -> None:
    """Write series in OpenMetrics text into a Prometheus' folder as blocks; before it starts."""
    source = folder / "backfill.om"
    folder.mkdir(parents=True, exist_ok=True)
    source.write_text(openmetrics, "utf-8")
    command = [
        program("promtool"),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        "--max-block-duration=2000h",
        "-q",
    ]
    done = subprocess.run(
        [*command, str(source), str(folder / "data")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
