"""Maps of layouts: what they describe, and every fault of one told at once."""

import pandas as pd
import pytest
from layout_kit import Loading
from predictive_scaling.__main__ import main
from predictive_scaling.usage.layouts.converting import convert, dns
from predictive_scaling.usage.layouts.mapping import known, mapped

AT, SECOND = 1_767_571_200, "2026-01-05T00:05:00Z"


@pytest.fixture
def load(tmp_path, capsys):
    return Loading(tmp_path, capsys)


def test_own_layout_is_described_by_a_map(load):
    text = "when|what|busy|rss\n1767571200|Shop Checkout|100|1048576\n1767571500|Shop Checkout|400|1048576\n"
    described = """
format: csv
separator: "|"
timestamp: {column: when}
service: {column: what}
cpu: {column: busy, unit: cores, counter: true}
memory: {column: rss, unit: KiB}
names: {Shop Checkout: checkout}
"""
    rows = load.rows(text, described=described)
    assert rows[1] == (SECOND, "checkout", 1.0, 2.0**30)
    assert pd.isna(rows[0][2])


def test_counter_that_begins_anew_is_not_known_there(load):
    text = "at,s,v,m\n1767571200,a,10,1e8\n1767571500,a,310,1e8\n1767571800,a,5,1e8\n1767572100,a,155,1e8\n"
    described = (
        "timestamp: {column: at}\nservice: {column: s}\n"
        "cpu: {column: v, unit: cores, counter: true}\nmemory: {column: m, unit: bytes}\n"
    )
    values = [row[2] for row in load.rows(text, described=described)]
    assert values[1::2] == [1.0, 0.5]
    assert pd.isna(values[0])
    assert pd.isna(values[2])


@pytest.mark.parametrize(
    ("described", "words"),
    [
        (
            "cpu: {column: v, unit: cores}\nservice: {name: a}\n",
            "timestamp.column: which column holds the time?",
        ),
        ("timestamp: {column: at}\nservice: {column: s}\n", "cpu or memory must be said"),
        (
            "timestamp: {column: at}\ncpu: {column: v, unit: horses}\nservice: {name: a}\n",
            "cpu.unit: say its unit",
        ),
        (
            "timestamp: {column: at}\ncpu: {column: v, unit: cores, kind: x}\nservice: {name: a}\n",
            "cpu.kind: unknown",
        ),
        (
            "timestamp: {column: at}\ncpu: {column: nowhere, unit: cores}\nservice: {name: a}\n",
            "not there: nowhere",
        ),
        (
            "timestamp: {column: at, unit: weeks}\ncpu: {column: v, unit: cores}\nservice: {name: a}\n",
            "timestamp.unit: must be",
        ),
        (
            "timestamp: {column: at, start: soon}\ncpu: {column: v, unit: cores}\nservice: {name: a}\n",
            "timestamp.start: 'soon'",
        ),
        (
            "timestamp: {column: at}\nmemory: {column: v, unit: percent, of: lots}\nservice: {name: a}\n",
            "memory.of: must be",
        ),
        (
            "service: {pattern: '('}\nformat: wide\ncpu: {unit: cores}\n",
            "service.pattern: must be a regular expression",
        ),
        ("format: parquet\n", "format: must be csv, wide"),
        ("a: [", "map.yaml:1:5: not YAML"),
        ("- a\n", "a map is a YAML mapping"),
        ("timestamp: at\ncpu: v\n", "timestamp: must be a mapping"),
    ],
)
def test_map_is_checked_whole(load, described, words):
    said = load.refusal("at,s,v\n1767571200,a,1\n", described=described)
    assert words in said


def test_two_names_that_become_one_are_told(load):
    text = "at,s,v\n1767571200,MS_1,1\n1767571200,ms-1,1\n"
    described = "timestamp: {column: at}\nservice: {column: s}\ncpu: {column: v, unit: cores}\n"
    assert "1 names become one, such as ms-1" in load.refusal(text, described=described)


def test_numbers_of_an_unknown_unit_are_not_guessed(load):
    text = "at,s,v\n300,a,1\n600,a,1\n"
    described = "timestamp: {column: at}\nservice: {column: s}\ncpu: {column: v, unit: cores}\n"
    assert "say timestamp.unit" in load.refusal(text, described=described)


def test_unknown_layout_names_those_that_there_are(load):
    said = load.refusal("", "nagios")
    assert all(name in said for name in known())


@pytest.mark.parametrize("name", sorted(set(known()) - {"cloudwatch"}))
def test_every_known_layout_is_a_sound_map(name):
    assert mapped(name, "").values


def test_validate_and_recommend_take_a_layout(load, tmp_path, capsys):
    stamps = range(AT, AT + 8 * 86_400, 300)
    lines = "".join(f"{at}000,{0.5 + at % 7 / 100}\n" for at in stamps)
    cpu = load.write("cpu", f'"Time","checkout"\n{lines}')
    memory = load.write("memory", '"Time","checkout"\n' + "".join(f"{at}000,104857600\n" for at in stamps))
    words = ["--layout", "grafana", "--input", cpu, "--memory-input", memory, "--now", "2026-01-13T00:00:00Z"]
    assert main(["validate", *words]) == 0
    assert "all 1 services pass" in capsys.readouterr().out


def test_memory_of_a_second_file_wants_a_layout(load, tmp_path):
    assert "say which by --layout" in load.refusal("timestamp,service,cpu,memory\n", memory="x")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("MS_1", "ms-1"), ("shop/checkout", "shop-checkout"), ("__", "unnamed"), ("A" * 70, "a" * 63)],
)
def test_names_become_dns_labels(name, expected):
    assert dns(name) == expected


def test_requests_and_queues_are_read_in_their_units(tmp_path):
    table = tmp_path / "in.csv"
    table.write_text("when,app,pod,cpu,mem,rpm,waiting\n2026-11-14T00:00:00Z,web,a,1,1e8,600,3\n"
                     "2026-11-14T00:00:00Z,web,b,2,2e8,1200,4\n")  # fmt: skip
    mapping = tmp_path / "map.yaml"
    mapping.write_text(
        "timestamp: {column: when}\nservice: {column: app}\ninstance: pod\ncpu: {column: cpu, unit: cores}\n"
        "memory: {column: mem, unit: bytes}\nrequests: {column: rpm, unit: per-minute}\nqueue: {column: waiting}\n"
    )
    assert convert(mapped("", str(mapping)), table, None, tmp_path / "out.csv.gz") == 1
    found = pd.read_csv(tmp_path / "out.csv.gz").iloc[0]
    assert (found["cpu"], found["memory"], found["requests"], found["queue"]) == (3, 2e8, 30, 7)
