"""Files as people export them: Excel workbooks, headings of display labels, local spellings."""

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from openpyxl import Workbook, load_workbook
from trueup.errors import SourceError
from trueup.model.catalogue import Table
from trueup.ports.source import RowOutcome, RowUpdate
from trueup.source.files.source import FileSource
from trueup.source.files.value_formats import ValueFormat, parse_format

Put = Callable[[str, str | bytes], Path]
A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "bbbbbbbb-0000-4000-8000-000000000002"
COLUMNS = ("quantity", "effective_date", "status")
HEADINGS = ("License Change Log", "Quantity", "Effective Date", "Status Reason")


def workbook(*sheets: tuple[str, Sequence[Sequence[object]]]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


CHANGES: list[list[object]] = [
    [*HEADINGS],
    [A, 2.5, date(2026, 11, 15), "Active"],
    [None, None, None, None],
    [B, -3, datetime(2026, 11, 16), "Archived"],  # noqa: DTZ001 -- Excel has no zones
]
READ = [
    {"id": A, "quantity": Decimal("2.5"), "effective_date": date(2026, 11, 15), "status": "Active"},
    {"id": B, "quantity": Decimal(-3), "effective_date": date(2026, 11, 16), "status": "Archived"},
]


@pytest.fixture
def excel_style(folder: Path, tables: Mapping[str, Table]) -> FileSource:
    """A folder whose files write decimal commas and days of Great Britain."""
    file_format = parse_format({"decimal": ",", "day": "DD/MM/YYYY"})
    return FileSource(folder, tables, "work365", file_format=file_format)


def test_a_workbook_for_a_table_is_read_with_typed_cells(put: Put, source: FileSource):
    put("license_change.xlsx", workbook(("Sheet1", CHANGES)))

    result = source.read("license_change", COLUMNS)

    assert (result.rows, result.findings) == (READ, [])


def test_one_workbook_may_hold_a_sheet_for_each_table(
    put: Put, folder: Path, tables: Mapping[str, Table]
):
    sheets = ("License_Change", CHANGES), ("account", [["Account", "Account Name"], [A, "Alpine"]])
    source = FileSource(put("export.xlsx", workbook(*sheets)), tables, "export.xlsx")

    assert source.read("license_change", COLUMNS).rows == READ
    assert source.read("account", ["name"]).rows == [{"id": A, "name": "Alpine"}]
    with pytest.raises(SourceError, match="has no sheet `product`; its sheets are"):
        source.read("product", ["name"])


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("export.xlsx", "account"),  # in the place of the folder
        ("export.xlsx", "My Active Accounts"),
        ("product.xlsx", "account"),
        ("product.xlsx", "Account"),
    ],
)
def test_the_only_visible_sheet_is_not_read_as_another_table(
    put: Put, folder: Path, tables: Mapping[str, Table], name: str, title: str
):
    sheets = (title, [["id", "name"], [A, "Alpine"]]), ("hiddenSheet", [["x"]])
    book = load_workbook(io.BytesIO(workbook(*sheets)))
    book["hiddenSheet"].sheet_state = "hidden"
    data = io.BytesIO()
    book.save(data)
    path = put(name, data.getvalue())
    source = FileSource(path if name == "export.xlsx" else folder, tables, "export")

    with pytest.raises(SourceError, match=f"has no sheet `product`; its sheets are {title}, hid"):
        source.read("product", ["name"])


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_the_only_visible_sheet_is_the_table_as_in_exports_of_dynamics(
    put: Put, source: FileSource, state: str
):
    book = load_workbook(
        io.BytesIO(workbook(("Active Changes", CHANGES), ("hiddenSheet", [["x"]])))
    )
    book["hiddenSheet"].sheet_state = state
    data = io.BytesIO()
    book.save(data)
    path = put("license_change.xlsx", data.getvalue())

    rows = source.read("license_change", COLUMNS).rows
    outcomes = source.write("license_change", [RowUpdate(A, {"status": "Archived"}, {})])

    assert (rows, outcomes) == (READ, [RowOutcome(A)])
    written = load_workbook(path)
    assert written["Active Changes"]["D2"].value == "Archived"
    assert written["hiddenSheet"].sheet_state == state


