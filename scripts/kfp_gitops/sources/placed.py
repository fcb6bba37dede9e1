"""Texts that a template puts into YAML must be read from it as they are.

`x: {{ values.q }}` with the text `abc #def` is read as `abc`, with `1e3` as a number, with `a: b` as a map or not at
all. So the template is rendered once more with an opaque word in place of each text from the data. With the text in
place of its word, YAML has to give what it gives with the word, but for that text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from kfp_gitops.base.errors import InputError, Problem
from kfp_gitops.base.yamltext import parse_all

PUT, PUT_EACH = "put:", "put each:"  # no names that a template could write
_WORD = re.compile("\ue000([0-9]+)\ue001")
# Texts that YAML reads as they are wherever a template may put them.
_HARMLESS = re.compile(
    r"[A-Za-z][\w./@=+-]*(?:[: ][\w./@=+-]+)*"
    r"|[1-9][0-9]*(?:[KMGTP]i?|[mkhsd])",  # 500m, 4Gi, 30s
    re.ASCII,
)
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
# Filters whose outcome is still a text of the data.
_KEEPING = ("default", "lower", "upper", "trim", "first", "last")
_BODIES = ("body", "elif_", "else_")
_SHOWN, _MOST = 40, 200  # characters of a text; texts that are looked at


@dataclass(frozen=True)
class _Put:
    """A text, and where the template puts it: its file, the line, the expression as it is written there."""

    text: str
    template: str
    line: int
    expression: str


@dataclass
class Words:
    """The words that stand for texts of one rendering."""

    found: list[_Put] = field(default_factory=list)

    def put(self, value: Any, template: str, line: int, expression: str) -> Any:
        """The word for a text; other values as they are."""
        if not isinstance(value, str):
            return value
        self.found.append(_Put(value, template, line, expression))
        return f"\ue000{len(self.found) - 1}\ue001"

    def put_each(self, value: Any, *place: Any) -> Any:
        """Words for the texts in a list that is about to be joined."""
        return [self.put(item, *place) for item in value] if isinstance(value, list | tuple) else value


class Puts:
    """What texts of the data pass on their way into a template's output: as they are, or as words."""

    words: Words | None = None
    doubtful = False
    """Whether one was put that YAML might read as something else."""

    def renew(self, words: Words | None) -> None:
        """For another rendering."""
        self.words, self.doubtful = words, False

    def put(self, value: Any, *place: Any) -> Any:
        """The filter `put:`."""
        if self.words is not None:
            return self.words.put(value, *place)
        if isinstance(value, str) and not self.doubtful:
            self.doubtful = not harmless(value)
        return value

    def put_each(self, value: Any, *place: Any) -> Any:
        """The filter `put each:`."""
        if self.words is not None:
            return self.words.put_each(value, *place)
        if isinstance(value, list | tuple):
            for item in value:
                self.put(item)
        return value


