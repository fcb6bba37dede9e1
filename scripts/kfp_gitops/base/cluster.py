"""Kubernetes, as far as this project looks at it: how it is reached, and its failures as ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import urllib3

from kfp_gitops.base import kubernetesclient, redact, replies, waiting
from kfp_gitops.base.errors import (
    AlreadyExistsError,
    DeniedError,
    GarbledError,
    NotFoundError,
    RemoteError,
    TemporaryError,
    TooLargeError,
    UsageError,
)

client, config = kubernetesclient.imported()
ApiException, ConfigException = client.ApiException, config.ConfigException

_RETRIED = frozenset({408, 429, 500, 502, 503, 504})
SECONDS = 15.0
"""For one request, from connecting to the last byte of its reply."""
_ANOTHER = (
    "is the server that KUBECONFIG names the Kubernetes API, and does nothing before it answer in its place?"
)
T = TypeVar("T")


def connect() -> Any:
    """A client of the cluster that this pod runs in, or that the kubeconfig names.

    Raises:
        UsageError: there is neither.
    """
    try:
        settings = client.Configuration()
        try:
            config.load_incluster_config(settings)
        except ConfigException:
            config.load_kube_config(client_configuration=settings)
    except (ConfigException, OSError, ValueError) as error:
        raise UsageError(
            f"no Kubernetes cluster: {_line(error)}; set KUBECONFIG, or run it in a pod with a service account"
        ) from None
    settings.retries = urllib3.Retry(False)
    found = client.ApiClient(settings)
    found.rest_client.pool_manager = replies.Requests(found.rest_client.pool_manager)
    return found


class Once:
    """Looks at one cluster; a cluster that did not answer once is not asked again, for each request has its seconds."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self._gone: TemporaryError | None = None

    def call(self, send: Callable[[], T]) -> T:
        """As the function `call`.

        Raises:
            RemoteError: as that; at once what it was before, where nobody answered.
        """
        if self._gone:
            raise self._gone
        try:
            return call(send)
        except TemporaryError as error:
            self._gone = error if error.pending else None
            raise


def call(send: Callable[[], T], seconds: float = SECONDS) -> T:
    """The boundary: what Kubernetes or the network answers, as our errors; all of it within so many seconds.

    What is read of the answer is read in `send`, too: the client makes an empty object of anybody's JSON.
    """
    try:
        with replies.within(seconds), waiting.on("the Kubernetes API", replies.left_of(seconds)):
            return send()
    except ApiException as error:
        raise _api_error(error) from None
    except replies.TooLarge as error:
        raise TooLargeError(f"Kubernetes: {error}; {_ANOTHER}") from None
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        what = f"answered what its API does not ({type(error).__name__})"
        raise GarbledError(f"Kubernetes: {what}; {_ANOTHER}") from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        said = redact.text(_line(error))
        raise TemporaryError(f"Kubernetes: {said}", pending=True) from None


def _api_error(error: Any) -> RemoteError:
    text = f"Kubernetes: HTTP {error.status}: {redact.text(_message(error))}"
    if error.status in (401, 403):
        return DeniedError(text, error.status)
    if error.status == 404:
        return NotFoundError(text)
    if error.status == 409:
        return AlreadyExistsError(text)
    return TemporaryError(text) if error.status in _RETRIED else RemoteError(text)


def _message(error: Any) -> str:
    try:
        return str(json.loads(error.body)["message"])[:500]
    except (ValueError, TypeError, KeyError):
        return str(error.reason)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
