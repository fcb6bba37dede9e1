"""What a task gives: files that are imported, outputs that are missing or cannot be read, and no start at all."""

import pytest
from kfp import dsl
from localrun_kit import component, read, run, text

pytestmark = pytest.mark.usefixtures("quick_tasks")


@component
def silent() -> str:
    return None


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_importer_of_a_local_path(tmp_path, prefix):
    source = tmp_path / "data.csv"
    source.write_text("imported")

    def pipeline(uri: str, label: str):
        made = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, metadata={"label": label, "n": 3})
        read(data=made.output)

    done = run(pipeline, tmp_path, uri=f"{prefix}{source}", label="x'y")
    assert done.received("read") == "imported"
    assert done.received("read", "METADATA") == {"label": "x'y", "n": 3}
    assert done.of("importer")[-1].kind == "importer"


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("gs://bucket/x", "not on this machine"),
        ("/does/not/exist", "does not exist; give its parameter the whole path"),
        ("not/there.csv", "not/there.csv where the run is; give its parameter the whole path"),
    ],
)
def test_importer_of_what_is_not_here_fails_with_the_reason(tmp_path, uri, why):
    def pipeline(uri: str):
        made = dsl.importer(artifact_uri=text(value=uri).output, artifact_class=dsl.Dataset)
        read(data=made.output)

    done = run(pipeline, tmp_path, uri=uri)
    assert done.last() == {"text": "SUCCEEDED", "importer": "FAILED", "read": "SKIPPED"}
    assert why in done.outcome.error
    (log,) = tmp_path.rglob("importer.log")
    assert why in log.read_text("utf-8")


def test_missing_output_fails_the_task(tmp_path):
    def pipeline():
        silent()

    done = run(pipeline, tmp_path)
    assert done.outcome.error == "silent failed: it did not write its output 'Output'"


@pytest.mark.parametrize("written", ["float('nan')", "'x'", "[1"])
def test_output_that_cannot_be_read_fails_the_task(tmp_path, written):
    @component
    def writes(written: str, number: dsl.OutputPath(float)):
        from pathlib import Path

        Path(number).write_text(written)

    def pipeline(written: str):
        writes(written=written)

    done = run(pipeline, tmp_path, written=written)
    assert done.state == "FAILED"
    assert "its outputs cannot be read" in done.outcome.error
    assert done.of("writes")[-1].log == "logs/writes.log"


def test_value_that_no_command_line_can_hold_fails_the_task_with_the_reason(tmp_path):
    def pipeline(value: str):
        text(value=value)

    done = run(pipeline, tmp_path, value="x" * 200_000)
    assert "it cannot be started" in done.outcome.error
