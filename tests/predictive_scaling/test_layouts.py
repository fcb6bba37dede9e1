"""Usage in other tools' layouts: small files in the forms that those tools document, and the tidy table of each."""

import gzip
import json

import pandas as pd
import pytest
from layout_kit import Loading

AT = 1_767_571_200  # 2026-01-05T00:00:00Z
FIRST, SECOND = "2026-01-05T00:00:00Z", "2026-01-05T00:05:00Z"
MIB = 2**20


@pytest.fixture
def load(tmp_path, capsys):
    return Loading(tmp_path, capsys)


def wide(values, time=("1767571200000", "1767571500000")):
    return '"Time","checkout","{namespace=""shop"", service=""cart""}"\n' + "".join(
        f"{at},{','.join(map(str, row))}\n" for at, row in zip(time, values, strict=True)
    )


EXPECTED = [
    (FIRST, "cart", 0.25, 200.0 * MIB),
    (SECOND, "cart", 0.5, 200.0 * MIB),
    (FIRST, "checkout", 1.5, 100.0 * MIB),
    (SECOND, "checkout", 2.0, 100.0 * MIB),
]
CPU, MEMORY = [(1.5, 0.25), (2.0, 0.5)], [(100 * MIB, 200 * MIB)] * 2


def test_grafana_series_joined_by_time(load):
    assert load.rows(wide(CPU), "grafana", wide(MEMORY)) == EXPECTED


def test_grafana_for_excel_has_a_first_line_of_its_own(load):
    excel = "\ufeffsep=;\n" + wide(CPU).replace(",", ";").replace('shop""; ', 'shop"", ')
    assert load.rows(excel, "grafana", wide(MEMORY)) == EXPECTED


def test_grafana_times_without_a_zone_are_not_guessed(load):
    local = ("2026-01-05 01:00:00", "2026-01-05 01:05:00")
    assert "4 times have no zone: say it" in load.refusal(wide(CPU, local), "grafana", wide(MEMORY, local))
    berlin = "timestamp: {zone: Europe/Berlin}\n"
    assert load.rows(wide(CPU, local), "grafana", wide(MEMORY, local), berlin) == EXPECTED
    assert "IANA" in load.refusal(
        wide(CPU, local), "grafana", wide(MEMORY, local), "timestamp: {zone: Atlantis/City}\n"
    )


def test_grafana_formatted_values_are_told(load):
    formatted = wide([("100 MiB", "200 MiB")] * 2)
    assert "«Formatted data» off" in load.refusal(wide(CPU), "grafana", formatted)


def test_grafana_in_other_units(load):
    milli = wide([(1500, 250), (2000, 500)])
    mib = wide([(100, 200)] * 2)
    described = "cpu: {unit: millicores}\nmemory: {unit: MiB}\n"
    assert load.rows(milli, "grafana", mib, described) == EXPECTED


def test_grafana_merged_table(load):
    table = '"Time","service","Value #A","Value #B"\n' + "".join(
        f"{AT + 300 * at}000,{name},{cpu},{size}\n"
        for name, place, size in (("checkout", 0, 100 * MIB), ("cart", 1, 200 * MIB))
        for at, cpu in enumerate(row[place] for row in CPU)
    )
    assert load.rows(table, "grafana-table") == EXPECTED


def matrix(place, values, **more):
    result = [
        {
            "metric": {"namespace": "shop", "service": name},
            "values": [[AT + 300 * at, str(row[at_])] for at, row in enumerate(values)],
        }
        for at_, name in enumerate(("checkout", "cart"))
    ]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}, **more})


def test_prometheus_api(load):
    assert load.rows(matrix(0, CPU), "prometheus", matrix(0, MEMORY)) == EXPECTED
    packed = gzip.compress(matrix(0, CPU).encode())
    assert load.rows(packed, "prometheus", matrix(0, MEMORY)) == EXPECTED


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (matrix(0, CPU, warnings=["partial"]), "not whole"),
        (matrix(0, CPU, isPartial=True), "not whole"),
        (json.dumps({"status": "error", "error": "hunter2"}), "not the answer of a range query"),
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
    ],
)
def test_prometheus_answer_that_is_not_whole_is_refused(load, document, words):
    said = load.refusal(document, "prometheus", matrix(0, MEMORY))
    assert words in said
    assert "hunter2" not in said


def metric_data(status="Complete", times=("2026-01-05T00:05:00+00:00", "2026-01-05T00:00:00+00:00"), **more):
    """Newest first, as CloudWatch has it."""
    results = [
        {
            "Id": f"m{at}",
            "Label": label,
            "Timestamps": list(times),
            "Values": list(values),
            "StatusCode": status,
        }
        for at, (label, values) in enumerate(
            [
                ("checkout CpuUtilized", (2048, 1536)),
                ("cart CpuUtilized", (512, 256)),
                ("checkout MemoryUtilized", (100, 100)),
                ("cart MemoryUtilized", (200, 200)),
            ]
        )
    ]
    return json.dumps({"MetricDataResults": results, "Messages": [], **more})


MB = [(at, name, cpu, {"cart": 2e8, "checkout": 1e8}[name]) for at, name, cpu, _ in EXPECTED]


def test_cloudwatch_metric_data(load):
    assert load.rows(metric_data(), "cloudwatch-ecs") == MB
    assert load.rows(metric_data(times=(AT + 300, AT)), "cloudwatch-ecs") == MB


