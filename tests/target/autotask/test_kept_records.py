"""The file of kept records is replaced as a whole, also by several processes at once."""

import logging
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from trueup import operating_system
from trueup.target.autotask.kept_records import KeptQuery, KeptRecords

from tests.support.fakes import FakeClock

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def opened(file: Path) -> KeptRecords:
    kept = KeptRecords(file, FakeClock(), used=True)
    kept.belong_to("tenant")
    return kept


def query(records: int) -> KeptQuery:
    pieces = [{id_: {"id": id_} for id_ in range(1, records + 1)}]
    return KeptQuery([[]], ["id"], counted=False, pieces=pieces, complete=True, read=NOW, full=NOW)


def _save_often(file: Path, records: int) -> list[str]:
    """Saves queries of one size and another; returns what was logged."""
    logged: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: logged.append(record.getMessage())
    logging.getLogger("trueup").addHandler(handler)
    kept = opened(file)
    for number in range(400):
        kept.put("Companies", [query(records + number % 2)])
        kept.save()
    return logged


def test_two_processes_may_keep_records_at_once(tmp_path: Path):
    file = tmp_path / "records.json"

    with ProcessPoolExecutor(2, mp_context=operating_system.process_context()) as pool:
        logged = [*pool.map(partial(_save_often, file), [10, 500])]

    assert logged == [[], []]
    assert opened(file).queries("Companies") in ([query(11)], [query(501)])
    assert [path.name for path in tmp_path.iterdir()] == ["records.json"]
