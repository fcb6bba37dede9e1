"""The conditions that kfp compiles, parsed without `eval`.

The compiler writes a small part of the Common Expression Language (CEL):
`!(inputs.parameter_values['x'] == 'a') && int(inputs.parameter_values['n']) > 3`. The meaning is in `cel_eval`.
Ours: cel-python fails at `3.0 == 3`, which cel-go compares, and brings an engine of patterns and a calendar along;
tests have it as judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

FUNCTIONS = ("int", "double", "string")
# As many as an int64 can have.
INT_DIGITS = 19

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)
      | (?P<text>'(?:[^'\\\n]|\\.)*' | "(?:[^"\\\n]|\\.)*")
      | (?P<name>[A-Za-z_]\w*)
      | (?P<sign>&& | \|\| | == | != | <= | >= | [<>!()\[\].-])
      | (?P<end>$)
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">="))


class CelError(ValueError):
    """An expression that is outside the part of CEL that kfp writes, or that has no value."""


@dataclass(frozen=True)
class Literal:
    """A constant."""

    value: bool | int | float | str


@dataclass(frozen=True)
class Parameter:
    """`inputs.parameter_values['name']`."""

    name: str


@dataclass(frozen=True)
class Unary:
    """`!x`, `-x`, or a conversion such as `int(x)`."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary:
    """A comparison or a logical combination."""

    operator: str
    left: Expression
    right: Expression


Expression: TypeAlias = Literal | Parameter | Unary | Binary


def parse(text: str) -> Expression:
    """The expression as a tree.

    Raises:
        CelError: it is not in the supported part of CEL.
    """
    parser = _Parser(text)
    expression = parser.level(0)
    parser.expect("")
    return expression


def names(expression: Expression) -> Iterator[str]:
    """The parameters that an expression reads."""
    match expression:
        case Parameter(name):
            yield name
        case Unary(_, operand):
            yield from names(operand)
        case Binary(_, left, right):
            yield from names(left)
            yield from names(right)


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = 0
    while not found or found[-1][0] != "end":
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise CelError(f"{text!r}: unexpected {text[position:].strip()[:20]!r}")
        found.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return found


class _Parser:
    """Recursive descent over the tokens; one method per rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)

    def level(self, depth: int) -> Expression:
        if depth == len(_LEVELS):
            return self._unary()
        left = self.level(depth + 1)
        while self._tokens[0][1] in _LEVELS[depth] and self._tokens[0][0] == "sign":
            left = Binary(self._next(), left, self.level(depth + 1))
        return left

    def expect(self, *wanted: str) -> None:
        for word in wanted:
            if self._tokens[0][1] != word or self._tokens[0][0] == "text":
                raise CelError(
                    f"{self._text!r}: expected {word or 'the end'!r}, found {self._tokens[0][1]!r}"
                )
            self._next()

    def _next(self) -> str:
        if self._tokens[0][0] == "end":
            return ""
        return self._tokens.pop(0)[1]

    def _unary(self) -> Expression:
        if self._tokens[0][0] == "sign" and self._tokens[0][1] in ("!", "-"):
            return Unary(self._next(), self._unary())
        return self._primary()

    def _primary(self) -> Expression:
        kind, word = self._tokens[0]
        self._next()
        match kind, word:
            case "number", _:
                return Literal(int(word) if word.isdigit() and len(word) <= INT_DIGITS else float(word))
            case "text", _:
                return Literal(_unescaped(word))
            case "name", _:
                return self._named(word)
            case "sign", "(":
                return self._closed()
        raise CelError(f"{self._text!r}: unexpected {word or 'end'!r}")

    def _closed(self) -> Expression:
        inner = self.level(0)
        self.expect(")")
        return inner

    def _named(self, name: str) -> Expression:
        if name in ("true", "false"):
            return Literal(name == "true")
        if name in FUNCTIONS:
            self.expect("(")
            return Unary(name, self._closed())
        if name == "inputs":
            return self._parameter()
        raise CelError(f"{self._text!r}: unknown name {name!r}")

    def _parameter(self) -> Expression:
        self.expect(".", "parameter_values", "[")
        kind, token = self._tokens[0]
        if kind != "text":
            raise CelError(f"{self._text!r}: expected a quoted name, found {token!r}")
        self._next()
        self.expect("]")
        return Parameter(_unescaped(token))


def _unescaped(token: str) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise CelError(f"{token}: unsupported escape \\{match[1]}")
        return _ESCAPES[match[1]]

    return re.sub(r"\\(.)", one, token[1:-1])
