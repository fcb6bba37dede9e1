"""Jinja in a sandbox: strict, and a stranger's template can neither run code nor leave its folder."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from traceback import walk_tb
from types import CodeType
from typing import Any

from jinja2 import (
    BytecodeCache,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
    nodes,
)
from jinja2.bccache import Bucket
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.loaders import FunctionLoader
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kfp_gitops.base import bounds
from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.base.yamltext import parse_all
from kfp_gitops.language import cron, waits
from kfp_gitops.sources import placed, whence

MAX_OUTPUT = 2 * 1024 * 1024
_MAX_FACTOR = 10**15
_MOST_COMPILED = 500  # templates; one is some tens of KB
_MOST_FOLDERS = 32
_FILTERS = ("default", "indent", "items", "join", "length", "lower", "sort", "trim", "upper", "first", "last")
_GLOBALS = ("range", "namespace")
_RAW = "braces that are text stand between {% raw %} and {% endraw %}"
# What JSON may hold as it is, and YAML not, or some YAML only as a line break.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufffe\uffff]")
# What an expression on wrong data raises, besides what Jinja words itself; and the Python that Jinja makes of a
# template, which may be none (an argument twice, blocks too deep) or name what is not there (1e999 becomes `inf`).
_FAULTS = (
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
    SyntaxError,
    NameError,
)

# What the frames of a template have among their globals (jinja2/debug.py); the file that they name is its name.
_OF_JINJA = frozenset({"__jinja_template__", "__jinja_exception__"})


class _Compiled(BytecodeCache):
    """What templates were compiled to in this process: two environments, and both sides of a diff, have the same ones.

    The code hangs on a template's name and text (jinja2/compiler.py), and on the sandbox, which is always the same.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], CodeType] = OrderedDict()

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """What the code has in itself."""
        return f"{name}|{filename}"

    def get_source_checksum(self, source: str) -> str:
        """The text itself: of a digest somebody could make two."""
        return source

    def load_bytecode(self, bucket: Bucket) -> None:
        """Nothing if it is new."""
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """The oldest makes room."""
        if isinstance(bucket.code, CodeType):
            self._known[bucket.key, bucket.checksum] = bucket.code
            while len(self._known) > _MOST_COMPILED:
                self._known.popitem(last=False)


_COMPILED = _Compiled()


class _Sandbox(ImmutableSandboxedEnvironment):
    """Only a few filters and functions; `*`, `**` and `%` may not blow up memory; texts of data pass `placed.Puts`."""

    intercepted_binops = frozenset({"*", "**", "%"})
    puts: placed.Puts

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return placed.marked(super()._parse(source, name, filename), name or "")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not all(isinstance(side, int | float) for side in (left, right)):
            raise SecurityError(f"{operator} is allowed between two numbers only, and ** nowhere")
        if max(abs(left), abs(right)) > _MAX_FACTOR:  # a number of a million digits takes minutes to square
            raise SecurityError(f"{operator} of a number above {_MAX_FACTOR:.0e}")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Data is read by key; of methods only those that cannot grow a text."""
        if isinstance(obj, str) and attr not in {"startswith", "endswith", "split", "strip"}:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Jinja would let `format` through, in its own way, before it asks whether it is safe."""


def _plain(value: Any) -> Any:
    """Print data as YAML reads it: true, null and JSON rather than Python's True, None and repr."""
    return value if isinstance(value, str | Undefined) else _to_json(value)


def _to_json(value: Any) -> str:
    """The filter `tojson`; Jinja's own escapes for HTML and words an undefined value as a TypeError."""
    if isinstance(value, Undefined):
        str(value)  # raises what StrictUndefined has to say
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)  # YAML would take Infinity for a text
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _hours_apart(text: Any) -> float:
    """The filter `hours_apart`: from one firing of a cron to the next at most; 0 for one that fires once or never."""
    if isinstance(text, Undefined):
        str(text)
    try:
        hours = waits.longest(cron.parse(str(text))).total_seconds() / 3600
    except cron.CronError as error:
        raise ValueError(f"no cron: {error}") from error
    return round(hours, 4)


@lru_cache(maxsize=_MOST_FOLDERS)
def _of_folder(texts: tuple[tuple[str, str], ...]) -> _Sandbox:
    """What renders the templates of a folder: each of them is compiled once for all pipelines made from it."""
    found = dict(texts)
    sandbox = _Sandbox(
        loader=FunctionLoader(lambda name: (found[name], name, None) if name in found else None),
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,  # folding a template's constants takes longer than it saves
        finalize=_plain,
        bytecode_cache=_COMPILED,
    )
    sandbox.puts = placed.Puts()
    own = {"tojson": _to_json, "hours_apart": _hours_apart}
    own |= {placed.PUT: sandbox.puts.put, placed.PUT_EACH: sandbox.puts.put_each}
    sandbox.filters = {name: sandbox.filters[name] for name in _FILTERS} | own
    sandbox.globals = {name: sandbox.globals[name] for name in _GLOBALS}
    return sandbox


