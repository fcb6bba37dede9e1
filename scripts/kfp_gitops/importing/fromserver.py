"""A pipeline of a server with its recurring runs as files and values, so that it can be taken over as it is.

What KFP runs is kept to the digest, for only then is nothing made anew. Images by tag, which manifests do not have,
and what the installed SDK writes in another way therefore keep the compiled file, in one piece.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.base.yamltext import Document
from kfp_gitops.importing import renamed
from kfp_gitops.importing.imported import Imported, imported
from kfp_gitops.importing.recurring import Content, Left, Recurring, Terms, can_be_written, plain, recurring
from kfp_gitops.importing.said import Asked
from kfp_gitops.importing.whole import whole
from kfp_gitops.kfpserver.kfpapi.actual import ActualSchedule
from kfp_gitops.kfpserver.kfpapi.models import Listed, Stored
from kfp_gitops.language import identity, irlint
from kfp_gitops.sources import brought as ir_file
from kfp_gitops.sources import components
from kfp_gitops.sources.environment import Environment

_LONGEST, _LONGEST_THERE = 63, 128
"""Of a pipeline's name here, and in KFP (`adopts` in values.schema.json)."""
_TODO = "keep it in KFP as it is, or import its file by hand with --name"


@dataclass(frozen=True)
class OnServer:
    """A pipeline, the version that is imported, its recurring runs, and the versions that they pin beside it."""

    listed: Listed
    version: Stored
    recurring: Sequence[ActualSchedule] = ()
    pinned: Mapping[str, Stored | None] = field(default_factory=dict)
    tie: str = ""
    """Another version of the very second, which holds something else: KFP takes either for the newest."""

    @property
    def path(self) -> str:
        """Where its lines are, for people: KFP has no file."""
        return f"{self.listed.name}@{self.version.name}"


@dataclass(frozen=True)
class Place:
    """Where it is imported to: an environment, the templates and components that are there."""

    env: Environment
    templates: Set[str]
    present: Mapping[str, str]
    owner: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Brought:
    """What is to be written of a pipeline."""

    found: Imported
    adopts: Mapping[str, Any]
    recurring: Sequence[Recurring]
    told: str
    anew: bool
    """Whether KFP would get another version, or recurring runs other ones."""


def brought(on: OnServer, place: Place, names: Set[str], terms: Terms) -> tuple[Brought | None, list[Left]]:
    """What is to be written of it, and what is left; `names` are those of pipelines that are imported beside it."""
    if not can_be_written(on.listed.name, _LONGEST_THERE):
        return None, _all_left(
            on, "no file can hold its name, by which Git would know it", "make it anew in KFP"
        )
    try:
        documents = identity.documents_of_stored(on.version.spec)
        if foreign := irlint.what_it_is(documents[0]):
            return None, _all_left(on, *foreign)
        text = dump_all(documents)
        text = renamed.renamed(text, on.path, place.name) if place.name else text
        return _brought(on, text, place, names, terms)
    except identity.NO_IR:
        return None, _all_left(on, f"its version {on.version.name!r} holds no IR", "look at it in KFP's UI")
    except InputError as error:
        problem = error.problems[0]
        return None, _all_left(
            on, f"{problem.place}: {' '.join(problem.what.split())}", problem.todo or _TODO
        )


def _brought(
    on: OnServer, text: str, place: Place, names: Set[str], terms: Terms
) -> tuple[Brought | None, list[Left]]:
    its, left = list[Recurring](), list[Left]()
    here = ir_file.read(text, on.path).spec.value["pipelineInfo"]["name"]
    for one in recurring(on.listed.name, here, on.recurring, _content(on), terms):
        if isinstance(one, Left):
            left.append(one)
        else:
            its.append(one)
    found, good, refused = _imported(on, text, place, its)
    taken = {*names, *place.templates, *place.env.pipelines, *place.env.absent}
    by_name = plain(on.listed.name, _LONGEST)
    free = [name for name in (found.name, by_name) if name and name not in taken]
    if not free or (place.name and free[0] != place.name):
        why = f"its IR is called {found.name!r}, and {place.env.name} or templates/pipelines/ has that name already"
        return None, _all_left(on, why, f"import it by itself: --pipeline {on.listed.name!r} --name ANOTHER")
    if found.name != free[0] or found.images or found.told:
        found = _in_one_piece(found, on, text, place, good)
    return _as_brought(replace(found, name=free[0], images=()), on, good, place), [*left, *refused]


