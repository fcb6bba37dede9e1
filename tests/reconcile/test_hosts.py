"""The URL of a KFP API that there cannot be is bad usage, and no defect."""

from __future__ import annotations

import pytest
from kfp_gitops.base.errors import UsageError
from kfp_gitops.reconcile.hosts import checked_host


@pytest.mark.parametrize(
    "host", ["kfp:8888", "http://[kfp", "http://kfp:port", "http://kfp:888888", "http://:80", "http://kfp:0"]
)
def test_what_is_no_url_is_bad_usage(host: str) -> None:
    with pytest.raises(
        UsageError, match=r"is no URL of a KFP API; write one such as http://127\.0\.0\.1:8888"
    ):
        checked_host(host)


@pytest.mark.parametrize("host", ["http://[::1]:8888/", "https://kfp", "http://kfp.ns.svc:80/pipeline"])
def test_what_is_one_is_taken(host: str) -> None:
    assert checked_host(host) == host.rstrip("/")