def harmless(value: Any) -> bool:
    """Whether no text in the data could be read as something else."""
    if isinstance(value, Mapping):
        return all(harmless(key) and harmless(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(harmless, value))
    return not isinstance(value, str) or (
        _HARMLESS.fullmatch(value) is not None and value.lower() not in _WORDS
    )


def marked(tree: nodes.Template, template: str) -> nodes.Template:
    """The template's tree with a call of `put:` around each expression that prints data."""
    for output in _outputs(tree):
        output.nodes = [_marked(node, template) for node in output.nodes]
    return tree


def _outputs(node: nodes.Node) -> Iterator[nodes.Output]:
    """What prints something; it stands in bodies, and in no expression, which a search of all nodes would look into."""
    for name in _BODIES:
        for inner in getattr(node, name, None) or ():
            if isinstance(inner, nodes.Output):
                yield inner
            else:
                yield from _outputs(inner)


def _marked(node: nodes.Expr, template: str) -> nodes.Expr:
    if isinstance(node, nodes.Filter) and node.name == "join" and node.node and _is_data(node.node):
        node.node = _call(node.node, PUT_EACH, node, template)
        return node
    if isinstance(node, nodes.CondExpr):  # a constant on the other side is what its author wrote it to be
        node.expr1 = _marked(node.expr1, template)
        node.expr2 = _marked(node.expr2, template) if node.expr2 else None
        return node
    return _call(node, PUT, node, template) if _is_data(node) else node


def _call(inner: nodes.Expr, name: str, shown: nodes.Expr, template: str) -> nodes.Expr:
    place: list[nodes.Expr] = [nodes.Const(template), nodes.Const(shown.lineno), nodes.Const(_written(shown))]
    found = nodes.Filter(inner, name, place, [], None, None)
    found.set_lineno(shown.lineno)
    found.environment = shown.environment
    return found


def _is_data(node: nodes.Node) -> bool:
    match node:
        case nodes.Name():
            return True
        case nodes.Getattr() | nodes.Getitem():
            return _is_data(node.node)
        case nodes.Filter():
            return node.name in _KEEPING and node.node is not None and _is_data(node.node)
        case nodes.Concat():
            return any(map(_is_data, node.nodes))
        case nodes.Or():
            return _is_data(node.left) and _is_data(node.right)
    return False


def _written(node: nodes.Node) -> str:
    match node:
        case nodes.Name():
            return str(node.name)
        case nodes.Getattr():
            return f"{_written(node.node)}.{node.attr}"
        case nodes.Getitem():
            return f"{_written(node.node)}[{_written(node.arg)}]"
        case nodes.Filter() if node.node is not None:
            return f"{_written(node.node)} | {node.name}"
        case nodes.Const():
            return repr(node.value)
    return "…"


def misread(text: str, words: Words, folder: str) -> list[Problem]:
    """The texts of a rendering with words for them that YAML would read as something else; none if it is no YAML."""
    documents = _read(text)
    if documents is None:
        return []
    problems: dict[Problem, None] = {}
    for index, put in enumerate(words.found[:_MOST]):
        word = f"\ue000{index}\ue001"
        if word in text and not harmless(put.text):
            found = _difference(documents, _read(_substituted(text, word, words)), word, words)
            if found is not None:
                alone = any(text == word for document in documents for text in _texts(document))
                problems[_problem(put, found, folder, alone=alone)] = None
    return [*problems]


def _substituted(text: str, word: str, words: Words) -> str:
    """With the text in place of one word. What is joined stands beside others, which keep theirs."""
    return text.replace(word, words.found[_index(word)].text)


def _index(word: str) -> int:
    return int(word[1:-1])


def _read(text: str) -> list[Any] | None:
    try:
        return [document.value for document in parse_all(text, "")]
    except InputError:
        return None


def _difference(wanted: Any, found: Any, word: str, words: Words) -> str | None:
    """What YAML reads where it should read the text; None when it does."""
    if found is None and wanted is not None:
        return "nothing that is YAML" if isinstance(wanted, list) else "null"
    if isinstance(wanted, str):
        text = wanted.replace(word, words.found[_index(word)].text)
        return None if found == text and isinstance(found, str) else _shown(found)
    if isinstance(wanted, dict) and isinstance(found, dict):
        return _difference_in_map(wanted, found, word, words)
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = zip(wanted, found, strict=True)
        return next((one for pair in pairs if (one := _difference(*pair, word, words)) is not None), None)
    return None if wanted == found and type(wanted) is type(found) else _shown(found)


def _difference_in_map(
    wanted: Mapping[str, Any], found: Mapping[str, Any], word: str, words: Words
) -> str | None:
    text = words.found[_index(word)].text
    names = {key: key.replace(word, text) for key in wanted}
    if [*names.values()] != [*found]:
        other = [key for key in found if key not in names.values()]
        return f"the key {_shown(other[0])}" if other else "other keys"
    return next(
        (
            one
            for key in wanted
            if (one := _difference(wanted[key], found[names[key]], word, words)) is not None
        ),
        None,
    )


def _texts(value: Any) -> Iterator[str]:
    """Every text in a document, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _problem(put: _Put, found: str, folder: str, *, alone: bool) -> Problem:
    what = f"{{{{ {put.expression} }}}} puts the text {_shown(put.text)} into YAML, which reads {found}"
    todo = f"write {{{{ {put.expression} | tojson }}}} without quotes around it"
    if " | " in put.expression or "…" in put.expression:
        todo = "put `| tojson` after all of it, and no quotes around it"
    if not alone:  # quotes inside of a larger text would be part of it
        whole = f'{{{{ ("before " ~ {put.expression} ~ " after") | tojson }}}}'
        todo = f"make the whole text in one expression, such as {whole}, without quotes around it"
    return Problem(f"{folder}/{put.template}", put.line, 1, what, todo)


def _shown(value: Any) -> str:
    text = _WORD.sub("…", repr(value))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
