"""environments/policy.yaml, read: the checks and the waivers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from kfp_gitops.base import files, keywords, schema
from kfp_gitops.base.errors import Problem, raise_if_any
from kfp_gitops.base.yamltext import Document, parse

POLICY = "environments/policy.yaml"


@dataclass(frozen=True)
class Check:
    """One rule: every object of a kind, in some environments, is valid against a JSON Schema."""

    id: str
    select: str
    reason: str
    fix: str
    validator: Draft202012Validator
    only: frozenset[str] | None
    excluded: frozenset[str]

    def is_about(self, environment: str) -> bool:
        """Whether the check holds in an environment."""
        return (self.only is None or environment in self.only) and environment not in self.excluded


@dataclass(frozen=True)
class Demand:
    """What merging a change of some categories wants in some environments: a label, or it is forbidden (None)."""

    categories: frozenset[str]
    label: str | None
    reason: str
    only: frozenset[str] | None
    excluded: frozenset[str]
    index: int

    def is_about(self, environment: str, category: str) -> bool:
        """Whether a change of this category is meant there."""
        inside = (self.only is None or environment in self.only) and environment not in self.excluded
        return inside and category in self.categories


@dataclass(frozen=True)
class Waiver:
    """One object that need not pass one check, to the end of a day; `index` is its place in the file."""

    check: str
    object: str
    reason: str
    until: date
    index: int


@dataclass(frozen=True)
class Policy:
    """All checks, waivers and demands, with the document that they stand in."""

    checks: tuple[Check, ...]
    waivers: tuple[Waiver, ...]
    document: Document
    demands: tuple[Demand, ...] = ()


def read(root: Path) -> Policy:
    """Read the policy of a repository.

    Raises:
        InputError: every problem of the file.
    """
    return from_text(files.read_text(root, POLICY), POLICY)


def from_text(text: str, path: str) -> Policy:
    """Read a policy that stands elsewhere, such as in an earlier revision.

    Raises:
        InputError: every problem of the text.
    """
    document = parse(text, path)
    raise_if_any(schema.problems(schema.named("policy"), document))
    raise_if_any([*_bad_schemas(document), *_bad_waivers(document), *_twice(document)])
    checks = tuple(_check(entry) for entry in document.value["checks"])
    waivers = tuple(_waiver(entry, index) for index, entry in enumerate(document.value.get("waivers", [])))
    demands = tuple(_demand(entry, index) for index, entry in enumerate(document.value.get("changes", [])))
    return Policy(checks, waivers, document, demands)


def _check(entry: Mapping[str, Any]) -> Check:
    validator = Draft202012Validator(entry["schema"])
    return Check(entry["id"], entry["select"], entry["reason"], entry["fix"], validator, *_where(entry))


def _demand(entry: Mapping[str, Any], index: int) -> Demand:
    return Demand(frozenset(entry["categories"]), entry.get("label"), entry["reason"], *_where(entry), index)


def _where(entry: Mapping[str, Any]) -> tuple[frozenset[str] | None, frozenset[str]]:
    """The only environments that an entry is about (None: all), and those that it is not about."""
    where = entry.get("environments", {})
    return frozenset(where["only"]) if "only" in where else None, frozenset(where.get("except", []))


def _waiver(entry: Mapping[str, str], index: int) -> Waiver:
    until = date.fromisoformat(entry["until"])
    return Waiver(entry["check"], entry["object"], entry["reason"], until, index)


def _bad_schemas(document: Document) -> Iterator[Problem]:
    for index, entry in enumerate(document.value["checks"]):
        try:
            Draft202012Validator.check_schema(entry["schema"])
        except SchemaError as error:
            at = ("checks", index, "schema", *error.absolute_path)
            yield document.problem(at, f"not a JSON Schema: {error.message}", "correct it")
        else:
            yield from keywords.problems(document, ("checks", index, "schema"))
        # It is data of a pull request: it opens no URL, and cannot go round in circles.
        for at, _ in schema.references(entry["schema"], ()):
            what, todo = "a check's schema refers to nothing", "write it out, or repeat it by a YAML anchor"
            yield document.problem(("checks", index, "schema", *at), what, todo)


def unknown_environments(policy: Policy, known: Collection[str]) -> Iterator[Problem]:
    """Environments that checks name and that there are not: a check for those alone would judge nothing."""
    for section in ("checks", "changes"):
        for index, entry in enumerate(policy.document.value.get(section, [])):
            for key, named in entry.get("environments", {}).items():
                for place, name in enumerate(named):
                    if name not in known:
                        at = (section, index, "environments", key, place)
                        todo = f"name one of: {', '.join(sorted(known)) or 'none'}, or take it out"
                        yield policy.document.problem(at, f"no environment {name!r}", todo)


def _bad_waivers(document: Document) -> Iterator[Problem]:
    known = {entry["id"] for entry in document.value["checks"]}
    for index, entry in enumerate(document.value.get("waivers", [])):
        if entry["check"] not in known:
            todo = f"name one of: {', '.join(sorted(known))}"
            yield document.problem(("waivers", index, "check"), f"no check {entry['check']!r}", todo)
        try:
            date.fromisoformat(entry["until"])
        except ValueError:
            what = f"{entry['until']!r} is no date"
            yield document.problem(("waivers", index, "until"), what, "write 'YYYY-MM-DD'")


def _twice(document: Document) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, entry in enumerate(document.value["checks"]):
        if entry["id"] in seen:
            yield document.problem(
                ("checks", index, "id"), f"check {entry['id']!r} is there twice", "rename one"
            )
        seen.add(entry["id"])
