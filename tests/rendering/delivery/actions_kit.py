"""GitHub Actions, as far as preview.yaml asks for it: its own jobs, steps and conditions are run, on this machine.

Expressions are GitHub's (docs.github.com: «Evaluate expressions in workflows and actions»): a name that is not there is
empty, `==` of texts ignores case, secrets are those of the job's environment alone.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import copies
import yaml
from delivery.ci import run
from gitrepo import git

_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|&&|\|\||==|!=|!|\(|\)|[\w.-]+)")
_WORDS = {"&&": " and ", "||": " or ", "!": " not ", "==": "==", "!=": "!=", "(": "(", ")": ")"}


def evaluate(text: str, context: Mapping[str, Any]) -> Any:
    """The value of one expression."""
    made, at = "", 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        assert found, text[at:]
        at, token = found.end(), found[1]
        if token in _WORDS:
            made += _WORDS[token]
        elif token[0] == "'":
            made += repr(token[1:-1].replace("''", "'").lower())
        else:
            made += f"at({token!r})"
    return eval(made, {"at": lambda path: _at(path, context)})  # of this repository's own workflow


def _at(path: str, context: Mapping[str, Any]) -> Any:
    found: Any = context
    for part in path.split("."):
        found = found.get(part, "") if isinstance(found, Mapping) else ""
    return found.lower() if isinstance(found, str) and path.startswith("github.event.action") else found


def expanded(value: Any, context: Mapping[str, Any]) -> str:
    """A text with its expressions in place."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: _text(evaluate(found[1], context)), str(value))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass
class Actions:
    """One repository whose workflows are those of its base; `environment`: vars and secrets of a GitHub environment."""

    origin: Path
    folder: Path
    environment: Mapping[str, Mapping[str, str]]
    api_url: str
    variables: Mapping[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    """Job → its result, of the last event."""
    said: dict[str, str] = field(default_factory=dict)
    """Job → what its steps wrote."""
    runs: int = 0

    def send(self, workflow: str, name: str, event: Mapping[str, Any]) -> dict[str, str]:
        """What GitHub does of an event; the results of the jobs."""
        base = event.get("pull_request", {}).get("base", {}).get("sha") or git(
            self.origin, "rev-parse", "main"
        )
        read = yaml.safe_load(git(self.origin, "show", f"{base}:.github/workflows/{workflow}.yaml"))
        types = (read[True].get(name) or {}).get("types") if isinstance(read[True].get(name), dict) else None
        self.done, self.said, needs = {}, {}, {}
        self.runs += 1
        if name not in read[True] or (types and event.get("action") not in types):
            return {}
        github = {
            "event_name": name, "event": event, "repository": "example/repository", "token": "a-token",
            "server_url": "https://git.example.com", "run_id": str(self.runs),
        }  # fmt: skip
        for job, found in _in_order(read["jobs"]):
            context = {"github": github, "vars": self.variables, "needs": needs}
            self.done[job], outputs = self._job(job, found, context)
            needs[job] = {"result": self.done[job], "outputs": outputs}
        return self.done

    def _job(self, name: str, job: Mapping[str, Any], context: dict[str, Any]) -> tuple[str, dict[str, str]]:
        needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
        condition = str(job.get("if", "success")).removeprefix("${{").removesuffix("}}").strip()
        ready = all(context["needs"][one]["result"] == "success" for one in needs)
        if condition == "success" or "cancelled()" not in condition:
            if not ready or (condition != "success" and not evaluate(condition, context)):
                return "skipped", {}
        elif not evaluate(condition.replace("cancelled()", "cancelled"), {**context, "cancelled": False}):
            return "skipped", {}
        own = self.environment.get(str(job.get("environment", "")), {}) if "environment" in job else {}
        variables = {**self.variables, **({"KFP_HOST": own["KFP_HOST"]} if own else {})}
        secrets = {"KFP_TOKEN": own["KFP_TOKEN"]} if own else {}
        workspace = self.folder / f"{self.runs}-{name}"
        (workspace / "temp").mkdir(parents=True)
        (workspace / "work").mkdir()
        steps: dict[str, dict[str, dict[str, str]]] = {}
        inner = {
            **context, "vars": variables, "secrets": secrets, "steps": steps,
            "runner": {"temp": str(workspace / "temp")},
        }  # fmt: skip
        good = True
        for step in job["steps"]:
            if good or "cancelled()" in str(step.get("if", "")):
                went = self._step(name, step, workspace, inner, steps)
                good = good and (went or bool(step.get("continue-on-error")))
        outputs = {key: expanded(value, inner) for key, value in job.get("outputs", {}).items()}
        return ("success" if good else "failure"), outputs

    def _step(
        self,
        job: str,
        step: Mapping[str, Any],
        workspace: Path,
        context: Mapping[str, Any],
        steps: dict[str, Any],
    ) -> bool:
        given = {key: expanded(value, context) for key, value in step.get("with", {}).items()}
        uses = str(step.get("uses", ""))
        if "checkout@" in uses:
            self._check_out(workspace / "work" / given.get("path", "."), given.get("ref", "main"))
        elif "upload-artifact@" in uses:
            return self._upload(given, workspace)
        elif "download-artifact@" in uses:
            return self._download(given)
        elif "run" in step and "/install " not in step["run"]:
            return self._run(job, step, workspace, context, steps)
        return True

    def _check_out(self, target: Path, ref: str) -> None:
        git(self.folder, "clone", "--quiet", "--no-checkout", str(self.origin), str(target))
        git(target, "fetch", "--quiet", "origin", "+refs/pull/*:refs/remotes/pull/*")
        git(target, "checkout", "--quiet", "--detach", ref)
        copies.compiled(target)

    def _artifacts(self) -> Path:
        return self.folder / f"{self.runs}-artifacts"

    def _upload(self, given: Mapping[str, str], workspace: Path) -> bool:
        source = workspace / "work" / given["path"]
        if source.is_dir():
            shutil.copytree(source, self._artifacts() / given["name"])
        return True

    def _download(self, given: Mapping[str, str]) -> bool:
        found = sorted(self._artifacts().glob(given.get("pattern") or given["name"]))
        for folder in found:
            shutil.copytree(folder, given["path"], dirs_exist_ok=True)
        return bool(found)

    def _run(
        self,
        job: str,
        step: Mapping[str, Any],
        workspace: Path,
        context: Mapping[str, Any],
        steps: dict[str, Any],
    ) -> bool:
        output = workspace / "temp" / "output"
        output.write_text("")
        env = {key: expanded(value, context) for key, value in step.get("env", {}).items()}
        more = {
            "GITHUB_OUTPUT": str(output), "GITHUB_REPOSITORY": "example/repository", "GITHUB_API_URL": self.api_url,
            "RUNNER_TEMP": str(workspace / "temp"), "PAUSE": "0",
            "GITHUB_STEP_SUMMARY": str(workspace / "temp" / "summary"),
        }  # fmt: skip
        done: CompletedProcess[str] = run(
            "bash", "-eo", "pipefail", "-c", step["run"], cwd=workspace / "work", **more, **env
        )
        self.said[job] = self.said.get(job, "") + done.stdout + done.stderr
        pairs = (line.partition("=") for line in output.read_text().splitlines())
        if "id" in step:
            steps[step["id"]] = {"outputs": {key: value for key, _, value in pairs}}
        return done.returncode == 0


def _in_order(jobs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Each after those that it needs."""
    found: dict[str, Any] = {}
    while len(found) < len(jobs):
        for name, job in jobs.items():
            needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            if name not in found and all(one in found for one in needs):
                found[name] = job
    return list(found.items())