def _environment(texts: Mapping[str, str]) -> _Sandbox:
    """The same, as if nothing had been rendered yet: Jinja keeps what a template that is imported once came to."""
    sandbox = _of_folder(tuple(texts.items()))
    for template in sandbox.cache.values() if sandbox.cache else ():
        template._module = None  # a namespace in it may have been written to
    sandbox.puts.renew(None)
    return sandbox


def render(texts: Mapping[str, str], name: str, folder: str, context: Mapping[str, Any]) -> str:
    """Render one template of a folder; `include` and `import` reach that folder's templates alone.

    Raises:
        InputError: a syntax error, an undefined name, something that the sandbox forbids, or an evaluation that
            costs more time or memory than `bounds` allows.
    """
    try:
        with bounds.bounded(f"{folder}/{name}"):
            return _rendered(_environment(texts), name, folder, context)
    except TemplateSyntaxError as error:
        raise InputError([_problem(error, f"{folder}/{error.name or name}", error.lineno)]) from None
    except (TemplateError, *_FAULTS) as error:
        template, line = _place(error, name)
        raise InputError([_problem(error, f"{folder}/{template}", line)]) from None


def misspelt(texts: Mapping[str, str], folder: str) -> list[Problem]:
    """The templates of a folder that Jinja cannot read, whatever is put into them."""
    sandbox, found = _of_folder(tuple(texts.items())), []
    for name, text in texts.items():
        if not name.endswith(".j2"):
            continue
        try:
            sandbox.parse(text, name, name)
        except TemplateSyntaxError as error:
            found.append(_problem(error, f"{folder}/{name}", error.lineno))
        except RecursionError as error:
            found.append(_problem(error, f"{folder}/{name}", 1))
    return found


def as_read(texts: Mapping[str, str], name: str, folder: str, context: Mapping[str, Any]) -> str:
    """Render a template to YAML from which each text of the data is read as it is.

    Raises:
        InputError: as `render`; texts that are read as something else.
    """
    text = render(texts, name, folder, context)
    if _of_folder(tuple(texts.items())).puts.doubtful:
        raise_if_any(misread(texts, name, folder, context))
    return text


def misread(texts: Mapping[str, str], name: str, folder: str, context: Mapping[str, Any]) -> list[Problem]:
    """Texts of the data that a template puts into YAML, and that are read from there as something else.

    The template is one that `render` renders.
    """
    if placed.harmless(context):
        return []
    environment, words = _environment(texts), placed.Words()
    environment.puts.renew(words)
    with bounds.bounded(f"{folder}/{name}"), suppress(TemplateError, *_FAULTS):
        text = _rendered(environment, name, folder, context)
        return placed.misread(text, words, folder)
    return []  # what depends on a text that is not there


def _rendered(environment: _Sandbox, name: str, folder: str, context: Mapping[str, Any]) -> str:
    return _bounded(environment.get_template(name).generate(**context), f"{folder}/{name}")


def to_yaml(
    texts: Mapping[str, str], name: str, folder: str, context: Mapping[str, Any], note: str = ""
) -> str:
    """Render one template to YAML documents with stable bytes; its comments are for its own readers.

    Raises:
        InputError: as `render`, or what it renders to is no YAML; `note` says for what it was rendered.
    """
    text = render(texts, name, folder, context)
    path = f"{folder}/{name}"
    try:
        return dump_all([document.value for document in parse_all(text, path)])
    except InputError as error:
        raise whence.Shown(texts, name, folder, text, note or "rendered").error(error) from None


def _bounded(chunks: Any, path: str) -> str:
    text, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_OUTPUT:
            raise InputError.of(path, f"renders to more than {MAX_OUTPUT} characters", "bound its loops")
        text.append(chunk)
    return "".join(text)


def _place(error: BaseException, name: str) -> tuple[str, int]:
    """Jinja rewrites the traceback so that its last template frame has the template's line."""
    place = (name, 1)
    for frame, line in walk_tb(error.__traceback__):
        if not _OF_JINJA.isdisjoint(frame.f_globals):
            place = (frame.f_code.co_filename, line)
    return place


def _problem(error: BaseException, path: str, line: int) -> Problem:
    what = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    match error:
        case SyntaxError():
            what, todo = f"it compiles to no Python: {error.msg}", "name each argument once, and nest less"
        case SecurityError():
            todo = "templates read values; they run no code and reach no attributes"
        case TemplateNotFound():
            what, todo = (
                f"there is no template {what!r} in its folder",
                "include templates of the same folder only",
            )
        case TemplateSyntaxError():
            todo = f"correct the template's syntax; {_RAW}"
        case UndefinedError():
            todo = f"define it in values.yaml or base.yaml, or correct the name; {_RAW}"
        case _:
            todo = "correct the expression"
    return Problem(path, line, 1, f"template: {what}", todo)
