"""A write-back replaces a file whole or not at all, and changes only the planned values."""

import csv
import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.errors import SourceError
from trueup.model.catalogue import Table
from trueup.ports.source import RowOutcome, RowUpdate
from trueup.source.files import atomic_write
from trueup.source.files import source as files
from trueup.source.files.source import FileSource

from tests.support.paths import SCHEMAS

Put = Callable[[str, str | bytes], Path]
DISPLAY = "@OData.Community.Display.V1.FormattedValue"

EXPORT = """{
  "@odata.context": "…#work365_licensechangelogs",
  "value": [
    {"work365_licensechangelogid": "a", "work365_lcl_quantity": 1.50, "statuscode": 1,
     "statuscode@OData.Community.Display.V1.FormattedValue": "Active", "other": {"kept": [1, 2.0]}},
    {"statuscode": 1, "work365_licensechangelogid": "b",
     "statuscode@OData.Community.Display.V1.FormattedValue": "Active"}
  ],
  "@odata.count": 2
}
"""


def archive(key: str, **expected: object) -> RowUpdate:
    return RowUpdate(key, {"status": "Archived"}, expected or {"status": "Active"})


def names_in(folder: Path) -> list[str]:
    """The files in a folder, without those that locks are on."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_choice_is_written_as_number_and_display_text_and_nothing_else_changes(
    put: Put, source: FileSource
):
    path = put("license_change.json", EXPORT)

    outcomes = source.write("license_change", [archive("b")])

    assert outcomes == [RowOutcome("b")]
    assert path.read_text() == EXPORT.replace(
        '{"statuscode": 1, "work365_licensechangelogid": "b",\n     "statuscode'
        + DISPLAY
        + '": "Active"}',
        '{"statuscode": 2, "work365_licensechangelogid": "b",\n     "statuscode'
        + DISPLAY
        + '": "Archived"}',
    )


def test_csv_keeps_its_other_lines_its_byte_order_mark_and_its_line_ends(
    put: Put, source: FileSource
):
    path = put(
        "license_change.csv",
        b'\xef\xbb\xbfid,name,statuscode\r\na,"x, ""y""\r\nz",1\r\n"b",b,"1"\r\n',
    )

    assert source.write("license_change", [archive("a")]) == [RowOutcome("a")]
    assert (
        path.read_bytes()
        == b'\xef\xbb\xbfid,name,statuscode\r\na,"x, ""y""\r\nz",2\r\n"b",b,"1"\r\n'
    )


def test_a_label_is_written_to_a_file_that_has_labels(put: Put, source: FileSource):
    path = put("license_change.csv", "id;status\na;Active\nb;Archived\n")

    source.write("license_change", [archive("a")])

    assert path.read_text() == "id;status\na;Archived\nb;Archived\n"


def test_the_numbers_in_the_file_win_over_those_of_the_catalogue(put: Put, source: FileSource):
    rows = [
        {"id": "a", "statuscode": 126340000, f"statuscode{DISPLAY}": "Active"},
        {"id": "b", "statuscode": 126340001, f"statuscode{DISPLAY}": "Archived"},
    ]
    path = put("license_change.json", json.dumps(rows))

    source.write("license_change", [archive("a")])

    assert json.loads(path.read_text())[0] == {
        "id": "a",
        "statuscode": 126340001,
        f"statuscode{DISPLAY}": "Archived",
    }


def test_an_unknown_number_of_a_choice_is_not_guessed(put: Put, source: FileSource):
    put(
        "license_change.json",
        json.dumps([{"id": "a", "statuscode": 126340000, f"statuscode{DISPLAY}": "Active"}]),
    )

    outcome = source.write("license_change", [archive("a")])[0]

    assert outcome.error == ('the number of status "Archived" is unknown; name it in the profile')


def test_an_id_is_written_as_text_into_an_empty_column(put: Put, source: FileSource):
    path = put(
        "subscription.json", '[{"id": "a", "quantity": 1}, {"id": "b", "psa_system_id": null}]'
    )

    outcomes = source.write(
        "subscription",
        [RowUpdate(key, {"psa_system_id": 29683}, {"psa_system_id": None}) for key in ("a", "b")],
    )

    assert outcomes == [RowOutcome("a"), RowOutcome("b")]
    assert path.read_text() == (
        '[{"id": "a", "quantity": 1, "psa_system_id": "29683"}, {"id": "b", '
        '"psa_system_id": "29683"}]'
    )


@pytest.mark.parametrize(
    ("update", "message"),
    [
        (archive("z"), "the row does not exist any more, and no row is created"),
        (archive("t"), "the key occurs more than once"),
        (archive("m"), "quantity is 5 now and was 4 when the plan was made"),
        (archive("f"), 'quantity: "many" is not a number'),
        (
            RowUpdate("a", {"status": "Shut"}, {}),
            'status: "Shut" is not one of Active, Archived',
        ),
    ],
)
def test_a_row_that_cannot_be_updated_is_left_and_the_others_are_written(
    put: Put, source: FileSource, update: RowUpdate, message: str
):
    path = put(
        "license_change.csv",
        (
            "id,quantity,status\na,4,Active\nm,5,Active\n"
            "t,4,Active\nt,4,Active\nf,many,Active\nok,4,Active\n"
        ),
    )
    update = RowUpdate(update.key, update.values, {"status": "Active", "quantity": Decimal(4)})

    outcomes = source.write("license_change", [update, archive("ok")])

    assert outcomes == [
        RowOutcome(update.key, message, row_changed="is 5 now" in message),
        RowOutcome("ok"),
    ]
    assert path.read_text().count("Archived") == 1


def test_a_row_with_the_planned_values_is_done_without_a_write(put: Put, source: FileSource):
    path = put("license_change.csv", "id,status\na,Archived\n")
    before = path.stat()

    assert source.write("license_change", [archive("a")]) == [RowOutcome("a")]
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_interrupted_update_is_completed(put: Put, source: FileSource):
    path = put("license_change.csv", "id,status,name\na,Archived,old\n")
    update = RowUpdate(
        "a", {"status": "Archived", "name": "new"}, {"status": "Active", "name": "old"}
    )

    assert source.write("license_change", [update]) == [RowOutcome("a")]
    assert path.read_text() == "id,status,name\na,Archived,new\n"


def test_a_second_update_of_a_row_starts_from_the_first(put: Put, source: FileSource):
    path = put("license_change.csv", "id,status,name\na,Active,old\n")

    outcomes = source.write(
        "license_change",
        [
            archive("a"),
            RowUpdate("a", {"name": "new"}, {"status": "Archived"}),
            archive("a", name="old"),
        ],
    )

    assert outcomes == [RowOutcome("a")] * 3
    assert path.read_text() == "id,status,name\na,Archived,new\n"


def test_days_instants_and_booleans_are_written_as_they_are_read(put: Put, source: FileSource):
    put("subscription.csv", "id,effective_start,billable\na,,\n")
    put("account.json", '[{"id": "a", "modified_on": null}]')
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    values = {"effective_start": date(2026, 1, 1), "billable": False}
    source.write("subscription", [RowUpdate("a", values, {})])
    source.write("account", [RowUpdate("a", {"modified_on": moment}, {})])

    assert source.read("subscription", list(values)).rows == [{"id": "a", **values}]
    assert source.read("account", ["modified_on"]).rows == [{"id": "a", "modified_on": moment}]


def test_a_column_missing_in_the_file_is_an_error_and_nothing_is_written(
    put: Put, source: FileSource
):
    path = put("license_change.csv", "id,quantity\na,1\n")

    with pytest.raises(SourceError, match="no column for status"):
        source.write("license_change", [archive("a")])
    assert path.read_text() == "id,quantity\na,1\n"


def test_a_look_up_that_is_read_as_text_is_not_written(put: Put, source: FileSource):
    put("account.json", json.dumps([{"id": "a", "_transactioncurrencyid_value": "x"}]))

    assert source.write("account", [RowUpdate("a", {"currency": "CHF"}, {})])[0].error == (
        "currency is a look-up in this file and cannot be set"
    )


def test_the_file_keeps_its_mode_and_a_link_stays_a_link(
    put: Put, folder: Path, source: FileSource
):
    real = put("real.csv", "id,status\na,Active\n")
    real.chmod(0o640)
    (folder / "license_change.csv").symlink_to(real)

    source.write("license_change", [archive("a")])

    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert (folder / "license_change.csv").is_symlink()
    assert real.read_text() == "id,status\na,Archived\n"
    assert names_in(folder) == ["license_change.csv", "real.csv"]


def test_a_change_by_another_program_during_a_write_is_not_lost(
    put: Put, source: FileSource, monkeypatch: pytest.MonkeyPatch
):
    path = put("license_change.csv", "id,status\na,Active\n")

    def edited_meanwhile(*args: Any) -> object:
        path.write_text("id,status\na,Active\nnew,Active\n")
        return atomic_write.replace_file(*args)

    monkeypatch.setattr(files, "replace_file", edited_meanwhile)

    with pytest.raises(
        SourceError, match="changed by another program just now; nothing was written"
    ):
        source.write("license_change", [archive("a")])
    assert path.read_text() == "id,status\na,Active\nnew,Active\n"


def test_a_full_disk_leaves_the_file_unchanged(
    put: Put, source: FileSource, monkeypatch: pytest.MonkeyPatch
):
    path = put("license_change.csv", "id,status\na,Active\n")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(
        SourceError, match="could not be written: No space left on device; it is unchanged"
    ):
        source.write("license_change", [archive("a")])
    assert path.read_text() == "id,status\na,Active\n"
    assert names_in(path.parent) == ["license_change.csv"]


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=8)
rows = st.lists(
    st.fixed_dictionaries(
        {"name": texts, "statuscode": st.sampled_from([1, 2])},
        optional={
            "extra": st.one_of(st.none(), st.integers(), texts, st.lists(st.integers(), max_size=2))
        },
    ),
    min_size=1,
    max_size=6,
)


@given(
    rows=rows,
    chosen=st.sets(st.integers(0, 5)),
    indent=st.sampled_from([None, 1]),
    bare=st.booleans(),
)
def test_an_update_of_any_json_file_changes_nothing_else(
    tables: Mapping[str, Table], rows: list, chosen: set[int], indent: int | None, *, bare: bool
):
    rows = [{**row, "id": f"k{at}"} for at, row in enumerate(rows)]
    keys = {f"k{at}" for at in chosen}
    with TemporaryDirectory() as where:
        path = Path(where) / "license_change.json"
        path.write_text(
            json.dumps(rows if bare else {"a": 1, "value": rows}, indent=indent), encoding="utf-8"
        )
        source = FileSource(Path(where), tables, "work365")

        outcomes = source.write(
            "license_change", [RowUpdate(key, {"status": "Archived"}, {}) for key in keys]
        )

        after = json.loads(path.read_text(encoding="utf-8"))
    expected = [row | ({"statuscode": 2} if row["id"] in keys else {}) for row in rows]
    assert after == (expected if bare else {"a": 1, "value": expected})
    assert {outcome.key for outcome in outcomes if not outcome.error} == keys & {
        row["id"] for row in rows
    }


@given(
    names=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=8), min_size=1
    ),
    chosen=st.sets(st.integers(0, 5)),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_an_update_of_any_csv_file_changes_nothing_else(
    tables: Mapping[str, Table], names: list[str], chosen: set[int], ending: str
):
    lines = io.StringIO(newline="")
    writer = csv.writer(lines, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerows(
        [["id", "name", "status"], *([f"k{at}", name, "Active"] for at, name in enumerate(names))]
    )
    with TemporaryDirectory() as where:
        path = Path(where) / "license_change.csv"
        path.write_bytes(lines.getvalue().encode())
        source = FileSource(Path(where), tables, "work365")

        source.write("license_change", [archive(f"k{at}") for at in chosen])

        after = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))[1:]
    assert after == [
        [f"k{at}", name, "Archived" if at in chosen else "Active"] for at, name in enumerate(names)
    ]


WRITER = """
import sys
from pathlib import Path
from trueup.config.catalogues import load_tables
from trueup.ports.source import RowUpdate
from trueup.source.files.source import FileSource
folder, catalogue = map(Path, sys.argv[1:])
source = FileSource(folder, load_tables(catalogue), "work365")
print("ready", flush=True)
for turn in range(10_000):
    status = ("Archived", "Active")[turn % 2]
    updates = [RowUpdate(f"k{at}", {"status": status}, {}) for at in range(200)]
    source.write("license_change", updates)
"""


@pytest.mark.chaos
@pytest.mark.parametrize("after", [0.0, 0.013, 0.029, 0.047, 0.071])
def test_a_writer_killed_at_any_instant_leaves_the_old_file_or_the_new_one(
    put: Put, source: FileSource, folder: Path, after: float
):
    put(
        "license_change.csv",
        "id,status,name\n" + "".join(f"k{at},Active,{'x' * 500}\n" for at in range(200)),
    )
    catalogue = SCHEMAS / "work365.yaml"
    command = [sys.executable, "-c", WRITER, str(folder), str(catalogue)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=catalogue.parents[1]) as writer:
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(after)
        writer.send_signal(signal.SIGKILL)

    result = source.read("license_change", ["status", "name"])

    assert (len(result.rows), result.findings) == (200, [])
    assert len({row["status"] for row in result.rows}) == 1
    # What the killed writer left prevents no other write, and the first one removes it.
    done = source.write("license_change", [RowUpdate("k0", {"name": "after"}, {})])
    assert done == [RowOutcome("k0")]
    assert names_in(folder) == ["license_change.csv"]
