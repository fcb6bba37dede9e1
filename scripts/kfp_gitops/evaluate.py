"""A template's text straight from its syntax tree.

Jinja makes Python of a template, and byte code of that, before it evaluates it; for a template that is evaluated once
this takes longer than all the rest. So what most templates keep to is evaluated here: texts, expressions, `if`, `for`,
and macros without defaults. All of it means what it means in Jinja, in whose environment and sandbox it is done. A
template that goes beyond this part is Jinja's, and so is one in which something goes wrong: Jinja words the errors.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import nodes
from jinja2.runtime import Context, LoopContext, Macro, new_context
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

Scope = dict[str, Any]  # names that the template itself has given: loop variables, arguments, macros
Expression = Callable[[Scope], Any]


class BeyondError(Exception):
    """The template uses what is not evaluated here."""


class _Output:
    """Pieces of text, `most` characters at most."""

    def __init__(self, most: int) -> None:
        self.pieces: list[str] = []
        self.left = most

    def add(self, piece: str) -> None:
        """Append; raises BeyondError when it becomes too long."""
        self.left -= len(piece)
        if self.left < 0:
            raise BeyondError
        self.pieces.append(piece)


Statement = Callable[[Scope, _Output], None]


def text(
    environment: SandboxedEnvironment, tree: nodes.Template, values: Mapping[str, Any], most: int
) -> str:
    """Evaluate a template to at most `most` characters. Raises BeyondError, or whatever goes wrong in it."""
    context = new_context(environment, None, {}, dict(values), globals=environment.globals)
    output = _Output(most)
    _Evaluation(environment, context, most).template(tree)({}, output)
    return "".join(output.pieces)


class _Evaluation:
    """Makes a function of every node, so that what is beyond is known before anything is evaluated."""

    def __init__(self, environment: SandboxedEnvironment, context: Context, most: int) -> None:
        self.environment = environment
        self.context = context
        self.most = most

    def template(self, tree: nodes.Template) -> Statement:
        """All of a template; macros are made at its top only, where they see no loop's variables."""
        return _one_after_another(
            [
                self._macro(node) if isinstance(node, nodes.Macro) else self._statement(node)
                for node in tree.body
            ]
        )

    def _body(self, body: Iterable[nodes.Node]) -> Statement:
        return _one_after_another([self._statement(node) for node in body])

    def _statement(self, node: nodes.Node) -> Statement:
        if type(node) not in _STATEMENTS:
            raise BeyondError
        return _STATEMENTS[type(node)](self, node)

    def _expression(self, node: nodes.Node) -> Expression:
        if type(node) not in _EXPRESSIONS:
            raise BeyondError
        return _EXPRESSIONS[type(node)](self, node)

    def _output(self, node: nodes.Output) -> Statement:
        finalize: Any = self.environment.finalize
        parts = [
            part.data if isinstance(part, nodes.TemplateData) else self._expression(part)
            for part in node.nodes
        ]

        def run(scope: Scope, output: _Output) -> None:
            for part in parts:
                output.add(part if isinstance(part, str) else str(finalize(part(scope))))

        return run

    def _if(self, node: nodes.If) -> Statement:
        branches = [(self._expression(each.test), self._body(each.body)) for each in (node, *node.elif_)]
        otherwise = self._body(node.else_)

        def run(scope: Scope, output: _Output) -> None:
            for test, body in branches:
                if test(scope):
                    return body(scope, output)
            return otherwise(scope, output)

        return run

    def _for(self, node: nodes.For) -> Statement:
        if node.recursive:
            raise BeyondError
        items, body, otherwise = self._expression(node.iter), self._body(node.body), self._body(node.else_)
        assign = _assignment(node.target)
        test = self._expression(node.test) if node.test else None
        undefined = self.environment.undefined

        def run(scope: Scope, output: _Output) -> None:
            chosen = items(scope)
            if test:
                chosen = (item for item in chosen if test({**scope, **assign(item)}))
            ran = False
            for item, loop in LoopContext(chosen, undefined):
                ran = True
                body({**scope, **assign(item), "loop": loop}, output)
            if not ran:
                otherwise(scope, output)

        return run

    def _macro(self, node: nodes.Macro) -> Statement:
        names: Any = tuple(
            _own_name(argument) for argument in node.args
        )  # Jinja's are a tuple, whatever it says
        if node.defaults or len(set(names)) < len(names) or node.name in self.context:
            raise BeyondError
        _plain(node.name)
        body = self._body(node.body)

        def run(scope: Scope, _: _Output) -> None:
            def call(*values: Any) -> str:
                if any(value is missing for value in values):  # not `in`: an undefined value refuses ==
                    raise BeyondError
                output = _Output(self.most)
                body({**scope, **dict(zip(names, values, strict=True))}, output)
                return "".join(output.pieces)

            scope[node.name] = Macro(self.environment, call, node.name, names, False, False, False, False)

        return run

    def _name(self, node: nodes.Name) -> Expression:
        name, resolve, undefined = (
            _own_name(node),
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
        get, of = self.environment.getattr, self._expression(node.node)
        return lambda scope: get(of(scope), node.attr)

    def _getitem(self, node: nodes.Getitem) -> Expression:
        get, of, at = self.environment.getitem, self._expression(node.node), self._expression(node.arg)
        return lambda scope: get(of(scope), at(scope))

    def _filter(self, node: nodes.Filter) -> Expression:
        if node.node is None or node.name not in self.environment.filters:
            raise BeyondError
        call, of, given = self.environment.call_filter, self._expression(node.node), self._arguments(node)
        return lambda scope: call(node.name, of(scope), *given(scope), self.context)

    def _test(self, node: nodes.Test) -> Expression:
        if node.name not in self.environment.tests or node.name in _OF_CODE:
            raise BeyondError
        call, of, given = self.environment.call_test, self._expression(node.node), self._arguments(node)
        return lambda scope: call(node.name, of(scope), *given(scope), self.context)

    def _call(self, node: nodes.Call) -> Expression:
        call, function, given = self.environment.call, self._expression(node.node), self._arguments(node)

        def run(scope: Scope) -> Any:
            called = function(scope)
            values, named = given(scope)
            return call(self.context, called, *values, **named)

        return run

    def _arguments(
        self, node: nodes.Call | nodes.Filter | nodes.Test
    ) -> Callable[[Scope], tuple[list[Any], dict[str, Any]]]:
        keywords: list[Any] = [*node.kwargs]
        if node.dyn_args or node.dyn_kwargs or len({_plain(each.key) for each in keywords}) < len(keywords):
            raise BeyondError
        values = [self._expression(each) for each in node.args]
        named = [(each.key, self._expression(each.value)) for each in keywords]
        return lambda scope: ([value(scope) for value in values], {key: value(scope) for key, value in named})

    def _compare(self, node: nodes.Compare) -> Expression:
        first = self._expression(node.expr)
        others = [(_COMPARISONS[each.op], self._expression(each.expr)) for each in node.ops]

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
        left, right = self._expression(node.left), self._expression(node.right)
        if node.operator in self.environment.intercepted_binops:
            call = self.environment.call_binop
            return lambda scope: call(self.context, node.operator, left(scope), right(scope))
        function = self.environment.binop_table[node.operator]
        return lambda scope: function(left(scope), right(scope))

    def _and(self, node: nodes.And) -> Expression:
        left, right = self._expression(node.left), self._expression(node.right)
        return lambda scope: left(scope) and right(scope)

    def _or(self, node: nodes.Or) -> Expression:
        left, right = self._expression(node.left), self._expression(node.right)
        return lambda scope: left(scope) or right(scope)

    def _not(self, node: nodes.Not) -> Expression:
        of = self._expression(node.node)
        return lambda scope: not of(scope)

    def _choice(self, node: nodes.CondExpr) -> Expression:
        if node.expr2 is None:
            raise BeyondError
        test, one, other = map(self._expression, (node.test, node.expr1, node.expr2))
        return lambda scope: one(scope) if test(scope) else other(scope)

    def _concat(self, node: nodes.Concat) -> Expression:
        parts = [self._expression(each) for each in node.nodes]
        return lambda scope: "".join([str(part(scope)) for part in parts])

    def _list(self, node: nodes.List) -> Expression:
        items = [self._expression(each) for each in node.items]
        return lambda scope: [item(scope) for item in items]

    def _tuple(self, node: nodes.Tuple) -> Expression:
        items = [self._expression(each) for each in node.items]
        return lambda scope: tuple(item(scope) for item in items)

    def _dict(self, node: nodes.Dict) -> Expression:
        items = [(self._expression(pair.key), self._expression(pair.value)) for pair in node.items]
        return lambda scope: {key(scope): value(scope) for key, value in items}


_STATEMENTS: dict[type[nodes.Node], Callable[[_Evaluation, Any], Statement]] = {
    nodes.Output: _Evaluation._output,
    nodes.If: _Evaluation._if,
    nodes.For: _Evaluation._for,
}
_EXPRESSIONS: dict[type[nodes.Node], Callable[[_Evaluation, Any], Expression]] = {
    nodes.Name: _Evaluation._name,
    nodes.Const: _Evaluation._const,
    nodes.Getattr: _Evaluation._getattr,
    nodes.Getitem: _Evaluation._getitem,
    nodes.Filter: _Evaluation._filter,
    nodes.Test: _Evaluation._test,
    nodes.Call: _Evaluation._call,
    nodes.Compare: _Evaluation._compare,
    nodes.And: _Evaluation._and,
    nodes.Or: _Evaluation._or,
    nodes.Not: _Evaluation._not,
    nodes.CondExpr: _Evaluation._choice,
    nodes.Concat: _Evaluation._concat,
    nodes.List: _Evaluation._list,
    nodes.Tuple: _Evaluation._tuple,
    nodes.Dict: _Evaluation._dict,
    **dict.fromkeys(
        (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow),
        _Evaluation._binary,
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


def _one_after_another(statements: list[Statement]) -> Statement:
    def run(scope: Scope, output: _Output) -> None:
        for statement in statements:
            statement(scope, output)

    return run


def _own_name(node: nodes.Node) -> str:
    if not isinstance(node, nodes.Name) or node.name in _SPECIAL:
        raise BeyondError
    return _plain(node.name)


def _plain(name: str) -> str:
    """A name that is the same in Python code, which takes some letters for others and `_loop_vars` for Jinja's."""
    if not name.isascii() or name.startswith("_"):
        raise BeyondError
    return name


def _assignment(target: nodes.Node) -> Callable[[Any], Scope]:
    """The variables of a loop, from an item: one name has it all, several have its parts."""
    parts = target.items if isinstance(target, nodes.Tuple) else [target]
    names = [_own_name(part) for part in parts]
    if "loop" in names:
        raise BeyondError
    if isinstance(target, nodes.Tuple):
        return lambda item: dict(zip(names, item, strict=True))
    return lambda item: {names[0]: item}