def test_the_error_of_a_formula_is_no_text(put: Put, source: FileSource):
    put("license_change.xlsx", workbook(("Sheet1", [*CHANGES, ["x", 1, "#N/A", "Active"]])))

    result = source.read("license_change", COLUMNS)

    assert result.rows == READ
    [finding] = result.findings
    assert "Effective Date is #N/A, the error of a formula" in finding.text


def stored(data: bytes, cell: str, value: str) -> bytes:
    """The workbook with what a program stores beside the formula of a cell."""
    changed = io.BytesIO()
    with ZipFile(io.BytesIO(data)) as old, ZipFile(changed, "w") as new:
        for part in old.namelist():
            text = old.read(part)
            if part == "xl/worksheets/sheet1.xml":
                before = re.search(
                    rb'<c r="%b"[^>]*><f>[^<]*</f><v ?/?>(</v>)?' % cell.encode(), text
                )
                assert before
                after = re.sub(rb"<v.*", value.encode(), before[0])
                if "<v></v>" in value:
                    after = after.replace(b"<c ", b'<c t="str" ', 1)
                text = text.replace(before[0], after)
            new.writestr(part, text)
    return changed.getvalue()


FORMULAS = workbook(("Sheet1", [*CHANGES, ["x", "=1+2", date(2026, 11, 17), '=IF(1,"","")']]))


def test_a_formula_is_read_by_the_value_that_is_stored_with_it(put: Put, source: FileSource):
    data = stored(stored(FORMULAS, "B5", "<v>3</v>"), "D5", "<v></v>")
    put("license_change.xlsx", data)

    last = source.read("license_change", COLUMNS).rows[-1]

    assert (last["quantity"], last["status"]) == (Decimal(3), None)


def test_a_formula_that_was_never_calculated_is_not_taken_for_an_empty_cell(
    put: Put, source: FileSource
):
    put("license_change.xlsx", stored(FORMULAS, "D5", "<v></v>"))

    with pytest.raises(
        SourceError, match="xlsx:5: Quantity is a formula that was never calculated"
    ):
        source.read("license_change", COLUMNS)


def test_a_workbook_with_formulas_is_not_written_back_to(put: Put, source: FileSource):
    path = put("license_change.xlsx", stored(stored(FORMULAS, "B5", "<v>3</v>"), "D5", "<v></v>"))
    before = path.read_bytes()

    for write in (
        lambda: source.write("license_change", [RowUpdate(A, {"status": "Archived"}, {})]),
        lambda: source.require_writable("license_change"),
    ):
        with pytest.raises(SourceError, match="has formulas, and writing to it would lose their"):
            write()

    assert path.read_bytes() == before


def replaced(data: bytes, old: str, new: str, encoding: str = "utf-8") -> bytes:
    """The workbook with other text in its parts and their names; its sheets in this encoding."""
    changed = io.BytesIO()
    with ZipFile(io.BytesIO(data)) as parts, ZipFile(changed, "w") as written:
        for part in parts.namelist():
            text = parts.read(part).decode().replace(old, new)
            is_sheet = "<sheetData" in text
            written.writestr(part.replace(old, new), text.encode(encoding if is_sheet else "utf-8"))
    return changed.getvalue()


@pytest.mark.parametrize("encoding", ["unknown-9", "utf-7"])
def test_a_part_in_an_encoding_that_is_not_known_does_not_prevent_a_write_back(
    put: Put, source: FileSource, encoding: str
):
    data = io.BytesIO(workbook(("Sheet1", CHANGES)))
    with ZipFile(data, "a") as parts:
        parts.writestr("custom/item.xml", f'<?xml version="1.0" encoding="{encoding}"?><a/>')
    put("license_change.xlsx", data.getvalue())

    source.require_writable("license_change")


