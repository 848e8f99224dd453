"""The benchmarks run: their figures are for `make bench`, but a renamed function is found here."""

import contextlib
import io
import json
import shutil
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from trueup.cli.main import run
from trueup.operations.project import load_project
from trueup.operations.project_folder import shipped_folder
from trueup.source.files.source import FileSource

from tests.bench import applies, desk, exports, million, plans, start, unchanged
from tests.bench.plan_speed import measure
from tests.support.in_process import sandboxes_in_process
from tests.support.part_of_demo import CUSTOMERS, keep_customers
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


@pytest.fixture(scope="module")
def padded(tmp_path_factory):
    """The exports of the example, two tables padded to 3 MB, and how many rows these have."""
    folder = tmp_path_factory.mktemp("exports") / "work365"
    shutil.copytree(EXAMPLES / "work365", folder)
    return folder, sum(exports.pad(folder, 3e6))


def test_an_export_is_padded_with_rows_of_their_own(padded):
    folder, count = padded

    rows = {table: rows_of(folder / f"{table}.json") for table in ("contact", "license_change")}

    assert 2.9e6 < sum((folder / f"{table}.json").stat().st_size for table in rows) < 3.1e6
    assert sum(map(len, rows.values())) == count
    for table, key in (("contact", "contactid"), ("license_change", "work365_licensechangelogid")):
        example = rows_of(EXAMPLES / "work365" / f"{table}.json")
        assert rows[table][: len(example)] == example
        assert len({row[key] for row in rows[table]}) == len(rows[table]) > 2 * len(example)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_an_export_in_another_format_has_the_same_rows(padded, tmp_path, suffix):
    shutil.copy(padded[0] / "contact.json", tmp_path)
    tables = load_project(shipped_folder()).catalogue.tables

    before = FileSource(tmp_path, tables, "work365").read("contact", ["last_name", "state"])
    exports.convert(tmp_path, suffix)
    after = FileSource(tmp_path, tables, "work365").read("contact", ["last_name", "state"])

    assert [file.suffix for file in tmp_path.iterdir()] == [f".{suffix}"]
    assert after == before


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
    shares = lines[-1].partition(" of these ")[2]
    assert "trueup " in shares  # which one is largest, time tells
    assert "yaml " in shares


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


def test_an_unchanged_tenant_has_ratios_to_its_first_plan(capsys, monkeypatch):
    """With two customers, and in this process: that of `start` measures processes of its own."""
    measured = []

    def run_here(folder, *arguments):
        with contextlib.chdir(folder), redirect_stdout(io.StringIO()):
            assert run([*arguments]) == 0
        if arguments == ("init", "new"):
            keep_customers(folder / "new" / "examples" / "work365", CUSTOMERS[:2])

    def cpu_of(command, folder):
        measured.append((command, folder.name))
        return float(len(measured))

    monkeypatch.setattr(unchanged, "run", run_here)
    monkeypatch.setattr(unchanged, "cpu", cpu_of)
    with sandboxes_in_process():
        unchanged.main(runs=1)

    lines = capsys.readouterr().out.splitlines()
    first, full, by_increments = (int(line[38:].split()[1]) for line in lines[-3:])
    assert first > full > by_increments > 0
    assert measured == [
        (unchanged.BARE, "new"),
        *(([*unchanged.TRUEUP, "plan"], folder) for folder in ("again", "applied", "changed")),
    ]
    assert [line[38:].split()[0] for line in lines[-3:]] == ["2.0", "3.0", "4.0"]
