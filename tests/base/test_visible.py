"""What is printed shows every character that a terminal would obey or hide."""

import json

import pytest
from kfp_gitops.base.visible import shown


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"),
        ("zwölf → ✓ 日本", "zwölf → ✓ 日本"),
        ("two\n\tlines", "two\n\tlines"),
        ("\x1b[32m+ added\x1b[0m", "\x1b[32m+ added\x1b[0m"),
        ("\x1b[8mhidden\x1b[2K\x1b]0;title\x07", "\\u001b[8mhidden\\u001b[2K\\u001b]0;title\\u0007"),
        ("over\rwritten\x9b2K\x7f", "over\\rwritten\\u009b2K\\u007f"),
        ("\u202egnp.exe\u2066 a\u200bb \ud800", "\\u202egnp.exe\\u2066 a\\u200bb \\ud800"),
    ],
)
def test_what_would_be_obeyed_is_shown(text: str, seen: str) -> None:
    assert shown(text) == seen


def test_json_stays_the_same_json() -> None:
    data = {"a\u202e": ["\x7f\U000e0041\x1b", "ü"]}
    written = shown(json.dumps(data, ensure_ascii=False))
    assert json.loads(written) == data
    assert "\u202e" not in written
