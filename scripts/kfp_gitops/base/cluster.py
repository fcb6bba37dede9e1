"""Kubernetes, as far as this project looks at it: how it is reached, and its failures as ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException

from kfp_gitops.base import redact
from kfp_gitops.base.errors import (
    AlreadyExistsError,
    DeniedError,
    NotFoundError,
    RemoteError,
    TemporaryError,
    UsageError,
)

_RETRIED = frozenset({408, 429, 500, 502, 503, 504})
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
    return client.ApiClient(settings)


def call(send: Callable[[], T]) -> T:
    """The boundary: what Kubernetes or the network answers, as our errors."""
    try:
        return send()
    except ApiException as error:
        raise _api_error(error) from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise TemporaryError(f"Kubernetes: {redact.text(_line(error))}") from None


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
