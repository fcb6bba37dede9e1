"""A template's text straight from its syntax tree.

Jinja makes Python of a template, and byte code of that, before it evaluates it; for a template that is evaluated once
this takes longer than all the rest. So what most templates keep to is evaluated here: texts, expressions, `if`, `for`,
and macros without defaults. All of it means what it means in Jinja, in whose environment and sandbox it is done. A
template that goes beyond this part is Jinja's, and so is one in which something goes wrong: Jinja words the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import nodes
from jinja2.runtime import LoopContext, Macro, new_context
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

from kfp_gitops.sources.expressions import BeyondError, Expressions, Scope, own_name, same_in_code


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
    _Statements(Expressions(environment, context), most).template(tree)({}, output)
    return "".join(output.pieces)


class _Statements:
    """Makes a function of every node, so that what is beyond is known before anything is evaluated."""

    def __init__(self, expressions: Expressions, most: int) -> None:
        self.expression = expressions.of
        self.environment = expressions.environment
        self.context = expressions.context
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

    def _output(self, node: nodes.Output) -> Statement:
        finalize: Any = self.environment.finalize
        parts = [
            part.data if isinstance(part, nodes.TemplateData) else self.expression(part)
            for part in node.nodes
        ]

        def run(scope: Scope, output: _Output) -> None:
            for part in parts:
                output.add(part if isinstance(part, str) else str(finalize(part(scope))))

        return run

    def _if(self, node: nodes.If) -> Statement:
        branches = [(self.expression(each.test), self._body(each.body)) for each in (node, *node.elif_)]
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
        items, body, otherwise = self.expression(node.iter), self._body(node.body), self._body(node.else_)
        assign = _assignment(node.target)
        test = self.expression(node.test) if node.test else None
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
        name = same_in_code(node.name)
        # A tuple, as in Jinja's code, whatever the type of it says.
        names: Any = tuple(own_name(argument) for argument in node.args)
        if node.defaults or len(set(names)) < len(names) or name in self.context:
            raise BeyondError
        body = self._body(node.body)

        def run(scope: Scope, _: _Output) -> None:
            def call(*values: Any) -> str:
                if any(value is missing for value in values):  # not `in`: an undefined value refuses ==
                    raise BeyondError
                output = _Output(self.most)
                body({**scope, **dict(zip(names, values, strict=True))}, output)
                return "".join(output.pieces)

            scope[name] = Macro(self.environment, call, name, names, False, False, False, False)

        return run


_STATEMENTS: dict[type[nodes.Node], Callable[[_Statements, Any], Statement]] = {
    nodes.Output: _Statements._output,
    nodes.If: _Statements._if,
    nodes.For: _Statements._for,
}


def _one_after_another(statements: list[Statement]) -> Statement:
    def run(scope: Scope, output: _Output) -> None:
        for statement in statements:
            statement(scope, output)

    return run


def _assignment(target: nodes.Node) -> Callable[[Any], Scope]:
    """The variables of a loop, from an item: one name has it all, several have its parts."""
    parts = target.items if isinstance(target, nodes.Tuple) else [target]
    names = [own_name(part) for part in parts]
    if "loop" in names:
        raise BeyondError
    if isinstance(target, nodes.Tuple):
        return lambda item: dict(zip(names, item, strict=True))
    return lambda item: {names[0]: item}
