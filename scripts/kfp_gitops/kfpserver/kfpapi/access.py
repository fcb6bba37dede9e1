"""Who we are to KFP: a token, cookies, a certificate authority, a proxy. Read again on every request."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import getproxies_environment, proxy_bypass

from kfp_gitops.base import redact
from kfp_gitops.base.errors import RemoteError, UsageError
from kfp_gitops.base.places import read_mounted


@dataclass(frozen=True)
class Access:
    """Where the credentials are; files are read again on every request, for projected tokens rotate.

    `token_file` is preferred to `token`. `cookies_file` holds the value of a Cookie header.
    """

    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    cookies_file: Path | None = None
    ca_file: Path | None = None

    def headers(self) -> dict[str, str]:
        """The request headers that say who we are.

        Raises:
            RemoteError: a file cannot be read (any more).
        """
        headers = {}
        token = _read(self.token_file) if self.token_file else self.token
        if token:
            redact.learn(token)
            headers["authorization"] = f"Bearer {token}"
        if self.cookies_file:
            headers["cookie"] = _read(self.cookies_file)
            redact.learn(headers["cookie"])
        return headers

    def secrets(self) -> list[str]:
        """The values that may never be shown; nothing when they cannot be read."""
        try:
            values = self.headers().values()
        except RemoteError:
            return []
        return [part for value in values for part in (value, value.removeprefix("Bearer "))]

    @property
    def described(self) -> str:
        """Where the credentials come from, for messages; never what they are."""
        names = [f"the token in {self.token_file}"] if self.token_file else []
        names += ["the token in KFP_TOKEN"] if self.token and not self.token_file else []
        names += [f"the cookies in {self.cookies_file}"] if self.cookies_file else []
        return " and ".join(names) or "no credentials"


def from_environment(
    environ: Mapping[str, str] = os.environ,
    *,
    token_file: Path | None = None,
    cookies_file: Path | None = None,
    ca_file: Path | None = None,
) -> Access:
    """Access by what was given, else by KFP_TOKEN, KFP_COOKIES_FILE and KFP_CA_FILE.

    KF_PIPELINES_SA_TOKEN_PATH is where KFP's own client looks for a projected service-account token.

    Raises:
        UsageError: a file that is named cannot be read, or what it holds cannot be a header.
    """
    token = environ.get("KFP_TOKEN", "").strip() or None
    projected = environ.get("KF_PIPELINES_SA_TOKEN_PATH")
    if token_file is None and token is None and projected:
        token_file = Path(projected)
    cookies_file = cookies_file or _path(environ.get("KFP_COOKIES_FILE"))
    ca_file = ca_file or _path(environ.get("KFP_CA_FILE"))
    found = Access(token, token_file, cookies_file, ca_file)
    _check(found)
    return found


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _check(access: Access) -> None:
    if access.ca_file and not access.ca_file.is_file():
        raise UsageError(f"{access.ca_file}: no such file; it shall hold the certificate authority (PEM)")
    try:
        headers = access.headers()
    except RemoteError as error:
        raise UsageError(str(error)) from None
    for name, value in headers.items():
        if not value.isprintable() or not value.isascii():
            raise UsageError(
                f"{access.described}: holds characters that the header {name} cannot have; write its value alone"
            )


def _read(path: Path) -> str:
    try:
        found = read_mounted(path).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise RemoteError(f"{path}: {reason}; the credentials for KFP shall stand there") from None
    if not found:
        raise RemoteError(f"{path}: is empty; the credentials for KFP shall stand there")
    return found


def proxy(host: str) -> str | None:
    """The proxy for a URL's host by HTTPS_PROXY, HTTP_PROXY and NO_PROXY, as curl reads them."""
    scheme, _, rest = host.partition("://")
    name = rest.partition("/")[0]
    return None if proxy_bypass(name) else getproxies_environment().get(scheme)