@pytest.mark.parametrize(
    ("part", "encoding"),
    [
        ("xl/sheet1.xml", "utf-8"),
        ("xl/Worksheets/sheet1.xml", "utf-8"),
        ("xl/worksheets/sheet1.xml", "utf-16"),
    ],
)
def test_formulas_are_found_wherever_the_part_of_the_sheet_is(
    put: Put, source: FileSource, part: str, encoding: str
):
    calculated = stored(stored(FORMULAS, "B5", "<v>3</v>"), "D5", "<v></v>")
    data, whole = (
        replaced(each, "xl/worksheets/sheet1.xml", part, encoding)
        for each in (FORMULAS, calculated)
    )

    put("license_change.xlsx", data)
    with pytest.raises(SourceError, match="Quantity is a formula that was never calculated"):
        source.read("license_change", COLUMNS)
    put("license_change.xlsx", whole)
    with pytest.raises(SourceError, match="has formulas, and writing to it would lose their"):
        source.write("license_change", [RowUpdate(A, {"status": "Archived"}, {})])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('<row r="3"', '<row r="2"', "row 2 follows row 2"),
        ('<row r="3"', '<row r="9"', "row 4 follows row 9"),
        ('<c r="B2"', '<c r="D2"', "the cells of row 2 are not in order"),
        ('<c r="B2"', '<c r="A2"', "the cells of row 2 are not in order"),
        ('<c r="B2"', '<c r="B4"', "the cells of row 2 are not in order"),
    ],
)
def test_rows_and_cells_that_are_not_in_order_are_not_dropped(
    put: Put, source: FileSource, old: str, new: str, message: str
):
    put("license_change.xlsx", replaced(workbook(("Sheet1", CHANGES)), old, new))

    with pytest.raises(
        SourceError, match=rf"license_change\.xlsx, sheet `Sheet1`: {message}; open"
    ):
        source.read("license_change", COLUMNS)


def test_an_empty_sheet_is_not_a_table_without_rows(put: Put, source: FileSource):
    put("license_change.xlsx", workbook(("Sheet1", [])))
    put("account.xlsx", workbook(("Sheet1", [["Account", "Account Name"]])))

    with pytest.raises(SourceError, match=r"license_change\.xlsx: sheet `Sheet1` is empty"):
        source.read("license_change", COLUMNS)
    assert source.read("account", ["name"]).rows == []


def merged(data: bytes, *ranges: str) -> bytes:
    """The workbook with merged cells in its first sheet."""
    book = load_workbook(io.BytesIO(data))
    for cells in ranges:
        book.active.merge_cells(cells)
    changed = io.BytesIO()
    book.save(changed)
    return changed.getvalue()


@pytest.mark.parametrize("cells", ["D2:D4", "B2:C2", "A1:A2", "B1:E2", "A4:D9"])
def test_merged_cells_are_not_taken_for_empty_ones(put: Put, source: FileSource, cells: str):
    path = put("license_change.xlsx", merged(workbook(("Sheet1", CHANGES)), cells))
    before = path.read_bytes()
    message = rf"license_change\.xlsx: cells {cells} of sheet `Sheet1` are merged, and only the"

    with pytest.raises(SourceError, match=message):
        source.read("license_change", COLUMNS)
    with pytest.raises(SourceError, match=message):
        source.write("license_change", [RowUpdate(A, {"status": "Archived"}, {})])

    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "written",
    [
        'xr:uid="{1}" xmlns:xr="urn:xr" ref="D2:D4"',
        'ref="$D$2:$D$4"',
        'ref="Sheet1!D2:D4"',
        'ref="D:D"',
    ],
)
def test_merged_cells_are_found_however_they_are_written(
    put: Put, source: FileSource, written: str
):
    data = merged(workbook(("Sheet1", CHANGES)), "D2:D4")
    put("license_change.xlsx", replaced(data, 'ref="D2:D4"', written))

    with pytest.raises(SourceError, match="are merged, and only the first of them has a value"):
        source.read("license_change", COLUMNS)


@pytest.mark.parametrize("written", ['ref="D4:D2"', 'ref="D2:?"', 'ref=""', ""])
def test_merged_cells_that_cannot_be_read_are_named(put: Put, source: FileSource, written: str):
    data = merged(workbook(("Sheet1", CHANGES)), "D2:D4")
    put("license_change.xlsx", replaced(data, 'ref="D2:D4"', written))

    with pytest.raises(
        SourceError, match=r"merged cells `.*` of sheet `Sheet1` cannot be read: unm"
    ):
        source.read("license_change", COLUMNS)


@pytest.mark.parametrize("cells", ["F2:I5", "A9:B9", "A9:D12", "A3:D3", "D2:E2", "D2:D3"])
def test_merged_cells_that_hide_no_value_are_read(put: Put, source: FileSource, cells: str):
    put("license_change.xlsx", merged(workbook(("Sheet1", CHANGES)), cells))

    result = source.read("license_change", COLUMNS)

    assert (result.rows, result.findings) == (READ, [])


