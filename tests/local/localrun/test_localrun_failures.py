"""Failures, exit handlers, what runs after them, and parallelism."""
# ruff: noqa: T201 - the tasks write down what they received

from kfp import dsl
from localrun_kit import component, fail, run, status_of, text


@component
def timed(seconds: float):
    import time

    print("BEGIN", time.time())
    time.sleep(seconds)
    print("END", time.time())


@component
def fails_with_default(value: str = "the default"):
    import json

    print("RECEIVED", json.dumps(value))


def test_dependents_of_a_failed_task_do_not_run_but_others_do(tmp_path):
    def pipeline():
        failed = fail(value="now")
        after = text(value=failed.output)
        text(value=after.output)
        text(value="independent")

    done = run(pipeline, tmp_path)
    assert done.state == "FAILED"
    assert done.last() == {"fail": "FAILED", "text": "SKIPPED", "text-2": "SKIPPED", "text-3": "SUCCEEDED"}
    assert done.ran() == {"fail", "text-3"}
    assert done.of("text")[-1].error == "not run: fail did not succeed"
    assert done.outcome.error == "fail failed: exit code 1: ValueError: told to fail now"


def test_a_step_that_says_nothing_is_not_given_words(tmp_path):
    """What kfp's executor writes first is JSON, which ends with a brace."""

    @component
    def silent(big: str):
        import sys

        sys.exit(1)

    def pipeline():
        silent(big="x" * 10_000)

    assert run(pipeline, tmp_path).outcome.error == "silent failed: exit code 1: it wrote nothing"


def test_the_last_line_with_a_word_in_it_is_the_reason(tmp_path):
    @component
    def talks():
        import sys

        print("No such table: sales\n}\n\n---")
        sys.exit(2)

    def pipeline():
        talks().set_retry(1, backoff_duration="0s")

    done = run(pipeline, tmp_path)
    assert done.outcome.error == "talks failed: exit code 2: No such table: sales"


def test_what_looks_like_kfps_own_words_and_is_too_deep_to_read_is_the_steps(tmp_path):
    @component
    def deep():
        import sys

        print("Got executor_input:\n" + "[" * 100_000)
        print("No such table: sales")
        sys.exit(1)

    def pipeline():
        deep()

    assert run(pipeline, tmp_path).outcome.error == "deep failed: exit code 1: No such table: sales"


def test_what_an_attempt_said_is_not_the_reason_of_the_next(tmp_path):
    @component
    def once(mark: str):
        import sys
        from pathlib import Path

        if not Path(mark).exists():
            Path(mark).touch()
            print("No such table: sales")
        sys.exit(1)

    def pipeline(mark: str):
        once(mark=mark).set_retry(1, backoff_duration="0s")

    done = run(pipeline, tmp_path, mark=str(tmp_path / "mark"))
    assert [event.error for event in done.of("once")] == [
        "",
        "attempt 1 failed: exit code 1: No such table: sales",
        "exit code 1: it wrote nothing",
    ]


def test_exit_task_is_told_of_success(tmp_path):
    def pipeline(value: str = "v"):
        with dsl.ExitHandler(status_of(value=value), name="body"):
            text(value=value)

    done = run(pipeline, tmp_path)
    assert done.state == "SUCCEEDED"
    assert done.received("status-of") == ["SUCCEEDED", "exit-handler-1", None, "test-run-1", "v"]
    assert done.of("exit-handler-1")[0].display_name == "body"


def test_exit_task_runs_after_a_failure_and_is_told_of_it(tmp_path):
    def pipeline():
        with dsl.ExitHandler(status_of()):
            text(value=fail().output)

    done = run(pipeline, tmp_path)
    assert done.state == "FAILED"
    state, name, message, _, _ = done.received("status-of")
    assert (state, name) == ("FAILED", "exit-handler-1")
    assert message == "fail failed: exit code 1: ValueError: told to fail"
    assert done.ran() == {"exit-handler-1/fail", "status-of"}


def test_failing_exit_task_fails_the_run(tmp_path):
    def pipeline():
        with dsl.ExitHandler(fail()):
            text()

    assert run(pipeline, tmp_path).state == "FAILED"


def test_ignore_upstream_failure_runs_with_the_default(tmp_path):
    def pipeline():
        failed = fail()
        fails_with_default(value=failed.output).ignore_upstream_failure()

    done = run(pipeline, tmp_path)
    assert done.received("fails-with-default") == "the default"
    assert done.state == "FAILED"


def test_independent_tasks_overlap(tmp_path):
    def pipeline():
        timed(seconds=1.0)
        timed(seconds=1.0)

    done = run(pipeline, tmp_path, workers=2)
    first, second = (
        (done.received(name, "BEGIN"), done.received(name, "END")) for name in ("timed", "timed-2")
    )
    assert first[0] < second[1]
    assert second[0] < first[1]


def test_one_worker_runs_one_task_at_a_time(tmp_path):
    def pipeline():
        timed(seconds=0.05)
        timed(seconds=0.05)

    done = run(pipeline, tmp_path, workers=1)
    spans = sorted(
        (done.received(name, "BEGIN"), done.received(name, "END")) for name in ("timed", "timed-2")
    )
    assert spans[0][1] <= spans[1][0]


def test_after_keeps_the_order_without_data(tmp_path):
    def pipeline():
        first = timed(seconds=0.05)
        timed(seconds=0.0).after(first)

    done = run(pipeline, tmp_path)
    assert done.received("timed", "END") <= done.received("timed-2", "BEGIN")


def test_nothing_of_the_tasks_comes_to_our_output(tmp_path, capfd):
    def pipeline():
        text()
        fail()

    run(pipeline, tmp_path)
    assert capfd.readouterr() == ("", "")


def test_no_attempt_begins_later_than_argo_would_let_it(tmp_path):
    @component
    def slow():
        import time

        time.sleep(0.2)
        raise RuntimeError("broken")

    def pipeline():
        slow().set_retry(5, backoff_duration="3s", backoff_factor=1.0, backoff_max_duration="3s")

    done = run(pipeline, tmp_path)
    assert done.state == "FAILED"
    assert [event.attempt for event in done.of("slow") if event.state == "RUNNING"] == [1]
    assert "not tried again: that would be more than 3 s after the first attempt began" in done.outcome.error
