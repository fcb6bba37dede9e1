"""Tables of usage as files: read, written, and refused when they are none."""

import gzip

import pandas as pd
import pytest
from predictive_scaling.base.errors import InputError
from predictive_scaling.usage import tables
from predictive_scaling.usage.tables import read_csv, read_table, write_table
from usage_data import clean, usage, write


def test_gzip_is_recognised_without_an_extension(tmp_path):
    plain = write(usage(days=1), tmp_path / "plain")
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress((tmp_path / "plain").read_bytes()))
    pd.testing.assert_frame_equal(read_csv(plain), read_csv(packed))


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b broken", b"\xff\xfe\x00\x00,\x81", b'a,b\n"1,2\n3'])
def test_unreadable_file_is_an_input_error(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InputError, match="file"):
        read_table(tmp_path / "file", ["timestamp"])


def test_columns_that_are_not_wanted_stay_in_the_file(tmp_path):
    write_table(clean(usage(days=1)), tmp_path / "table")
    found = read_table(tmp_path / "table", ["timestamp", "cpu"], only=True)
    assert list(found.columns) == ["timestamp", "cpu"]
    with pytest.raises(InputError, match="missing columns: disk"):
        read_table(tmp_path / "table", ["timestamp", "disk"], only=True)


def test_written_tables_are_equal_byte_for_byte_and_read_back(tmp_path):
    frame = clean(usage(days=1))
    for name in ("a", "b"):
        write_table(frame, tmp_path / name, compress=True)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    back = read_table(tmp_path / "a", ["timestamp", "cpu"])
    assert back["cpu"].tolist() == frame["cpu"].tolist()
    assert (back["timestamp"] == frame["timestamp"]).all()


@pytest.mark.parametrize("opened", [gzip.open, open])
def test_a_small_file_that_unpacks_to_a_large_one_is_refused_before_it_fills_the_memory(
    tmp_path, monkeypatch, opened
):
    path = tmp_path / "usage"
    head, row = b"timestamp,service,cpu,memory\n", b"2026-01-01T00:00:00Z,a,1,1\n"
    with opened(path, "wb") as file:
        file.write(head + row * 1000)
    monkeypatch.setattr(tables, "MAX_TEXT", len(head) + 1000 * len(row))
    assert len(read_csv(path)) == 1000
    monkeypatch.setattr(tables, "MAX_TEXT", len(head) + 1000 * len(row) - 1)
    with pytest.raises(InputError, match="MiB unpacked"):
        read_csv(path)
    monkeypatch.undo()
    monkeypatch.setattr(tables, "MAX_ROWS", 1000)
    assert len(read_csv(path)) == 1000
    monkeypatch.setattr(tables, "MAX_ROWS", 999)
    with pytest.raises(InputError, match="more than 999 rows"):
        read_csv(path)


def test_a_million_columns_are_no_usage_table(tmp_path):
    path = tmp_path / "usage"
    path.write_bytes(gzip.compress(b"timestamp,service" + b"," * 1_000_000 + b"\n"))
    with pytest.raises(InputError, match="first line of more than 64 KiB"):
        read_csv(path)
