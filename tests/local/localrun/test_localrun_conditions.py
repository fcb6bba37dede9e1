"""Conditions and `dsl.OneOf`, most of which kfp.local's own walk skips silently or refuses to run."""

import pytest
from kfp import dsl
from localrun_kit import fraction, number, read, run, text, write

pytestmark = pytest.mark.usefixtures("quick_tasks")


def test_if_without_else_on_a_task_output_runs(tmp_path):
    def pipeline():
        made = text(value="yes")
        with dsl.If(made.output == "yes"):
            text(value=made.output)
        with dsl.If(made.output == "no"):
            text(value=made.output)

    done = run(pipeline, tmp_path)
    assert done.last() == {
        "text": "SUCCEEDED",
        "condition-1": "SUCCEEDED",
        "condition-1/text-2": "SUCCEEDED",
        "condition-2": "SKIPPED",
    }
    assert done.received("condition-1/text-2") == "yes"


@pytest.mark.parametrize(("value", "branch"), [(3.5, "condition-2/text"), (3, "condition-3/text-2")])
def test_float_against_int_constant_takes_the_right_branch(tmp_path, value, branch):
    def pipeline(value: float):
        made = fraction(value=value)
        with dsl.If(made.output > 3):
            text(value="more")
        with dsl.Else():
            text(value="not more")

    done = run(pipeline, tmp_path, value=value)
    assert done.ran() == {"fraction", f"condition-branches-1/{branch}"}


def test_string_with_a_quote_is_compared_as_it_is(tmp_path):
    def pipeline(value: str):
        with dsl.If(value == "plain"):
            text(value="equal")
        with dsl.Else():
            text(value=value)

    quoted = "it's \"quoted\" == 'plain' || true"
    done = run(pipeline, tmp_path, value=quoted)
    assert done.received("condition-branches-1/condition-3/text-2") == quoted


def test_branch_that_is_empty_ends_well(tmp_path):
    def pipeline(go: bool):
        with dsl.If(go == True):  # noqa: E712 - the DSL's way
            pass
        with dsl.Else():
            text(value="else")

    done = run(pipeline, tmp_path, go=True)
    assert done.state == "SUCCEEDED"
    assert done.ran() == set()
    assert done.last()["condition-branches-1/condition-2"] == "SUCCEEDED"
    assert done.last()["condition-branches-1/condition-3"] == "SKIPPED"


@pytest.mark.parametrize(("value", "taken"), [(1, "low"), (5, "middle"), (9, "high")])
def test_elif_and_one_of_parameters(tmp_path, value, taken):
    def pipeline(value: int) -> str:
        made = number(value=value)
        with dsl.If(made.output < 3):
            low = text(value="low")
        with dsl.Elif(made.output < 7):
            middle = text(value="middle")
        with dsl.Else():
            high = text(value="high")
        chosen = dsl.OneOf(low.output, middle.output, high.output)
        text(value=chosen)
        return chosen

    done = run(pipeline, tmp_path, value=value)
    assert done.received("text-4") == taken
    assert done.outcome.parameters == {"Output": taken}
    assert len(done.ran()) == 3


@pytest.mark.parametrize(("value", "content"), [("a", "from if"), ("b", "from else")])
def test_one_of_artifacts(tmp_path, value, content):
    def pipeline(value: str):
        with dsl.If(value == "a"):
            first = write(value="from if")
        with dsl.Else():
            second = write(value="from else")
        read(data=dsl.OneOf(first.outputs["data"], second.outputs["data"]))

    done = run(pipeline, tmp_path, value=value)
    assert done.received("read") == content


def test_nested_conditions(tmp_path):
    def pipeline(a: int, b: str):
        with dsl.If(a >= 1):
            with dsl.If(b != "x"):
                text(value="inner")
            text(value="outer")

    assert run(pipeline, tmp_path / "1", a=1, b="x").ran() == {"condition-1/text-2"}
    assert run(pipeline, tmp_path / "2", a=1, b="y").ran() == {
        "condition-1/text-2",
        "condition-1/condition-2/text",
    }
    assert run(pipeline, tmp_path / "3", a=0, b="y").ran() == set()


def test_condition_on_an_unset_optional_parameter_fails_the_group_not_the_program(tmp_path):
    def pipeline(value: str = None):  # noqa: RUF013 - as people write it
        with dsl.If(value == "x"):
            text()

    done = run(pipeline, tmp_path)
    assert (done.state, done.last()) == ("FAILED", {"condition-1": "FAILED"})
    assert "null" in done.outcome.error
