"""Expressions of Jinja's language as functions of the variables that a template has given itself.

Each means what Jinja's own code for it would: attributes, items, filters, tests, calls and operators are looked up and
bounded by the environment, a sandbox. What would mean something else here, or is rare, is refused as beyond.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

Scope = dict[str, Any]  # names that the template itself has given: loop variables, arguments, macros
Expression = Callable[[Scope], Any]


class BeyondError(Exception):
    """The template uses what is not evaluated here."""


class Expressions:
    """Makes the function of an expression, in an environment and with the values that a template is given."""

    def __init__(self, environment: SandboxedEnvironment, context: Context) -> None:
        self.environment = environment
        self.context = context

    def of(self, node: nodes.Node) -> Expression:
        """The function of any expression; raises BeyondError."""
        if type(node) not in _EXPRESSIONS:
            raise BeyondError
        return _EXPRESSIONS[type(node)](self, node)

    def _name(self, node: nodes.Name) -> Expression:
        name, resolve, undefined = (
            own_name(node),
            self.context.resolve_or_missing,
            self.environment.undefined,
        )

        def run(scope: Scope) -> Any:
            found = scope[name] if name in scope else resolve(name)
            return undefined(name=name) if found is missing else found

        return run

    def _const(self, node: nodes.Const) -> Expression:
        if isinstance(node.value, int | float) and node.value > _GREATEST:
            raise BeyondError
        return lambda _: node.value

    def _getattr(self, node: nodes.Getattr) -> Expression:
        get, of = self.environment.getattr, self.of(node.node)
        return lambda scope: get(of(scope), node.attr)

    def _getitem(self, node: nodes.Getitem) -> Expression:
        get, of, at = self.environment.getitem, self.of(node.node), self.of(node.arg)
        return lambda scope: get(of(scope), at(scope))

    def _filter(self, node: nodes.Filter) -> Expression:
        if node.node is None or node.name not in self.environment.filters:
            raise BeyondError
        call, of, given = self.environment.call_filter, self.of(node.node), self._arguments(node)
        return lambda scope: call(node.name, of(scope), *given(scope), self.context)

    def _test(self, node: nodes.Test) -> Expression:
        if node.name not in self.environment.tests or node.name in _OF_CODE:
            raise BeyondError
        call, of, given = self.environment.call_test, self.of(node.node), self._arguments(node)
        return lambda scope: call(node.name, of(scope), *given(scope), self.context)

    def _call(self, node: nodes.Call) -> Expression:
        call, function, given = self.environment.call, self.of(node.node), self._arguments(node)

        def run(scope: Scope) -> Any:
            called = function(scope)
            values, named = given(scope)
            return call(self.context, called, *values, **named)

        return run

    def _arguments(
        self, node: nodes.Call | nodes.Filter | nodes.Test
    ) -> Callable[[Scope], tuple[list[Any], dict[str, Any]]]:
        keywords: list[Any] = [*node.kwargs]
        if (
            node.dyn_args
            or node.dyn_kwargs
            or len({same_in_code(each.key) for each in keywords}) < len(keywords)
        ):
            raise BeyondError
        values = [self.of(each) for each in node.args]
        named = [(each.key, self.of(each.value)) for each in keywords]
        return lambda scope: ([value(scope) for value in values], {key: value(scope) for key, value in named})

    def _compare(self, node: nodes.Compare) -> Expression:
        first = self.of(node.expr)
        others = [(_COMPARISONS[each.op], self.of(each.expr)) for each in node.ops]

        def run(scope: Scope) -> Any:
            left, found = first(scope), True
            for compare, expression in others:
                right = expression(scope)
                found = compare(left, right)
                if not found:
                    break
                left = right
            return found

        return run

    def _binary(self, node: nodes.BinExpr) -> Expression:
        left, right = self.of(node.left), self.of(node.right)
        if node.operator in self.environment.intercepted_binops:
            call = self.environment.call_binop
            return lambda scope: call(self.context, node.operator, left(scope), right(scope))
        function = self.environment.binop_table[node.operator]
        return lambda scope: function(left(scope), right(scope))

    def _and(self, node: nodes.And) -> Expression:
        left, right = self.of(node.left), self.of(node.right)
        return lambda scope: left(scope) and right(scope)

    def _or(self, node: nodes.Or) -> Expression:
        left, right = self.of(node.left), self.of(node.right)
        return lambda scope: left(scope) or right(scope)

    def _not(self, node: nodes.Not) -> Expression:
        of = self.of(node.node)
        return lambda scope: not of(scope)

    def _choice(self, node: nodes.CondExpr) -> Expression:
        if node.expr2 is None:
            raise BeyondError
        test, one, other = map(self.of, (node.test, node.expr1, node.expr2))
        return lambda scope: one(scope) if test(scope) else other(scope)

    def _concat(self, node: nodes.Concat) -> Expression:
        parts = [self.of(each) for each in node.nodes]
        return lambda scope: "".join([str(part(scope)) for part in parts])

    def _list(self, node: nodes.List) -> Expression:
        items = [self.of(each) for each in node.items]
        return lambda scope: [item(scope) for item in items]

    def _tuple(self, node: nodes.Tuple) -> Expression:
        items = [self.of(each) for each in node.items]
        return lambda scope: tuple(item(scope) for item in items)

    def _dict(self, node: nodes.Dict) -> Expression:
        items = [(self.of(pair.key), self.of(pair.value)) for pair in node.items]
        return lambda scope: {key(scope): value(scope) for key, value in items}


_EXPRESSIONS: dict[type[nodes.Node], Callable[[Expressions, Any], Expression]] = {
    nodes.Name: Expressions._name,
    nodes.Const: Expressions._const,
    nodes.Getattr: Expressions._getattr,
    nodes.Getitem: Expressions._getitem,
    nodes.Filter: Expressions._filter,
    nodes.Test: Expressions._test,
    nodes.Call: Expressions._call,
    nodes.Compare: Expressions._compare,
    nodes.And: Expressions._and,
    nodes.Or: Expressions._or,
    nodes.Not: Expressions._not,
    nodes.CondExpr: Expressions._choice,
    nodes.Concat: Expressions._concat,
    nodes.List: Expressions._list,
    nodes.Tuple: Expressions._tuple,
    nodes.Dict: Expressions._dict,
    **dict.fromkeys(
        (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow),
        Expressions._binary,
    ),
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": lambda left, right: left in right,
    "notin": lambda left, right: left not in right,
}
# Names that mean something of their own to Jinja, somewhere.
_SPECIAL = {"self", "super", "caller", "varargs", "kwargs"}
# Tests whose answer depends on the code that Jinja makes: in it, equal constants are one object.
_OF_CODE = {"sameas"}
# Constants above it may have no literal in that code: Python writes infinity as a name, and no integer this long.
_GREATEST = 1e300


def own_name(node: nodes.Node) -> str:
    """The name of a variable that means nothing special to Jinja; raises BeyondError."""
    if not isinstance(node, nodes.Name) or node.name in _SPECIAL:
        raise BeyondError
    return same_in_code(node.name)


def same_in_code(name: str) -> str:
    """A name that is the same in Python code, which takes some letters for others and `_loop_vars` for Jinja's.

    Raises BeyondError.
    """
    if not name.isascii() or name.startswith("_"):
        raise BeyondError
    return name
