"""Where previews of a repository live, and whose they are: what its own files say, never what a pull request says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kfp_gitops.base.errors import RefusedError, UsageError
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.operate.previews.proposal import called
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import Environment


@dataclass(frozen=True)
class Home:
    """An environment of previews, as the repository that this stands in has it."""

    repository: str
    environment: str
    previewed: str
    host: str
    namespace: str
    service_account: str
    kfp: Mapping[str, str]
    """All that its values say of KFP."""
    ui: str
    """Where people see KFP; "": at its API's address."""
    apart: str = ""
    """Why the runs of the previewed environment cannot be seen from here: it is on another KFP."""

    def owner(self, number: int) -> Owner:
        """Whose the objects of one preview are."""
        return Owner(self.repository, called(number))

    @property
    def previewed_owner(self) -> Owner:
        """Whose the objects are that previews are compared with."""
        return Owner(self.repository, self.previewed)


def of(root: Path, name: str) -> Home:
    """Of the environment of previews of this name.

    Raises:
        InputError: it cannot be read.
        UsageError: there is none of that name.
    """
    known = environment.of_previews(root)
    if name not in known:
        raise UsageError(
            f"no environment {name!r} of previews; there are: {', '.join(known) or 'none'} "
            "(a folder of environments/ whose values.yaml has `previewOf: ENV`: docs/previews.md)"
        )
    env = environment.load(root, name)
    previewed = environment.load(root, env.values.value["previewOf"])
    return Home(
        repository=env.repository["id"],
        environment=name,
        previewed=previewed.name,
        host=env.kfp["host"],
        namespace=env.kfp["namespace"],
        service_account=env.kfp.get("serviceAccount", ""),
        kfp=env.kfp,
        ui=str(env.delivery.get("kfpUi", "")).rstrip("/"),
        apart=_apart(env, previewed),
    )


def _apart(env: Environment, previewed: Environment) -> str:
    for key in ("host", "namespace"):
        if env.kfp[key] != previewed.kfp[key]:
            return (
                f"{previewed.name} has another kfp.{key} than {env.name}, so its runs are not seen from here"
            )
    return ""


def refuse_other(home: Home, environment_: str) -> None:
    """Of a proposal that somebody else rendered.

    Raises:
        RefusedError: it is of another environment.
    """
    if environment_ != home.environment:
        raise RefusedError(
            f"what was rendered is of {environment_!r}, and this is about {home.environment!r}"
        )
