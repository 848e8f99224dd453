"""What a plan holds in memory: so much for each row, and an absurd value not many times over."""

import csv
import json
import tracemalloc

import pytest
from trueup.model.document import write
from trueup.pipeline import plan

from tests.bench.million import opened, write_files

PER_ROW = 2_400
"""Bytes for a subscription with its license change, its record and its link."""

ABSURD = 1_000_000


@pytest.fixture(scope="module", autouse=True)
def _kept_for_all_plans(tmp_path_factory):
    """What is kept for all plans is there before memory is measured."""
    folder = tmp_path_factory.mktemp("first")
    write_files(folder, 20)
    peak(folder, 20)


def peak(folder, count):
    """Returns the bytes that planning and saving take at most."""
    tracemalloc.start()
    try:
        project, world = opened(folder, count)
        with (folder / "plan.json").open("wb+") as file:
            write(plan(project, world), file)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_each_row_takes_so_much_memory_and_no_more(tmp_path):
    peaks = {}
    for count in (400, 4_000):
        (tmp_path / str(count)).mkdir()
        write_files(tmp_path / str(count), count)
        peaks[count] = peak(tmp_path / str(count), count)

    assert (peaks[4_000] - peaks[400]) / 3_600 < PER_ROW


@pytest.mark.parametrize(
    ("table_name", "column"),
    [("subscription", "name"), ("account", "name"), ("account", "id"), ("account", "country")],
)
def test_a_value_of_a_megabyte_takes_a_few_times_its_size(tmp_path, table_name, column):
    """Also a name that the labels of other rows contain."""
    write_files(tmp_path, 200)
    table = tmp_path / f"{table_name}.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = [
            {name: value or None for name, value in row.items()} for row in csv.DictReader(file)
        ]
    table.unlink()
    peaks = []
    for length in (10, ABSURD):
        rows[0][column] = "x" * length
        table.with_suffix(".json").write_text(json.dumps({"value": rows}), encoding="utf-8")
        peaks.append(peak(tmp_path, 200))

    assert peaks[1] - peaks[0] < 10 * ABSURD
