"""The policy's patterns for secrets, with detect-secrets as judge; and what they take for none."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from detect_secrets.plugins import (
    aws,
    azure_storage_key,
    basic_auth,
    github_token,
    gitlab_token,
    jwt,
    npm,
    openai,
    private_key,
    pypi_token,
    sendgrid,
    slack,
    square_oauth,
    stripe,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kfp_gitops.review import policy
from project import PROJECT

(CHECK,) = (check for check in policy.read(PROJECT).checks if check.id == "secret-in-variable")
# Not among them: entropy and names in source code (the check looks at names itself), and what is no secret or what
# many other texts look like (addresses, Twilio's SID, Artifactory's `APA…`, Mailchimp's digest with `-us1`).
DETECTORS = (
    aws.AWSKeyDetector,
    azure_storage_key.AzureStorageKeyDetector,
    basic_auth.BasicAuthDetector,
    github_token.GitHubTokenDetector,
    gitlab_token.GitLabTokenDetector,
    jwt.JwtTokenDetector,
    npm.NpmDetector,
    openai.OpenAIDetector,
    private_key.PrivateKeyDetector,
    pypi_token.PypiTokenDetector,
    sendgrid.SendGridDetector,
    slack.SlackDetector,
    square_oauth.SquareOAuthDetector,
    stripe.StripeDetector,
)


def _is_secret(text: str) -> bool:
    return not CHECK.validator.is_valid({"name": "TEXT", "value": text})


def _part(value: dict[str, str]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


# JSON Web Tokens are looked into by detect-secrets, so a text by the pattern alone is none.
_CLAIMS = st.dictionaries(st.sampled_from(["alg", "typ", "sub", "iss"]), st.text(max_size=9), min_size=1)
TOKENS = st.tuples(_CLAIMS.map(_part), _CLAIMS.map(_part), st.just("c2ln")).map(".".join)


def _kinds() -> Iterator[Any]:
    for detector in DETECTORS:
        for pattern in detector().denylist:
            if "aws." not in pattern.pattern:  # an assignment in source code: `aws_key = '…'`
                yield pytest.param(detector(), pattern, id=f"{detector.__name__}:{pattern.pattern[:30]}")


@pytest.mark.parametrize(("detector", "pattern"), [*_kinds()])
@settings(max_examples=30)
@given(data=st.data())
def test_what_detect_secrets_finds_is_found(
    detector: Any, pattern: re.Pattern[str], data: st.DataObject
) -> None:
    text = data.draw(
        TOKENS if isinstance(detector, jwt.JwtTokenDetector) else st.from_regex(pattern, fullmatch=True)
    )
    assume([*detector.analyze_string(text)])
    assert _is_secret(f"-----{text}" if text.startswith("BEGIN") else text)


# What it does not find, as of 1.5.0.
OURS = [
    "-----BEGIN ENCRYPTED PRIVATE KEY-----",
    "-----BEGIN ANY PRIVATE KEY-----",
    "postgres://user:p!w@db/name",
    "postgres://user:a+b$c@db/name",
    "xoxb-abcdefghij",
    "eyJhbGciOiJub25l.eyJ",
    "ghp_" + "a" * 36,
    "github_pat_" + "1A" * 20,
]


@pytest.mark.parametrize("text", OURS)
def test_what_it_does_not_find_is_found(text: str) -> None:
    assert _is_secret(f"see {text}")


@pytest.mark.parametrize(
    "text",
    [
        "global-forecasting-model-of-2026-with-weather",
        "glass-defects-image-classifier-v2",
        "task-runner-of-the-night-shift",
        "//registry.example.com/:_authToken=${NPM_TOKEN}",
        "https://login.example.com:8443/a@b",
        "sha256:" + "ab" * 32,
        "the line BEGIN PRIVATE KEY is missing",
        "eyJ is how the text begins",
    ],
)
def test_a_text_that_only_looks_alike_is_none(text: str) -> None:
    assert not _is_secret(text)


def test_nothing_that_the_documents_show_is_one() -> None:
    for path in (
        PROJECT / "README.md",
        *(PROJECT / "docs").rglob("*.md"),
        *(PROJECT / "templates").rglob("*.y*ml*"),
    ):
        found = [line for line in path.read_text("utf-8").splitlines() if _is_secret(line)]
        assert found == [], path