def test_headings_may_be_merged_down_over_an_empty_row(put: Put, source: FileSource):
    rows: list[list[object]] = [CHANGES[0], [None] * len(HEADINGS), *CHANGES[1:]]
    ranges = [f"{column}1:{column}2" for column in "ABCD"]
    put("license_change.xlsx", merged(workbook(("Sheet1", rows)), *ranges))

    assert source.read("license_change", COLUMNS).rows == READ


def test_merged_cells_of_the_headings_and_of_other_sheets_do_not_matter(
    put: Put, source: FileSource
):
    title: list[list[object]] = [["Title"], [None, None]]
    changes = [[*row, None, None] for row in CHANGES]
    changes[0][-2:] = ["Note", None]
    data = workbook(("Title", title), ("license_change", changes))
    book = load_workbook(io.BytesIO(merged(data, "A1:B2")))
    book["license_change"].merge_cells("E1:F1")
    changed = io.BytesIO()
    book.save(changed)
    put("license_change.xlsx", changed.getvalue())

    assert source.read("license_change", COLUMNS).rows == READ


def test_a_stray_cell_at_the_end_of_a_sheet_costs_nothing(put: Put, source: FileSource):
    book = load_workbook(io.BytesIO(workbook(("Sheet1", CHANGES))))
    book.active["XFD1048576"] = " "
    data = io.BytesIO()
    book.save(data)
    put("license_change.xlsx", data.getvalue())

    result = source.read("license_change", COLUMNS)

    assert result.rows == READ
    [finding] = result.findings
    assert "values beyond the columns" in finding.text


def test_a_write_back_into_a_workbook_sets_the_cell_and_keeps_the_others(
    put: Put, source: FileSource
):
    path = put("license_change.xlsx", workbook(("Changes", CHANGES)))

    outcomes = source.write(
        "license_change", [RowUpdate(A, {"status": "Archived"}, {"status": "Active"})]
    )

    assert [one.error for one in outcomes] == [""]
    cells = [[cell.value for cell in row] for row in load_workbook(path)["Changes"].iter_rows()]
    assert cells[1] == [A, 2.5, datetime(2026, 11, 15), "Archived"]  # noqa: DTZ001 -- see above
    assert cells[3][0] == B
    assert source.read("license_change", COLUMNS).rows == [
        READ[0] | {"status": "Archived"},
        READ[1],
    ]


WRITTEN_CELLS = {
    "day": ({}, "effective_date", date(2026, 12, 1), datetime(2026, 12, 1)),  # noqa: DTZ001 -- see above
    "number": ({}, "quantity", Decimal("-7.25"), -7.25),
    "instant": ({}, "created_on", datetime(2026, 7, 2, 9, tzinfo=UTC), "2026-07-02T09:00:00Z"),
    "local time": (
        {"local_times": True},
        "created_on",
        datetime(2026, 7, 2, 9, tzinfo=UTC),
        datetime(2026, 7, 2, 10),  # noqa: DTZ001 -- see above
    ),
    "second of two local times": (
        {"local_times": True},
        "created_on",
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        "2026-10-25T01:30:00Z",
    ),
    "text of a formula": ({}, "name", "=1+1", "=1+1"),
    "text of an error": ({}, "name", "#N/A", "#N/A"),
}


@pytest.mark.parametrize(
    ("settings", "column", "value", "cell"), WRITTEN_CELLS.values(), ids=WRITTEN_CELLS
)
def test_a_cell_of_a_workbook_keeps_the_type_of_its_value(
    folder: Path, tables: Mapping[str, Table], settings: dict, column: str, value, cell
):
    file_format = parse_format({"day": "DD/MM/YYYY", "decimal": ",", **settings})
    source = FileSource(
        folder, tables, "work365", zone=ZoneInfo("Europe/London"), file_format=file_format
    )
    path = folder / "license_change.xlsx"
    names = ["id", "name", "quantity", "effective_date", "created_on"]
    path.write_bytes(workbook(("Changes", [names, [A, "x", 2.5, date(2026, 11, 15), None]])))

    outcomes = source.write("license_change", [RowUpdate(A, {column: value}, {})])

    assert outcomes == [RowOutcome(A)]
    assert load_workbook(path)["Changes"].cell(2, names.index(column) + 1).value == cell
    [row] = source.read("license_change", [column]).rows
    assert row == {"id": A, column: value}


