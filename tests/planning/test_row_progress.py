"""A plan of many rows says how many it has evaluated."""

from trueup.model.progress import Progress
from trueup.pipeline import plan_with_context
from trueup.planning import row_progress
from trueup.planning.row_progress import EACH, RowProgress

from tests.bench.million import opened, write_files


def test_rows_of_all_mappings_are_counted_and_reported_now_and_then():
    shown = []
    progress = RowProgress(2 * EACH + 5, lambda *what: shown.append(what))

    contracts = [*progress.counted(range(EACH + 5), "Contracts")]
    subscriptions = [*progress.counted(range(EACH), "Subscriptions")]

    assert (contracts, subscriptions) == ([*range(EACH + 5)], [*range(EACH)])
    assert shown == [
        (EACH, 2 * EACH + 5, "Contracts"),
        (2 * EACH, 2 * EACH + 5, "Subscriptions"),
    ]


def test_few_rows_are_not_reported():
    rows = [1, 2, 3]

    assert RowProgress(3, lambda *_: rows.clear()).counted(rows, "Contracts") is rows


def test_a_plan_reports_the_rows_of_its_mappings_in_turn(tmp_path, monkeypatch):
    monkeypatch.setattr(row_progress, "EACH", 100)
    write_files(tmp_path, 200)
    project, world = opened(tmp_path, 200)
    shown = []

    plan_with_context(project, world, watch=shown.append)

    rows = 100 + 2 + 2 + 199  # products, accounts, contracts, subscriptions
    first, last = (project.mappings[name].title for name in ("service", "subscription"))
    assert shown == [
        Progress(100, rows, first),
        Progress(200, rows, last),
        Progress(300, rows, last),
    ]
