"""Whether a plan may be carried out when one was approved: that one and no other. Pure.

An apply that was killed, or that left a replacement for the next one, has moved the world itself. The lock remembers
which plan was begun and has not run through: what that plan changes may then be half-way, the rest may not have moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kfp_gitops.base import columns
from kfp_gitops.reconcile.plan import Plan
from kfp_gitops.rendering.planfile import ID, Basis, Moved, moved, moved_beyond


@dataclass(frozen=True)
class Approved:
    """A plan that somebody approved: its identity (12 to 64 hex digits), and what it rests on where that is known."""

    digest: str
    basis: Basis | None = None

    @property
    def id(self) -> str:
        """As people read it."""
        return self.digest[:ID]

    def is_of(self, basis: Basis) -> bool:
        """Whether it is this one: by all digits where they are known, for who writes both can make 12 of them equal."""
        return basis.digest == self.basis.digest if self.basis else basis.digest.startswith(self.digest)


class Verdict(StrEnum):
    """What becomes of the plan as it is now."""

    NOTHING = "nothing to do"
    SAME = "as approved"
    CONTINUED = "the rest of what was approved"
    TIDYING = "old versions only, and not approved"
    OTHER = "another plan"


def verdict(plan: Plan, approved: Approved | None, begun: str) -> Verdict:
    """How the plan as it is now stands to the one that was approved (None: none was, and one must be).

    `begun` is the digest of the plan that an apply began and did not end, or empty.
    """
    if not plan.to_do and not plan.conflicts:
        return Verdict.NOTHING
    if approved and approved.is_of(plan.basis):
        return Verdict.SAME
    if approved and approved.basis and begun == approved.basis.digest and not left(plan, approved, begun):
        return Verdict.CONTINUED
    return Verdict.OTHER if plan.differences or plan.conflicts else Verdict.TIDYING


def left(plan: Plan, approved: Approved | None, begun: str = "") -> Sequence[Moved]:
    """The objects that moved, as far as it is known; without those that the approved plan changes if it was begun."""
    if approved is None or approved.basis is None:
        return ()
    compare = moved_beyond if begun == approved.basis.digest else moved
    return compare(approved.basis, plan.basis)


def refusal(plan: Plan, approved: Approved | None, begun: str, renewed_by: str) -> str:
    """Why it is refused: each object that moved, as far as it is known what was approved; and how to go on."""
    now = f"plan {plan.basis.id}"
    if approved is None:
        told = [f"{c.action} {c.kind} {c.name}" for c in (*plan.differences, *plan.conflicts)]
        doing = _named(columns.first_of(told, 20, "… {more} more, above"))
        head = f"no plan was approved, and there is something to do ({now}):"
        return "\n".join([head, *doing, f"nothing was changed; look at it, and approve it: {renewed_by}"])
    if approved.basis is None:
        head = f"plan {approved.id} was approved, now it is {now} (above): something moved"
        why = (
            f"  what plan {approved.id} rested on is not known on this machine; `plan --out FILE` writes it, and "
            "`apply --plan FILE` says what moved"
        )
        return "\n".join(
            [head, why, f"nothing was changed; read the plan above, and approve it: {renewed_by}"]
        )
    head = f"plan {approved.id} was approved, now it is {now}; what moved:"
    found = _named(list(map(str, left(plan, approved, begun))))
    return "\n".join([head, *found, f"nothing was changed; look at it, and approve it anew: {renewed_by}"])


def _named(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]
