"""Loops and `dsl.Collected`."""

import pytest
from kfp import dsl
from localrun_kit import component, fail, listing, number, read, read_all, run, text, write

pytestmark = pytest.mark.usefixtures("quick_tasks")


def test_loop_over_a_task_output(tmp_path):
    def pipeline():
        made = listing(value=["a", "b's"])
        with dsl.ParallelFor(made.output) as item:
            text(value=item)

    done = run(pipeline, tmp_path)
    assert [done.received(f"for-loop-1/{i}/text") for i in range(2)] == ["a", "b's"]
    assert done.last()["for-loop-1/1"] == "SUCCEEDED"
    assert [event.kind for event in done.of("for-loop-1/1")] == ["iteration", "iteration"]


def test_loop_over_a_list_of_dicts_with_a_condition_on_a_field(tmp_path):
    def pipeline(rows: list = [{"label": "x", "n": 1}, {"label": "y", "n": 2}]):  # noqa: B006
        with dsl.ParallelFor(rows) as row, dsl.If(row.label == "y"):
            text(value=row.label)

    done = run(pipeline, tmp_path)
    assert done.ran() == {"for-loop-1/1/condition-2/text"}
    assert done.received("for-loop-1/1/condition-2/text") == "y"


def test_static_list_of_dicts_gives_each_field_with_its_type(tmp_path):
    def pipeline():
        with dsl.ParallelFor([{"a": 1, "b": 7}, {"a": 2, "b": 8}]) as item:
            number(value=item.a)
            number(value=item.b)

    done = run(pipeline, tmp_path)
    received = [
        (done.received(f"for-loop-2/{i}/number"), done.received(f"for-loop-2/{i}/number-2")) for i in (0, 1)
    ]
    assert received == [(1, 7), (2, 8)]
    assert all(isinstance(each, int) for pair in received for each in pair)


def test_item_of_another_type_is_its_json_text_as_in_the_backend(tmp_path):
    def pipeline(rows: list):
        with dsl.ParallelFor(rows) as item:
            text(value=item)

    done = run(pipeline, tmp_path, rows=[1, 2.5, True, {"b": 1, "a": "é"}])
    assert [done.received(f"for-loop-1/{i}/text") for i in range(4)] == [
        "1",
        "2.5",
        "true",
        '{"a":"é","b":1}',
    ]


def test_collected_parameters_and_artifacts_keep_the_order(tmp_path):
    def pipeline():
        with dsl.ParallelFor([3, 1, 2]) as item:
            made = number(value=item)
            text(value=f"n{item}")
            stored = write(value=f"{made.output}!")
        listing(value=dsl.Collected(made.output))
        read_all(data=dsl.Collected(stored.outputs["data"]))

    done = run(pipeline, tmp_path)
    assert done.received("listing") == [3, 1, 2]
    assert done.received("read-all") == ["3!", "1!", "2!"]
    assert done.received("for-loop-2/2/text") == "n2"


def test_collected_of_an_empty_list_is_empty(tmp_path):
    def pipeline(items: list):
        with dsl.ParallelFor(items) as item:
            made = text(value=item)
            stored = write(value=item)
        listing(value=dsl.Collected(made.output))
        read_all(data=dsl.Collected(stored.outputs["data"]))

    done = run(pipeline, tmp_path, items=[])
    assert done.state == "SUCCEEDED"
    assert (done.received("listing"), done.received("read-all")) == ([], [])


def test_nested_loops_collect_into_one_list_as_in_the_backend(tmp_path):
    def pipeline(letters: list = ["a", "b"]):  # noqa: B006
        with dsl.ParallelFor(letters), dsl.ParallelFor([1, 2]) as digit:
            made = number(value=digit)
        listing(value=dsl.Collected(made.output))

    assert run(pipeline, tmp_path).received("listing") == [1, 2, 1, 2]


def test_nested_loops_see_both_items(tmp_path):
    @component
    def pair(letter: str, digit: int) -> str:
        return f"{letter}{digit}"

    def pipeline(letters: list = ["a", "b"]):  # noqa: B006
        with dsl.ParallelFor(letters) as letter, dsl.ParallelFor([1, 2]) as digit:
            made = pair(letter=letter, digit=digit)
        listing(value=dsl.Collected(made.output))

    assert run(pipeline, tmp_path).received("listing") == ["a1", "a2", "b1", "b2"]


def test_nested_loops_by_a_sub_pipeline(tmp_path):
    """kfp 2.17 compiles references into nothing when an f-string in an inner loop uses the outer item."""

    @dsl.pipeline
    def inner(letter: str, digits: list):
        with dsl.ParallelFor(digits) as digit:
            text(value=f"{letter}{digit}")

    def pipeline(letters: list = ["a", "b"], digits: list = [1, 2]):  # noqa: B006
        with dsl.ParallelFor(letters) as letter:
            inner(letter=letter, digits=digits)

    done = run(pipeline, tmp_path)
    found = {done.received(f"for-loop-1/{i}/inner/for-loop-1/{j}/text") for i in range(2) for j in range(2)}
    assert found == {"a1", "a2", "b1", "b2"}


def test_parallelism_limit_is_kept(tmp_path):
    def pipeline():
        with dsl.ParallelFor([1, 2, 3], parallelism=1) as item:
            number(value=item)

    done = run(pipeline, tmp_path, workers=3)
    states = [
        (event.task_id, event.state) for event in done.events if getattr(event, "kind", "") == "iteration"
    ]
    assert states == [(f"for-loop-2/{i}", state) for i in range(3) for state in ("RUNNING", "SUCCEEDED")]


def test_loop_over_artifacts(tmp_path):
    @dsl.pipeline
    def two() -> list[dsl.Dataset]:
        with dsl.ParallelFor(["a", "b"]) as item:
            made = write(value=item)
        return dsl.Collected(made.outputs["data"])

    def pipeline():
        made = two()
        with dsl.ParallelFor(made.output) as artifact:
            read(data=artifact)

    done = run(pipeline, tmp_path)
    assert [done.received(f"for-loop-1/{i}/read") for i in range(2)] == ["a", "b"]
    assert any("loop over artifacts" in warning for warning in done.warnings())


def test_a_failed_iteration_fails_the_loop_and_not_the_other_iterations(tmp_path):
    def pipeline():
        with dsl.ParallelFor(["a", "b"]) as item:
            with dsl.If(item == "a"):
                fail(value=item)
            text(value=item)

    done = run(pipeline, tmp_path)
    assert done.state == "FAILED"
    assert done.last()["for-loop-2/0"] == "FAILED"
    assert done.last()["for-loop-2/1"] == "SUCCEEDED"
    assert done.last()["for-loop-2/0/text"] == "SUCCEEDED"


def test_collecting_an_output_that_an_iteration_did_not_make_fails_the_consumer(tmp_path):
    def pipeline():
        with dsl.ParallelFor([1, 2]) as item, dsl.If(item == 1):
            made = number(value=item)
        listing(value=dsl.Collected(made.output))

    done = run(pipeline, tmp_path)
    assert done.last()["listing"] == "FAILED"
    assert "has no output" in done.of("listing")[-1].error
    assert "listing" not in done.ran()