@pytest.mark.parametrize(
    ("column", "value"), [("quantity", Decimal("12345678901234.567")), ("name", "x" * 32_768)]
)
def test_what_a_cell_of_a_workbook_cannot_hold_is_refused(
    put: Put, source: FileSource, column: str, value: object
):
    path = put("license_change.xlsx", workbook(("Changes", [["id", column], [A, None]])))
    before = path.read_bytes()

    [outcome] = source.write("license_change", [RowUpdate(A, {column: value}, {})])

    assert outcome.error.startswith(f"{column}: the file would give back ")
    assert path.read_bytes() == before


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no workbook", b"id,name\n1,2\n"])
def test_a_file_that_is_no_workbook_is_refused_in_one_sentence(
    put: Put, source: FileSource, data: bytes
):
    put("account.xlsx", data)

    with pytest.raises(SourceError, match="cannot be read as an Excel workbook"):
        source.read("account", ["name"])


SHEET = b"xl/worksheets/sheet1.xml"
FLAGS = 38
"""Bytes between the flags of a part and its name, in the directory at the end of the file."""


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (lambda data: data.index(SHEET) + len(SHEET), b"\xff\xff"),
        (lambda data: data.index(SHEET) + len(SHEET) + 40, b"\x00\x01\x02"),
        (lambda data: data.rindex(SHEET) - FLAGS, b"\x01\x00"),  # encrypted
        (lambda data: data.rindex(SHEET) - FLAGS, b"\x20\x00"),  # compressed as a patch
    ],
    ids=["beginning", "middle", "encrypted", "patch"],
)
def test_a_damaged_or_encrypted_workbook_is_refused_in_one_sentence(
    put: Put, source: FileSource, place: Callable[[bytes], int], change: bytes
):
    data = workbook(("Sheet1", CHANGES))
    at = place(data)
    put("license_change.xlsx", data[:at] + change + data[at + len(change) :])

    for use in (
        lambda: source.read("license_change", COLUMNS),
        lambda: source.write("license_change", [RowUpdate(A, {"status": "Archived"}, {})]),
        lambda: source.require_writable("license_change"),
    ):
        with pytest.raises(SourceError, match="cannot be read as an Excel workbook"):
            use()


@pytest.mark.parametrize(
    ("encoding", "order"), [("utf-16-le", "little endian"), ("utf-16-be", "big endian")]
)
@pytest.mark.parametrize("name", ["account.csv", "account.json"])
def test_utf_16_without_a_mark_is_named(put: Put, source: FileSource, name, encoding, order):
    put(name, f"id,name\r\n{A},Alpine\r\n".encode(encoding))

    with pytest.raises(SourceError, match=rf"UTF-16 \({order}\) without a byte order mark"):
        source.read("account", ["name"])


