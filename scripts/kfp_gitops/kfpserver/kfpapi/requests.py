"""How requests are sent: pages, reads and writes that may be sent again.

Facts of the client (2.17): high-level methods print links and take no timeout, so the generated ones below them
are used; empty lists come as None.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from kfp_gitops.base import stopping
from kfp_gitops.base.errors import (
    AlreadyExistsError,
    GarbledError,
    NotFoundError,
    RemoteError,
    TooLargeError,
    UnclearError,
)
from kfp_gitops.kfpserver.kfpapi import access as accesses
from kfp_gitops.kfpserver.kfpapi import plausible
from kfp_gitops.kfpserver.kfpapi.access import Access
from kfp_gitops.kfpserver.kfpapi.budget import Budget
from kfp_gitops.kfpserver.kfpapi.retry import Backoff
from kfp_gitops.kfpserver.kfpapi.told import Told
from kfp_gitops.kfpserver.kfpapi.transport import Services
from kfp_gitops.kfpserver.kfpapi.writes import WRITES, Unclear, left_over
from kfp_gitops.kfpserver.ownership import same

T = TypeVar("T")
_PAGES = (200, 20, 1)
"""How many objects are asked for at once: the most that the server gives, and fewer where a reply is too large."""
_MOST_PAGES = 2_000
"""Of one list; a list that has no end has more."""


class Requests:
    """One KFP, one namespace; threads may share it.

    Reads are sent again while KFP does not answer; so are the writes that may be (`writes.WRITES`). The others are
    never sent again once they may have arrived.
    """

    def __init__(
        self,
        host: str,
        namespace: str,
        access: Access | None = None,
        backoff: Backoff | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.host = host.rstrip("/")
        self.namespace = namespace or None
        self.access = access or accesses.from_environment()
        """Who we are to it."""
        self.backoff = self._backoff = backoff or Backoff()
        then = f"; then tried for {self._backoff.patience:g} s more" if self._backoff.patience else ""
        self.budget = budget or Budget()
        """How long it may be spoken to."""
        self._client = Services(self.host, self.access, self.budget, then)
        self.service_account = ""
        """Whom runs and recurring runs that are made run as; "": whom KFP lets them by itself."""
        self.before_write: Callable[[], None] = lambda: None
        """Asked before each write, and before it is sent again; what it raises stops the write."""

    @property
    def sent(self) -> int:
        """How many requests it was asked so far."""
        return self._client.sent

    def _in_namespace(self) -> dict[str, str]:
        return {"namespace": self.namespace} if self.namespace else {}

    def _pages(self, items: str, list_page: Callable[..., Any], size: int = _PAGES[0]) -> Iterator[Any]:
        token, seen = "", set[str]()
        for _ in range(_MOST_PAGES):
            page = self._page(list_page, token, size)
            yield from self._rows(page, items)
            token = page.next_page_token or ""
            if not token:
                return
            if token in seen:
                raise GarbledError(f"{self.host}: gave the same page of {items} twice; {plausible.ANOTHER}")
            seen.add(token)
        raise GarbledError(
            f"{self.host}: gave {_MOST_PAGES} pages of {items} and no last one; {plausible.ANOTHER}"
        )

    def _rows(self, page: Any, items: str) -> list[Any]:
        found = getattr(page, items) or []
        if not isinstance(found, list) or not all(isinstance(row, Told) for row in found):
            raise GarbledError(f"{self.host}: gave no list of {items}; {plausible.ANOTHER}")
        return found

    def _page(self, list_page: Callable[..., Any], token: str, size: int) -> Any:
        sizes = (size, *(fewer for fewer in _PAGES if fewer < size))
        *larger, least = (partial(list_page, page_size=one, page_token=token) for one in sizes)
        for page in larger:
            try:
                return self._read(page)
            except TooLargeError:
                continue
        return self._read(least)

    def _read(self, call: Callable[[], Any]) -> Any:
        return self._backoff.call(lambda: understood(self.host, call))

    def _write(self, call: Callable[[], Any]) -> Any:
        self.before_write()
        with stopping.writing():
            return understood(self.host, call)

    def _repeat(self, write: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """A write that may be sent twice."""
        assert WRITES[write.__name__].then is Unclear.REPEAT
        return self._backoff.call(lambda: self._write(lambda: write(*args, **more)))

    def _once(self, write: Callable[..., Any], body: Any, made: Callable[[], Any]) -> Any:
        """A write that may not take effect twice: `made` looks for what it made.

        Raises:
            UnclearError: it may have taken effect, and KFP lists nothing.
        """
        row, name = WRITES[write.__name__], body.display_name
        assert row.then is Unclear.LOOK

        def unclear(error: RemoteError) -> UnclearError:
            left = left_over(row, name, self.host, self.namespace or "")
            return UnclearError(f"{error}; it is not sent again: {left}")

        return self._backoff.once(lambda: self._write(lambda: write(body)), made, unclear)

    def _gone(self, write: Callable[..., Any], *args: Any, **more: Any) -> None:
        """404 means that it is gone already, which is what we wanted."""
        try:
            self._repeat(write, *args, **more)
        except NotFoundError:
            return

    def _create(self, write: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """What was made; None for 409: somebody was first, be it our own request unheard, and that is fine."""
        try:
            return self._repeat(write, *args, **more)
        except AlreadyExistsError:
            return None


def by_name(found: Iterable[Any], names: Collection[str], name_of: Callable[[Any], str]) -> dict[str, Any]:
    """The objects that have these names to KFP, by the name that we ask for; one of exactly that name goes first."""
    wanted = {same(name): name for name in names}
    known: dict[str, Any] = {}
    for item in found:
        name = wanted.get(same(name_of(item) or ""))
        if name is not None and (name not in known or name_of(item) == name):
            known[name] = item
    return known


def there(found: T | None, host: str, what: str) -> T:
    if found is None:
        raise NotFoundError(f"{host}: {what} does not exist; run `python scripts/reconcile.py apply`")
    return found


def understood(host: str, call: Callable[[], Any]) -> Any:
    """The client makes its models of anything; what they cannot be made of is no reply of KFP."""
    try:
        return call()
    except (ValueError, TypeError, AttributeError, KeyError, ArithmeticError, RecursionError) as error:
        what = f"answered what KFP's API does not ({type(error).__name__})"
        raise GarbledError(f"{host}: {what}; {plausible.ANOTHER}") from error


def equals(key: str, value: str) -> str:
    return predicate("EQUALS", key, stringValue=value)


def among(key: str, values: Collection[str]) -> str:
    return predicate("IN", key, stringValues={"values": sorted(values)})


def predicate(operation: str, key: str, **value: Any) -> str:
    return json.dumps({"predicates": [{"operation": operation, "key": key, **value}]})
