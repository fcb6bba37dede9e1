"""A task that runs a container, and what of it is in KFP's cache key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kfp_gitops.review.caching.values import Motion, Value, digest


@dataclass(frozen=True)
class Server:
    """What a version of KFP puts into the key beside what all do."""

    name: str
    key_replaces: bool
    """`cachingOptions.cacheKey` is all there is of the key, with the component's name (kubeflow/pipelines#13762)."""
    env_in_key: bool
    """The values of variables are in it (kubeflow/pipelines#14340)."""


KFP_2_17 = Server("2.17", key_replaces=False, env_in_key=False)
KFP_2_18 = Server("2.18", key_replaces=True, env_in_key=False)
KFP_NEXT = Server("later than 2.18", key_replaces=True, env_in_key=True)


@dataclass(frozen=True)
class Container:
    """The part of the key that is known: `outputs` are their names and types as one text."""

    image: str
    line: tuple[str, ...]
    outputs: str

    @cached_property
    def identity(self) -> str:
        """One text for all of it."""
        return digest(self.image, str(len(self.line)), *self.line, self.outputs)


@dataclass(frozen=True, eq=False)
class Step:
    """A task, once for each item of a loop whose items are known.

    `task` is the way to it, as people say it. `always` says why KFP never has a result of it, if so. `unseen` is what
    bears on its result and is in no key: label → value.
    """

    task: str
    container: Container
    parameters: Mapping[str, Value]
    artifacts: Mapping[str, Value]
    claims: frozenset[Value]
    cache: bool
    component: str = ""
    key: str = ""
    always: str = ""
    unseen: Mapping[str, Any] = field(default_factory=dict)
    server: Server = KFP_2_17

    @property
    def given(self) -> list[tuple[str, Value]]:
        """Everything that is handed to it, by a name that is its own."""
        claims = sorted(self.claims, key=lambda claim: claim.identity)
        return [
            *((f"p {name}", value) for name, value in sorted(self.parameters.items())),
            *((f"a {name}", value) for name, value in sorted(self.artifacts.items())),
            *(("c", claim) for claim in claims),
        ]

    @property
    def keyed(self) -> bool:
        """Whether a key of its own stands for everything else."""
        return bool(self.key) and self.server.key_replaces

    @cached_property
    def form(self) -> str:
        """What two tasks must share for one to get the other's result, whatever they are given."""
        if self.keyed:
            return digest("keyed", self.component, self.key)
        env = [f"{k}={v}" for k, v in self.unseen.items() if k.startswith("env ")]
        return digest(
            self.container.identity,
            *(name for name, _ in self.given),
            *(sorted(env) if self.server.env_in_key else ()),
        )

    @cached_property
    def identity(self) -> str:
        """Its key."""
        given = () if self.keyed else (value.identity for _, value in self.given)
        return digest(self.form, *given)

    @cached_property
    def motion(self) -> Motion:
        """What becomes of its key from run to run."""
        if self.always or not self.cache:
            return Motion.MOVING
        if self.keyed:
            return Motion.STEADY
        return max((value.motion for _, value in self.given), default=Motion.STEADY)
