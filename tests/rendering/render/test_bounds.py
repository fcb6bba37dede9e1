"""A stranger's template or schema may cost only so much, and is told so; never a traceback, never a hang."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from contextlib import suppress
from time import process_time

import pytest
from kfp_gitops.base import bounds, processes
from kfp_gitops.base.errors import InputError
from kfp_gitops.sources import templates

DOUBLING = (
    "{{% set ns = namespace(x={start}) %}}{{% for i in range(40) %}}"
    "{{% set ns.x = {step} %}}{{% endfor %}}{{{{ ns.x | length }}}}"
)


# Where the timer strikes in a callback of the garbage collector (hypothesis has one), Python tells it as
# unraisable; the timer strikes again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ 'a\\nb' | indent(2000000000) }}", "MB to evaluate; bound what it builds"),
        (DOUBLING.format(start="'aaaaaaaa'", step="ns.x ~ ns.x"), "MB to evaluate"),
        (DOUBLING.format(start="'aaaaaaaa'", step="ns.x + ns.x"), "MB to evaluate"),
        (DOUBLING.format(start="[1]", step="ns.x + ns.x"), "MB to evaluate"),
        ("{{ '%0999999999d' % 1 }}", "% is allowed between two numbers only"),
        (DOUBLING.format(start="9", step="ns.x * ns.x"), "* of a number above 1e+15"),
        (
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
            "s to evaluate; bound its loops",
        ),
        (
            "{% set x %}{% for i in range(99999) %}{% for j in range(99999) %}a{% endfor %}{% endfor %}{% endset %}",
            "to evaluate",
        ),
        ("{% macro m(n) %}{{ m(n + 1) }}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}", "recursion"),
    ],
)
def test_a_template_that_costs_too_much_is_bad_input(
    template: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds.bounded.__wrapped__, "__defaults__", (1.0, 256))
    with pytest.raises(InputError) as error:
        templates.render({"t": template}, "t", "folder", {})
    assert says in str(error.value)
    assert str(error.value).startswith("folder/t")


def test_the_bounds_end_with_the_body() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(InputError, match="takes more than 64 MB"), bounds.bounded("x", 5, 64):
        bytearray(2**28)
    assert (resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGVTALRM)) == before
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == signal.getitimer(signal.ITIMER_PROF) == (0, 0)
    bytearray(2**28)


class _Swallows:
    """As a finaliser does: what is raised in it goes nowhere."""

    def __del__(self) -> None:
        with suppress(BaseException):
            while True:
                pass


def test_a_bound_that_strikes_in_a_finaliser_strikes_again() -> None:
    with pytest.raises(InputError, match=r"^x: takes more than 0\.1 s"), bounds.bounded("x", 0.1):
        del (held := [_Swallows()])[0]
        while not held:
            pass


def test_a_pattern_that_takes_for_ever_is_stopped() -> None:
    import re

    with pytest.raises(InputError, match=r"^x: takes more than 0\.2 s"), bounds.bounded("x", 0.2):
        re.match(r"(a+)+$", "a" * 60 + "b")


STEP_FOR_EVER = """
from kfp_gitops.base import bounds, processes
bounds._UNHEARD = 0.3  # as it is, five seconds of a processor are burnt
one, other = [], []
for _ in range(60):
    one, other = [one, one], [other, other]
with bounds.bounded("x", 0.1):
    one == other
"""


def test_a_single_step_that_takes_for_ever_ends_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", STEP_FOR_EVER], timeout=60, check=False)
    assert ended.returncode == -signal.SIGPROF


def _burn(seconds: float) -> None:
    until = process_time() + seconds
    while process_time() < until:
        pass


def test_timers_that_stand_leave_each_body_its_own_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_AGAIN", 0.05)
    before = resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGVTALRM)
    with bounds.standing(0.3):
        for _ in range(4):
            with bounds.bounded("x"), bounds.bounded("y"):
                _burn(0.2)
        _burn(0.5)  # between two bodies nothing is bounded
        with pytest.raises(InputError, match=r"^x: takes more than 0\.3 s"), bounds.bounded("x"):
            _burn(20)
        with bounds.bounded("x"):
            _burn(0.1)
        with pytest.raises(InputError, match=r"^z: takes more than 1024 MB"), bounds.bounded("z"):
            bytearray(2**40)
    assert (resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGVTALRM)) == before
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == signal.getitimer(signal.ITIMER_PROF) == (0, 0)
    with pytest.raises(InputError, match=r"^x: takes more than 0\.1 s"), bounds.bounded("x", 0.1):
        _burn(20)


def test_timers_that_stand_strike_in_a_forked_process_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_AGAIN", 0.05)

    def slow(item: int) -> str:
        try:
            with bounds.bounded(f"item {item}"):
                _burn(0 if item % 4 else 20)
        except InputError as error:
            return str(error)
        return ""

    with bounds.standing(0.2):
        found = processes.spread(slow, range(8), 1)
    assert [text.split(":")[0] for text in found if text] == ["item 0", "item 4"]


STANDING_FOR_EVER = STEP_FOR_EVER.replace(
    'with bounds.bounded("x", 0.1):', 'with bounds.standing(0.1), bounds.bounded("x"):'
)


def test_a_step_that_takes_for_ever_ends_the_process_where_timers_stand() -> None:
    ended = subprocess.run([sys.executable, "-c", STANDING_FOR_EVER], timeout=60, check=False)
    assert ended.returncode == -signal.SIGPROF
