"""What a proposal makes of one service: the highest of base, tree and floor, as far as it fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from predictive_scaling.proposals.editing import UnwritableError, with_value
from predictive_scaling.proposals.floors import Floor
from predictive_scaling.proposals.forms import Change, said, with_change
from predictive_scaling.proposals.ground import Amount, Ground, Workload
from predictive_scaling.proposals.kustomization import Target, resources
from predictive_scaling.proposals.lowering import Past, lowest_allowed
from predictive_scaling.proposals.placing import NOWHERE, Placing
from predictive_scaling.proposals.quantity import parse
from predictive_scaling.proposals.settings import USUAL, Wishes
from predictive_scaling.proposals.tree import Known, Patch, Slot, Stand, kustomization_of, of, patches, stands
from predictive_scaling.proposals.yamltext import composed

_FLOOR = "the recommendation"


class LeftOutError(Exception):
    """A service does not fit; one line a reason."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class Case:
    """A service's floor, what it is laid over, and what people wish."""

    floor: Floor
    workload: Workload
    ground: Ground
    wishes: Wishes = USUAL
    placing: Placing = NOWHERE
    past: Sequence[Past] = ()
    namespace: str = ""

    def known(self, kind: str, name: str) -> Known:
        """An object of its namespace, as patches name it."""
        space = self.workload.namespace
        return Known(kind, self.placing.names(name), ("", space) if self.placing.namespace else (space,))

    def path(self, file: str) -> str:
        """Where a new patch goes."""
        space = self.workload.namespace or self.namespace
        return f"{space}/{self.floor.service}/{file}" if space else f"{self.floor.service}/{file}"


@dataclass
class Draft:
    """The tree as it becomes, and what was changed in it so far."""

    files: dict[str, str]
    pending: dict[str, Target | None] = field(default_factory=dict)
    """Files that the kustomization is to list: patches with their targets, resources with None."""
    changes: list[Change] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """A value that is to stand: where, what stands in the base, what the floor is, and how a new patch sets it."""

    slot: Slot
    known: Known
    base: Amount | None
    floor: Fraction | None
    written: Callable[[Fraction], str]
    run: str
    file: str
    create: Callable[[str], str]
    of_floor: Callable[[Floor], float | None]
    resource: bool = False  # a whole object that the tree adds, and no patch
    find: Callable[[list[Patch]], list[Stand]] | None = None
    """Where the slot alone does not say where it stands."""


def settle(draft: Draft, case: Case, wanted: Wanted) -> Amount | None:
    """Set a value in the draft; gives what stands then. Raises LeftOutError, InputError."""
    listed = of(wanted.known, case.floor.service, patches(draft.files))
    found = wanted.find(listed) if wanted.find else stands(listed, wanted.slot)
    now = found[-1].amount if found else wanted.base
    highest = _highest(wanted, [each.amount for each in found])
    if highest is None:
        return now
    lowered = _lowered(draft, case, wanted, found, highest)
    target = lowered or highest
    if (
        now is not None
        and now.value == target.value
        and all(each.amount.value >= target.value for each in found)
    ):
        _list_again(draft, wanted, found)
        return now
    change = Change(
        wanted.slot.label,
        now.text if now else "none",
        target.text,
        wanted.run if target.place == _FLOOR else "",
    )
    try:
        _write(draft, case, wanted, found, target, change, lower=lowered is not None)
    except UnwritableError as error:
        raise LeftOutError(str(error)) from error
    if now is None or now.value != target.value:
        draft.changes.append(change)
    return target


def _list_again(draft: Draft, wanted: Wanted, found: list[Stand]) -> None:
    """A file of ours that the kustomization lost has a value that is in nobody's way, and in nobody's use."""
    for path in [each.patch.file for each in found if each.patch.entry is None]:
        if _list(draft, wanted, path):
            draft.told.append(f"{path} is listed again")


def _highest(wanted: Wanted, found: list[Amount]) -> Amount | None:
    every = [*found, *([wanted.base] if wanted.base else [])]
    if wanted.floor is not None:
        text = wanted.written(wanted.floor)
        value = parse(text)
        assert value is not None
        every.append(Amount(value, text, _FLOOR))
    # Of equal ones the first: as people wrote it.
    return max(every, key=lambda each: each.value, default=None)


def _lowered(draft: Draft, case: Case, wanted: Wanted, found: list[Stand], highest: Amount) -> Amount | None:
    """A lower value, where it is allowed: for what this command set alone, and never below the base."""
    if len(found) != 1 or not found[0].patch.generated or found[0].amount != highest:
        return None
    known = said(draft.files[found[0].patch.file]).get(wanted.slot.label)
    if known is None or known.after != highest.text:
        return None  # people's own value, or one of unknown making
    value = lowest_allowed(case.past, case.floor.service, wanted.of_floor, float(highest.value), case.wishes)
    if value is None:
        return None
    least = max(Fraction(value), wanted.base.value if wanted.base else Fraction(0))
    text = wanted.written(least)
    if wanted.base and wanted.base.value == least:
        text = wanted.base.text
    exact = parse(text)
    return Amount(exact, text, _FLOOR) if exact is not None and exact < highest.value else None


def _write(
    draft: Draft,
    case: Case,
    wanted: Wanted,
    found: list[Stand],
    target: Amount,
    change: Change,
    *,
    lower: bool,
) -> None:
    files = draft.files
    for each in found:
        if each.amount.value >= target.value and not lower:
            continue
        if each.patch.entry and not each.patch.entry.path:
            place = each.patch.entry.place
            raise UnwritableError(
                f"{place}: sets {each.amount.text} in a text of its own; set {target.text} there"
            )
        path = each.patch.file
        files[path] = with_value(path, files[path], each.steps, target.text, each.document)
        files[path] = with_change(files[path], change)
        _list(draft, wanted, path)
    if not found:
        _add(draft, case, wanted, target, change)


def _add(draft: Draft, case: Case, wanted: Wanted, target: Amount, change: Change) -> None:
    listed = of(wanted.known, case.floor.service, patches(draft.files))
    own = [each for each in listed if each.generated and each.file.split("/")[-1] == wanted.file]
    path = own[0].file if own else case.path(wanted.file)
    draft.files[path] = with_change(_joined(draft, path, wanted, target.text), change)
    _list(draft, wanted, path)


def _joined(draft: Draft, path: str, wanted: Wanted, value: str) -> str:
    """A patch's text with one more value."""
    text = draft.files.get(path, "")
    found = composed(path, text)
    if not found or found[0].empty:
        return text + wanted.create(value)
    new = composed(path, wanted.create(value))[0]
    if found[0].items() and new.items():
        end = "" if text.endswith("\n") else "\n"
        return text + end + "".join(line for line in wanted.create(value).splitlines(True) if line[0] != "#")
    if bool(found[0].items()) != bool(new.items()):
        raise UnwritableError(
            f"{path}: is another kind of patch than the one for {wanted.slot.label}; delete it"
        )
    return with_value(path, text, wanted.slot.steps, value)


def _list(draft: Draft, wanted: Wanted, path: str) -> bool:
    """See to it that the kustomization lists a file, which has no effect otherwise; whether it did not."""
    name = kustomization_of(draft.files)
    listed = (
        path in resources(name, draft.files.get(name, ""))
        if wanted.resource
        else any(each.file == path and each.entry for each in patches(draft.files))
    )
    if listed or path in draft.pending:
        return False
    draft.pending[path] = None if wanted.resource else wanted.known.target
    return True