@pytest.mark.parametrize(
    "given", [{"status": "PartialData"}, {"NextToken": "x"}, {"status": "InternalError"}]
)
def test_cloudwatch_answer_that_is_not_whole_is_refused(load, given):
    assert "CloudWatch says that it is not whole" in load.refusal(metric_data(**given), "cloudwatch-ecs")


def test_cloudwatch_wants_its_unit_said(load):
    said = load.refusal(metric_data(), "cloudwatch")
    assert "cpu.unit: say its unit; there is cores, millicores" in said
    assert "memory.unit: say its unit; there is bytes" in said
    described = "cpu: {unit: percent, of: 2}\nmemory: {unit: percent, of: 4GiB}\n"
    rows = load.rows(metric_data(), "cloudwatch", described=described)
    assert rows[0] == (FIRST, "cart", 256 / 100 * 2, 200 / 100 * 4 * 2**30)


def statistics(label, values):
    points = [
        {"Timestamp": f"2026-01-05T00:0{5 * at}:00Z", "Average": value, "Unit": "Percent"}
        for at, value in enumerate(values)
    ]
    return json.dumps({"Label": label, "Datapoints": points[::-1]})


def test_cloudwatch_statistics(load):
    described = "service: {name: checkout}\ncpu: {unit: percent, of: 4}\nmemory: {unit: percent, of: 1GiB}\n"
    rows = load.rows(
        statistics("CPUUtilization", (37.5, 50)),
        "cloudwatch",
        statistics("MemoryUtilization", (50, 25)),
        described,
    )
    assert rows == [(FIRST, "checkout", 1.5, 0.5 * 2**30), (SECOND, "checkout", 2.0, 0.25 * 2**30)]


def test_cloudwatch_console(load):
    text = (
        "Label,checkout CpuUtilized,cart CpuUtilized,checkout MemoryUtilized,cart MemoryUtilized\n"
        "ID,m1,m2,m3,m4\n"
        "2026/01/05 00:00:00,1536,256,100,200\n"
        "2026/01/05 00:05:00,2048,512,100,200\n"
    )
    assert load.rows(text, "cloudwatch-ecs") == MB


def test_alibaba_containers_have_no_header(load):
    described = 'timestamp: {start: "2026-01-05T00:00:00Z"}\ncpu: {of: 4}\nmemory: {of: 8GiB}\n'
    rows = load.rows(
        "c_1,m_7,0,50,25,,,,,,\nc_1,m_7,300,25,50,,,,,,\n", "alibaba-2018-containers", described=described
    )
    assert rows == [(FIRST, "c-1", 2.0, 2.0 * 2**30), (SECOND, "c-1", 1.0, 4.0 * 2**30)]


def test_alibaba_machines(load):
    described = 'timestamp: {start: "2026-01-05T00:00:00Z"}\n'
    (row,) = load.rows("m_1932,300,10,50,,,43.04,33.08,4\n", "alibaba-2018-machines", described=described)
    assert row == (SECOND, "m-1932", pytest.approx(9.6), 256.0 * 2**30)


def test_alibaba_microservices_are_their_instances(load):
    text = (
        "timestamp,msname,msinstanceid,nodeid,cpu_utilization,memory_utilization\n"
        "0,MS_1,a,n,0.5,0.25\n0,MS_1,b,n,0.25,0.5\n60000,MS_1,a,n,0.5,0.5\n"
    )
    described = 'timestamp: {start: "2026-01-05T00:00:00Z"}\ncpu: {of: 8}\n'
    rows = load.rows(text, "alibaba-2021", described=described)
    assert rows == [
        (FIRST, "ms-1", 6.0, 0.5 * 2**30, 2),
        ("2026-01-05T00:01:00Z", "ms-1", 4.0, 0.5 * 2**30, 1),
    ]


def test_azure_has_no_memory(load):
    described = 'timestamp: {start: "2026-01-05T00:00:00Z"}\ncpu: {of: 4}\ncpu_max: {of: 4}\n'
    (row,) = load.rows("300,yNf/R3X8fyXkOJm3ihXQcT0F,1.5,60,25\n", "azure-2019", described=described)
    assert (row[0], row[1], row[2], row[4]) == (SECOND, "ynf-r3x8fyxkojm3ihxqct0f", 1.0, pytest.approx(2.4))
    assert pd.isna(row[3])


def test_borg_2019_tasks_are_summed_by_collection(load):
    text = (
        "start_time,end_time,collection_id,instance_index,average_usage.cpus,average_usage.memory,maximum_usage.cpus,"
        "maximum_usage.memory\n"
        "600000000,900000000,383,0,0.01,0.002,0.02,0.003\n600000000,900000000,383,1,0.03,0.004,0.05,0.006\n"
    )
    described = 'timestamp: {start: "2026-01-04T23:50:00Z"}\n'
    (row,) = load.rows(text, "borg-2019", described=described)
    assert row[:2] == (FIRST, "383")
    assert row[2:] == pytest.approx((0.04, 0.004 * 2**30, 0.07, 0.006 * 2**30, 2))


def test_borg_2011_has_no_header(load):
    line = (
        "600000000,900000000,3418309,0,4155527081,0.001562,0.06787,0.07568,0.001156,0.001503,0.06787,2.861e-06,"
        "0.0001869,0.03967,0.0003567,2.445,0.007243,0,1,0\n"
    )
    (row,) = load.rows(line, "borg-2011", described='timestamp: {start: "2026-01-04T23:50:00Z"}\n')
    assert row[:3] == (FIRST, "3418309", 0.001562)
