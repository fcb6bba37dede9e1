"""A registry of images, the reference implementation as Debian ships it (docker-registry, distribution 2.8)."""

from __future__ import annotations

from pathlib import Path

from servers.process import ServerProcess, answers, free_port, program

USER, PASSWORD = "tester", "of-tests"
_HTPASSWD = f"{USER}:$2b$04$IX/d7Yqp9w15p1bDE1OaPuPMMY5HjtwhIL8xlGXTDq9oXzDfju8YW\n"


class RegistryServer:
    """On a port of its own; `login` asks for the user and password above."""

    def __init__(self, folder: Path, *, login: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.host = f"127.0.0.1:{free_port()}"
        auth = ""
        if login:
            (folder / "htpasswd").write_text(_HTPASSWD, "utf-8")
            auth = f"auth: {{htpasswd: {{realm: tests, path: {folder / 'htpasswd'}}}}}\n"
        config = folder / "config.yml"
        config.write_text(
            f"version: 0.1\nlog: {{level: warn}}\nhttp: {{addr: '{self.host}', secret: of-tests}}\n"
            f"storage: {{filesystem: {{rootdirectory: {folder / 'kept'}}}}}\n{auth}",
            "utf-8",
        )
        self.process = ServerProcess(
            "docker-registry", [program("docker-registry"), "serve", str(config)], folder
        )

    def start(self) -> RegistryServer:
        """Start it and wait until it is ready."""
        self.process.start()
        self.process.wait_until(answers(f"http://{self.host}/"))
        return self

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