@pytest.mark.parametrize("preamble", ["", "sep=;\r\n", '"sep=;"\r\n', "#TYPE System.Object\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_csv_of_excel_is_read_and_written_back_as_it_was(
    put: Put, excel_style: FileSource, preamble: str, encoding: str
):
    text = (
        f"{preamble}{';'.join(HEADINGS)}\r\n"
        f"{A};2,5;15/11/2026;Active\r\n"
        f'{B};"-3";16/11/2026;Archived\r\n'
    )
    path = put("license_change.csv", text.encode(encoding))

    assert excel_style.read("license_change", COLUMNS).rows == READ
    update = RowUpdate(A, {"status": "Archived"}, {"status": "Active"})
    assert [one.error for one in excel_style.write("license_change", [update])] == [""]

    expected = text.replace("15/11/2026;Active", "15/11/2026;Archived")
    assert path.read_bytes() == expected.encode(encoding)


def test_empty_columns_at_the_end_of_each_line_are_read_over_and_kept(
    put: Put, excel_style: FileSource
):
    text = (
        f"{';'.join(HEADINGS)};;\r\n{A};2,5;15/11/2026;Active;;x\r\n"
        f"{B};-3;16/11/2026;Archived;;\r\n"
    )
    path = put("license_change.csv", text)

    assert excel_style.read("license_change", COLUMNS).rows == READ
    update = RowUpdate(A, {"status": "Archived"}, {"status": "Active"})
    assert [one.error for one in excel_style.write("license_change", [update])] == [""]

    assert path.read_bytes().decode() == text.replace("15/11/2026;Active", "15/11/2026;Archived")


@pytest.mark.parametrize(
    ("heading", "cell"),
    [
        ('"a, b, c, d"', "x"),
        ('"a, ""b"", c, d"', '"x, y"'),
        ('"a, b,\nc, d"', "x"),
        ('5" a, b, c', "x"),
    ],
)
def test_a_delimiter_within_a_heading_is_not_counted(
    put: Put, source: FileSource, heading: str, cell: str
):
    put("license_change.csv", f"id;name;status;{heading}\n{A};one;Active;{cell}\n")

    rows = source.read("license_change", ["name", "status"]).rows

    assert rows == [{"id": A, "name": "one", "status": "Active"}]


@pytest.mark.parametrize("name", ["license_change.csv", "license_change.json"])
def test_midnight_without_a_zone_is_a_day_in_any_file(put: Put, source: FileSource, name: str):
    row = {"id": A, "effective_date": "2026-11-15 00:00:00"}
    as_csv = f"{','.join(row)}\n{','.join(row.values())}\n"
    put(name, json.dumps([row]) if name.endswith("json") else as_csv)

    assert source.read("license_change", ["effective_date"]).rows == [
        {"id": A, "effective_date": date(2026, 11, 15)}
    ]


@pytest.mark.parametrize("empty", [",,", ',"",', ",,,,", ","])
def test_empty_rows_as_spreadsheets_leave_them_are_no_rows(
    put: Put, source: FileSource, empty: str
):
    rows = f"{A},one,Active\n{empty}\n{B},two,Active\n"
    path = put("license_change.csv", f"id,name,status\n{rows}{empty}\n")

    result = source.read("license_change", ["name"])
    outcomes = source.write(
        "license_change", [RowUpdate(B, {"status": "Archived"}, {"status": "Active"})]
    )

    assert (result.findings, [row["name"] for row in result.rows]) == ([], ["one", "two"])
    assert outcomes == [RowOutcome(B)]
    assert path.read_text() == (
        f"id,name,status\n{A},one,Active\n{empty}\n{B},two,Archived\n{empty}\n"
    )


def test_the_line_of_a_finding_counts_the_lines_before_the_headings(
    put: Put, excel_style: FileSource
):
    put("license_change.csv", f"sep=;\r\n{';'.join(HEADINGS)}\r\n{A};x;15/11/2026;Active\r\n")

    findings = excel_style.read("license_change", COLUMNS).findings

    assert [finding.place.line for finding in findings if finding.place] == [3]


@pytest.mark.parametrize(
    ("cells", "setting"),
    [("2,5;2026-11-15", "source.format.decimal"), ("2;15/11/2026", "source.format.day")],
)
def test_without_a_format_nothing_is_guessed_and_the_setting_is_named(
    put: Put, source: FileSource, cells: str, setting: str
):
    put("license_change.csv", f"{';'.join(HEADINGS)}\n{A};{cells};Active\n")

    result = source.read("license_change", COLUMNS)

    assert result.rows == []
    assert setting in result.findings[0].text


def test_headings_of_dynamics_excel_exports_are_known(put: Put, source: FileSource):
    rows = [["(Do Not Modify) Account", "(Do Not Modify) Row Checksum", "Account Name"]]
    put("account.xlsx", workbook(("Sheet1", [*rows, [A.upper(), "x", "Alpine"]])))

    assert source.read("account", ["name"]).rows == [{"id": A, "name": "Alpine"}]


def table_file(suffix: str, rows: list[list[object]]) -> str | bytes:
    if suffix == "xlsx":
        return workbook(("Sheet1", rows))
    return "".join(f"{','.join(map(str, row))}\n" for row in rows)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_two_headings_for_the_key_are_refused(put: Put, source: FileSource, suffix: str):
    rows: list[list[object]] = [["id", "name", "License Change Log"], [A, "one", A]]
    put(f"license_change.{suffix}", table_file(suffix, rows))

    with pytest.raises(SourceError, match="and `License Change Log` are both id; remove all but"):
        source.read("license_change", ["name"])


@pytest.mark.parametrize(
    ("heading", "known", "column", "same", "other"),
    [
        ("Name", "name", "name", "x", "y"),
        ("Name", "name", "name", "x", ""),
        ("statuscode", "status", "status", "1", "2"),
        ("(Do Not Modify) Status Reason", "status", "status", "Active", "Archived"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_row_is_left_out_where_two_headings_for_one_column_have_two_values(
    put: Put, source: FileSource, suffix: str, heading: str, known: str, column: str, same, other
):
    values = {"name": "x", "status": "Active"}
    rows: list[list[object]] = [["id", *values, heading]]
    rows += [[A, *values.values(), same], [B, *values.values(), other]]
    path = put(f"license_change.{suffix}", table_file(suffix, rows))
    before = path.read_bytes()

    result = source.read("license_change", values)
    with pytest.raises(SourceError) as writing:
        source.write("license_change", [RowUpdate(A, {column: "z"}, {})])

    both = {f"`{known}` and `{heading}`", f"`{heading}` and `{known}`"}
    assert result.rows == [{"id": A, **values}]
    [finding] = result.findings
    text = finding.text.removeprefix(f"license_change {B}, {column}: ")
    assert text in {f"{names} differ, and are both this column" for names in both}
    messages = {f"{names} are both {column}; remove all but one of them" for names in both}
    assert str(writing.value).removeprefix("license_change: ") in messages
    assert path.read_bytes() == before


def test_an_export_of_dynamics_may_have_the_time_of_modification_twice(
    put: Put, source: FileSource
):
    headings = ["(Do Not Modify) Account", "(Do Not Modify) Modified On", "Modified On"]
    moment = "2026-11-15T10:00:00Z"
    put("account.csv", table_file("csv", [[*headings], [A, moment, moment]]))

    [row] = source.read("account", ["modified_on"]).rows

    assert row["modified_on"] == datetime(2026, 11, 15, 10, tzinfo=UTC)


def test_a_heading_that_names_two_columns_is_no_second_name(
    folder: Path, tables: Mapping[str, Table]
):
    """A profile may give a column of Dataverse the name that is ours for another one."""
    table = tables["license_change"]
    columns = {**table.columns, "name": replace(table.columns["name"], logical="status")}
    changed = {**tables, "license_change": replace(table, columns=columns)}
    (folder / "license_change.csv").write_text(f"id,status,statuscode\n{A},Alpine,Active\n")

    rows = FileSource(folder, changed, "work365").read("license_change", ["name", "status"]).rows

    assert rows == [{"id": A, "name": "Alpine", "status": "Active"}]


def test_a_value_to_write_has_the_spelling_of_the_file(folder: Path, tables: Mapping[str, Table]):
    file_format = parse_format({"day": "DD/MM/YYYY", "local_times": True})
    source = FileSource(
        folder, tables, "work365", zone=ZoneInfo("Europe/London"), file_format=file_format
    )
    path = folder / "license_change.csv"
    path.write_text(f"id,effective_date,created_on\n{A},15/11/2026,01/07/2026 12:00:00\n")
    update = RowUpdate(
        A,
        {"effective_date": date(2026, 12, 1), "created_on": datetime(2026, 7, 2, 9, tzinfo=UTC)},
        {},
    )

    source.write("license_change", [update])

    assert path.read_text() == (
        f"id,effective_date,created_on\n{A},01/12/2026,02/07/2026 10:00:00\n"
    )


@pytest.mark.parametrize("hour", [0, 1])
def test_a_time_of_the_hour_that_comes_twice_is_read_back_as_it_was_written(
    folder: Path, tables: Mapping[str, Table], hour: int
):
    file_format = parse_format({"day": "DD/MM/YYYY", "local_times": True})
    source = FileSource(
        folder, tables, "work365", zone=ZoneInfo("Europe/London"), file_format=file_format
    )
    (folder / "license_change.csv").write_text(f"id,created_on\n{A},\n")
    moment = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)

    outcomes = source.write("license_change", [RowUpdate(A, {"created_on": moment}, {})])

    assert outcomes == [RowOutcome(A)]
    assert source.read("license_change", ["created_on"]).rows == [{"id": A, "created_on": moment}]


def test_a_value_that_the_file_would_not_give_back_is_refused(
    folder: Path, tables: Mapping[str, Table], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ValueFormat, "write", lambda *_: "2026-07-01")
    path = folder / "license_change.csv"
    path.write_text(f"id,effective_date\n{A},2026-11-15\n")
    update = RowUpdate(A, {"effective_date": date(2026, 1, 7)}, {})

    outcomes = FileSource(folder, tables, "work365").write("license_change", [update])

    reason = "effective_date: the file would give back 2026-07-01 for 2026-01-07; see source.format"
    assert outcomes == [RowOutcome(A, reason)]
    assert path.read_text() == f"id,effective_date\n{A},2026-11-15\n"
