"""The benchmarks run: their figures are for `make bench`, but a renamed function is found here."""

import json
import shutil
from pathlib import Path

import pytest

from tests.bench import applies, desk, exports, million, plans, start, unchanged
from tests.bench.__main__ import measure
from tests.support.paths import EXAMPLES


def test_a_process_of_its_own_gives_the_figures_of_a_plan():
    figures = measure("plain", count=400, runs=1)

    assert figures["plan"] > 0
    assert figures["peak_mb"] > 0
    assert figures["changed"] == 4  # 1 % of the rows


@pytest.mark.parametrize(
    ("case", "figure"), [("shipped", "plan"), ("shipped-rules", "plan"), ("diffsync", "diff")]
)
def test_a_case_of_the_plan_has_figures(case, figure):
    assert plans.run(case, 400)[figure] > 0


def test_the_apply_has_a_ratio_to_its_bound(capsys):
    applies.main(changes=6)

    assert "6 changes" in capsys.readouterr().out


def test_an_export_is_padded_with_rows_of_their_own(tmp_path):
    folder = tmp_path / "work365"
    shutil.copytree(EXAMPLES / "work365", folder)

    size = sum(exports.pad(folder, 3e6))

    assert 2.9e6 < size < 3.1e6
    for table, key in (("contact", "contactid"), ("license_change", "work365_licensechangelogid")):
        rows, example = (rows_of(one / f"{table}.json") for one in (folder, EXAMPLES / "work365"))
        assert rows[: len(example)] == example
        assert len({row[key] for row in rows}) == len(rows) > 2 * len(example)


def rows_of(file: Path) -> list[dict[str, object]]:
    return json.loads(file.read_text(encoding="utf-8"))["value"]


def test_the_desk_has_times_and_its_memory():
    figures = desk.measure(customers=2, requests=1)

    assert figures["changes"] > figures["subscriptions"] == 8
    assert min(figures[name] for name in ("plan", "first", "full", "filter", "search", "bytes")) > 0
    assert "grown" in figures


def test_the_start_of_commands_has_ratios_and_shares(capsys):
    start.main(runs=1, commands={"validate": ("validate",)})

    lines = capsys.readouterr().out.splitlines()
    titles = {line[2:38].strip() for line in lines}
    assert {"--version", "--help", "a mistyped command", "completion of a command"} <= titles
    assert "of these trueup" in lines[-1]


def test_plans_of_rows_from_files_have_time_and_memory(capsys, monkeypatch, tmp_path):
    figures = million.measure(200)
    assert min(figures[name] for name in ("seconds", "changes", "peak_mb")) > 0

    def measure_here(count, *, changes=False):
        million.write_files(tmp_path, count, changes=changes)
        return {**figures, **million.plan_files(tmp_path, count)}

    monkeypatch.setattr(million, "measure", measure_here)
    million.main([200])

    lines = capsys.readouterr().out.splitlines()
    assert "200 rows" in lines[-2]
    assert "200, each with a change" in lines[-1]
    assert all("µs/row" in line and "peak" in line for line in lines[-2:])


def test_an_unchanged_tenant_has_ratios_to_its_first_plan(capsys):
    unchanged.main(runs=1)

    lines = capsys.readouterr().out.splitlines()
    first, full, by_increments = (int(line[38:].split()[1]) for line in lines[-3:])
    assert first > full > by_increments > 0