def _all_left(on: OnServer, why: str, todo: str) -> list[Left]:
    more = f" (with its {len(on.recurring)} recurring runs)" if on.recurring else ""
    return [Left(f"pipeline {on.listed.name!r}{more}", why, todo)]


def _content(on: OnServer) -> Content:
    digests = {key: identity.digest_of_stored(one.spec) for key, one in on.pinned.items() if one}
    wanted = identity.digest_of_stored(on.version.spec)
    same = {key for key, digest in digests.items() if digest == wanted}
    others = {key: one.name if one else "" for key, one in on.pinned.items() if key not in same}
    return Content(on.version.name, {on.version.id, *same}, others)


def _imported(
    on: OnServer, text: str, place: Place, its: Sequence[Recurring]
) -> tuple[Imported, Sequence[Recurring], list[Left]]:
    """With the schedules that a manifest takes; what is wrong with one of them says nothing of the others.

    Raises:
        InputError: the pipeline itself cannot be imported.
    """

    def attempt(those: Sequence[Recurring]) -> Imported:
        schedules = [one.schedule for one in those]
        return imported(text, on.path, place.present, place.owner, place.env.name, schedules)

    try:
        return attempt(its), its, []
    except InputError:
        attempt(())
    good, refused = list[Recurring](), list[Left]()
    for one in its:
        try:
            attempt([one])
        except InputError as error:
            problem = error.problems[0]
            what = f"recurring run {one.found.name!r} of {on.listed.name!r} ({one.found.id})"
            refused.append(Left(what, " ".join(problem.what.split()), problem.todo))
        else:
            good.append(one)
    return attempt(good), good, refused


def _in_one_piece(
    found: Imported, on: OnServer, text: str, place: Place, good: Sequence[Recurring]
) -> Imported:
    """The compiled file, in which the pipeline keeps its name and images by tag stay as KFP has them."""
    if found.whole:
        return found
    owner = place.owner or f"{found.name[:58]}-team"
    asked = Asked(place.present, owner, place.env.name, [one.schedule for one in good])
    file = ir_file.read(text, on.path)
    return whole(file, text, asked, list(components.loose_images(file.documents, {})))


def _as_brought(found: Imported, on: OnServer, good: Sequence[Recurring], place: Place) -> Brought:
    stored = identity.digest_of_stored(on.version.spec)
    mapped = _mapped(on, place)
    equal = found.digest == stored and not mapped
    how = "equal" if equal else "not the same to KFP: a new version would be registered"
    if mapped:
        how = f"{how}, for release.yaml has another image for {', '.join(mapped)}"
    kept = ", kept in one piece" if found.whole else ""
    adopts: dict[str, Any] = {"pipeline": on.listed.name}
    if good:
        adopts["schedules"] = {one.name: dict(one.takes) for one in good}
    anew = not equal or any(one.found.version_id not in _content(on).same for one in good)
    beside = f" (of the same second as {on.tie!r})" if on.tie else ""
    told = f"{on.listed.name!r}, version {on.version.name!r}{beside}, {how}{kept}"
    return Brought(found, adopts, good, told, anew)


def _mapped(on: OnServer, place: Place) -> list[str]:
    """Images that the environment's release replaces."""
    documents = identity.documents_of_stored(on.version.spec)
    names = {name for one in documents for name in components.image_names(Document("", one, {}, {}))}
    return sorted(names & place.env.images.keys())
