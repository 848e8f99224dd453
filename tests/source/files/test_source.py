"""A folder of exports is read as typed rows, and as findings with their places."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from trueup.errors import SourceError
from trueup.model.catalogue import Table
from trueup.model.finding import Severity
from trueup.source.files.csv_document import LONGEST_CELL
from trueup.source.files.source import FileSource

Put = Callable[[str, str | bytes], Path]
A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "bbbbbbbb-0000-4000-8000-000000000002"
C = "cccccccc-0000-4000-8000-000000000003"
DISPLAY = "@OData.Community.Display.V1.FormattedValue"


def lines(findings) -> list[str]:
    return [finding.line().splitlines()[0].replace("work365/", "") for finding in findings]


def test_json_as_dataverse_exports_it_becomes_typed_rows(put: Put, source: FileSource):
    put(
        "subscription.json",
        json.dumps(
            {
                "@odata.context": "https://example.crm.dynamics.com/api/data/v9.2/$metadata",
                "value": [
                    {
                        "@odata.etag": 'W/"77"',
                        "work365_subscriptionid": B,
                        "_work365_subscription_customer_value": A.upper(),
                        "work365_subscription_quantity": 12.5,
                        "work365_subscription_billablestatus": 126340000,
                        f"work365_subscription_billablestatus{DISPLAY}": "Billable",
                        "work365_subscription_effectivestartdate": "2026-01-01",
                        "_work365_subscription_salesunit_value": C,
                        f"_work365_subscription_salesunit_value{DISPLAY}": "Annual",
                        "_transactioncurrencyid_value": "dddddddd-0000-4000-8000-000000000003",
                        f"_transactioncurrencyid_value{DISPLAY}": "CHF",
                        "statecode": 0,
                        f"statecode{DISPLAY}": "Aktiv",
                        "statuscode": 2,
                        "work365_subscription_psasystem_id": None,
                    }
                ],
            }
        ),
    )
    columns = [
        "customer",
        "quantity",
        "billable",
        "effective_start",
        "unit",
        "currency",
        "state",
        "status",
    ]

    result = source.read("subscription", [*columns, "psa_system_id"])

    assert result.findings == []
    assert result.rows == [
        {
            "id": B,
            "customer": A,
            "quantity": Decimal("12.5"),
            "billable": True,
            "effective_start": date(2026, 1, 1),
            "unit": "Annual",
            "currency": "CHF",
            "state": "Active",
            "status": "Suspended",
            "psa_system_id": None,
        }
    ]


def test_a_bare_list_under_our_own_names_is_read(put: Put, source: FileSource):
    put(
        "license_change.json",
        json.dumps([{"id": "L-1", "quantity": 3, "status": "Active", "created_on": None}]),
    )

    result = source.read("license_change", ["quantity", "status", "created_on"])

    assert result.rows == [
        {"id": "L-1", "quantity": Decimal(3), "status": "Active", "created_on": None}
    ]


@pytest.mark.parametrize("turn", [1, -1], ids=["as they are", "reversed"])
@pytest.mark.parametrize(
    ("column", "rows", "expected"),
    [
        pytest.param(
            "status",
            [
                {"statuscode": None},
                {"statuscode": 2, f"statuscode{DISPLAY}": "Active"},
                {"statuscode": 2},
            ],
            [None, "Active", "Archived"],
            id="choice",
        ),
        pytest.param(
            "unit",
            [{"unit": None}, {"unit": 826, f"unit{DISPLAY}": "Annual"}, {"unit": "Monthly"}],
            [None, "Annual", "Monthly"],
            id="text",
        ),
        pytest.param(
            "is_audit",
            [{"is_audit": 7, f"is_audit{DISPLAY}": "Yes"}, {"is_audit": True}, {"is_audit": 0}],
            [True, True, False],
            id="boolean",
        ),
        pytest.param(
            "status",
            [
                {"status": "Active"},
                {"status": "Active", "statuscode": 2},
                {"status": "Archived", "statuscode": None},
            ],
            ["Active", "Archived", "Archived"],
            id="several names",
        ),
    ],
)
def test_each_row_is_read_by_its_own_names_and_display_texts(
    put: Put, source: FileSource, column: str, rows: list, expected: list, turn: int
):
    listed = [{"id": id_, **row} for id_, row in zip((A, B, C), rows, strict=True)]
    put("license_change.json", json.dumps(listed[::turn]))

    result = source.read("license_change", [column])

    assert result.findings == []
    assert [row[column] for row in result.rows] == expected


def test_a_whole_answer_may_have_the_link_to_later_changes(put: Put, source: FileSource):
    answer = {
        "@odata.context": "https://x/$metadata#accounts(name)",
        "value": [{"accountid": A, "name": "Alpine"}],
        "@odata.deltaLink": "https://x/accounts?$deltatoken=1",
    }
    put("account.json", json.dumps(answer))

    assert source.read("account", ["name"]).rows == [{"id": A, "name": "Alpine"}]


def test_values_under_several_names_of_a_column_are_read_whatever_the_first_row_has(
    put: Put, source: FileSource
):
    first = {"id": "L-1", "statuscode": None, "status": "Active"}
    put("license_change.json", json.dumps([first, {**first, "id": "L-2", "statuscode": 2}]))

    rows = source.read("license_change", ["status"]).rows

    assert [row["status"] for row in rows] == ["Active", "Archived"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_becomes_typed_rows(put: Put, source: FileSource, encoding: str, delimiter: str):
    good = f'{B},"Ünlü; Söhne",0,2026-01-01T10:00:00Z'
    text = f"accountid,name,statecode,modifiedon\r\n{good}\r\n\r\n{A},Zwei,1,\r\n"
    put(
        "account.csv",
        text.replace("; ", "_").replace(",", delimiter).replace("_", "; ").encode(encoding),
    )

    result = source.read("account", ["name", "state", "modified_on"])

    assert result.findings == []
    assert result.rows == [
        {"id": A, "name": "Zwei", "state": "Inactive", "modified_on": None},
        {
            "id": B,
            "name": "Ünlü; Söhne",
            "state": "Active",
            "modified_on": datetime(2026, 1, 1, 10, tzinfo=UTC),
        },
    ]


def test_rows_are_ordered_by_key_whatever_their_order_in_the_file(put: Put, source: FileSource):
    put("account.csv", "id\nb\nc\na\n")

    assert [row["id"] for row in source.read("account", []).rows] == ["a", "b", "c"]


def test_rows_with_faults_are_left_out_and_reported_with_their_lines(put: Put, source: FileSource):
    put(
        "license_change.csv",
        "id,quantity,effective_date,name\n"
        "L1,1,2026-01-01,good\n"
        'L2,many,01/02/2026,"two\nlines"\n'
        ",3,2026-01-01,no key\n"
        "L4,1,2026-01-01,first\n"
        "L5,1\n"
        "L4,2,2026-01-01,again\n",
    )

    result = source.read("license_change", ["quantity", "effective_date", "name"])

    assert [row["id"] for row in result.rows] == ["L1"]
    assert [(finding.code, finding.key, finding.severity) for finding in result.findings] == [
        ("value-not-its-type", "L2", Severity.ERROR),
        ("value-not-its-type", "L2", Severity.ERROR),
        ("row-without-key", "", Severity.ERROR),
        ("key-twice", "L4", Severity.ERROR),
        ("row-unreadable", "", Severity.ERROR),
        ("key-twice", "L4", Severity.ERROR),
    ]
    assert lines(result.findings) == [
        (
            'license_change.csv:3:1: license_change L2, effective_date: "01/02/2026" is not a '
            "day (YYYY-MM-DD): how the file writes days is set by source.format.day"
        ),
        'license_change.csv:3:1: license_change L2, quantity: "many" is not a number',
        "license_change.csv:5:1: a row of license_change has no key",
        (
            "license_change.csv:6:1: license_change L4 occurs more than once (also at "
            "license_change.csv:8:1)"
        ),
        "license_change.csv:7:1: a row has 2 cells where the first line names 4 columns",
        (
            "license_change.csv:8:1: license_change L4 occurs more than once (also at "
            "license_change.csv:6:1)"
        ),
    ]


def test_the_readable_values_of_a_row_left_out_are_kept_with_its_name(put: Put, source: FileSource):
    put(
        "license_change.csv",
        "id,quantity,effective_date,name\n"
        "L1,many,2026-01-01,Mail\nL2,1,2026-01-01,Two\nL2,2,2026-01-01,Two\n"
        "L3,1,soon,Three\nL3,1,2026-01-01,Drei\n,1,2026-01-01,Keyless\nL4,5\n",
    )

    result = source.read("license_change", ["quantity", "effective_date", "name"])

    day = date(2026, 1, 1)
    assert result.parts == {
        "L1": {"id": "L1", "effective_date": day, "name": "Mail"},
        "L2": {
            "id": "L2",
            "effective_date": day,
            "name": "Two",
        },  # the values that both rows share
        "L3": {"id": "L3", "quantity": 1},
    }
    assert [part for _, part in result.keyless] == [
        {"id": None, "quantity": 1, "effective_date": day, "name": "Keyless"},
        {},  # no row of columns and values
    ]
    assert {
        key: sorted({finding.name for finding in findings})
        for key, findings in result.left_out().items()
    } == {
        "": ["", "Keyless"],
        "L1": ["Mail"],
        "L2": ["Two"],
        "L3": ["", "Three"],
    }


def test_in_json_a_finding_names_the_line_where_the_row_starts(put: Put, source: FileSource):
    put(
        "account.json",
        '{"value": [\n  {"id": "a",\n   "name": "A"},\n  7,\n  {"name": "B"},\n  {"id": []}\n]}',
    )

    result = source.read("account", ["name"])

    assert [row["id"] for row in result.rows] == ["a"]
    assert lines(result.findings) == [
        "account.json:4:1: a row is not an object of columns and values",
        "account.json:5:1: a row of account has no key",
        "account.json:6:1: account without a key, id: [] is not a key",
    ]


def test_rows_have_the_place_where_they_start_in_their_file(put: Put, source: FileSource):
    put("account.csv", f"id,name\n{A},Alpine\n{B},Elm & Oak\n{C},\n{C},twice\n")

    places = source.places("account", [B, C, "unknown"])

    assert {key: str(place) for key, place in places.items()} == {
        B: "work365/account.csv:3:1",
        C: "work365/account.csv:4:1",
    }


def test_two_spellings_of_a_guid_are_one_key(put: Put, source: FileSource):
    put("account.csv", f"accountid\n{A}\n{{{A.upper()}}}\n")

    result = source.read("account", [])

    assert result.rows == []
    assert [finding.code for finding in result.findings] == ["key-twice", "key-twice"]


def test_terminal_escapes_are_dropped_with_a_warning_and_html_stays(put: Put, source: FileSource):
    put(
        "account.json",
        json.dumps([{"id": "a", "name": "\u001b[31mRed\u001b[0m <b>Roof</b>", "phone": "1\u0007"}]),
    )

    result = source.read("account", ["name", "phone"])

    assert result.rows == [{"id": "a", "name": "Red <b>Roof</b>", "phone": "1"}]
    assert [(finding.severity, finding.name) for finding in result.findings] == [
        (Severity.WARNING, "Red <b>Roof</b>")
    ]
    assert lines(result.findings) == [
        (
            "account.json:1:1: account a, name, phone: control characters, terminal escapes or "
            "invisible characters were removed"
        )
    ]


def test_a_table_without_rows_is_empty(put: Put, source: FileSource):
    put("account.json", '{"value": []}')
    put("contact.csv", "contactid,lastname\n")

    assert source.read("account", ["name"]).rows == []
    assert source.read("contact", ["last_name"]).rows == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("account.json", '{"value": [', "account.json:1:12: Expecting value"),
        (
            "account.json",
            '{"value": [{"id": "a"}]} x',
            "account.json:1:26: the end of the text was expected",
        ),
        (
            "account.json",
            '{"value": [{"id": "a"},]}',
            "account.json:1:24: a comma or `]` was expected",
        ),
        (
            "account.json",
            "<html>Sign in</html>",
            (
                "account.json:1:1: a list of rows, or an object with `value`, was expected; it "
                "looks like HTML"
            ),
        ),
        (
            "account.json",
            '{"rows": []}',
            "account.json:1:12: an object with a list under `value` was expected",
        ),
        (
            "account.json",
            '{"id": "a"}\n{"id": "b"}\n',
            (
                "account.json:1:11: an object in each line was found; write them as one list, "
                "[{…}, {…}]"
            ),
        ),
        (
            "account.json",
            '{"value": [{"id": "a"}]}\n{"value": [{"id": "b"}]}\n',
            (
                "account.json:2:1: an object in each line was found; write them as one list, "
                "[{…}, {…}]"
            ),
        ),
        (
            "account.json",
            '{"id": "a"},\n{"id": "b"}\n',
            (
                "account.json:1:11: an object in each line was found; write them as one list, "
                "[{…}, {…}]"
            ),
        ),
        (
            "account.json",
            r'{"error": {"message": "a\u001b[31m\u202eb\nerror: forged\u0007 line"}}',
            ("account.json:1:70: the file is a refusal of the server (ab error: forged line)"),
        ),
        (
            "account.json",
            r'[{"a\u202eb\nerror:\u0007 c": 1, "a\u202eb\nerror:\u0007 c": 2}]',
            "account.json:1:2: `ab error: c` occurs twice in one row; keep one of them",
        ),
        (
            "account.json",
            r'{"a\u202eb\nerror:\u0007 c": 1, "a\u202eb\nerror:\u0007 c": 2}',
            "account.json:1:33: `ab error: c` occurs twice; keep one of them",
        ),
        (
            "account.csv",
            'id,"a\u202eb\nerror:\u0007 c","a\u202eb\nerror:\u0007 c"\n',
            (
                "account.csv:1: `ab error: c` occurs more than once; the first line must name each "
                "column once"
            ),
        ),
        (
            "account.json",
            '{"error": {"code": "0x80040220", "message": "The user lacks prvReadAccount."}}',
            (
                "account.json:1:78: the file is a refusal of the server "
                "(The user lacks prvReadAccount.)"
            ),
        ),
        (
            "account.json",
            '{"error": "invalid_grant", "error_description": "x"}',
            "account.json:1:52: the file is a refusal of the server (invalid_grant)",
        ),
        (
            "account.json",
            '{"value": [], "@odata.nextLink": "https://x"}',
            "account.json is one page of several (it has `@odata.nextLink`); export all of them",
        ),
        (
            "account.json",
            (
                '{"value": [{"id": "a", "name": "Alp"},\n'
                '{"@odata.context": "https://x/$metadata#accounts/$deletedEntity", "id": "b"}]}'
            ),
            (
                "account.json:2: the file has the changes since an earlier export "
                "(`/$deletedEntity`), not the whole table; export all rows"
            ),
        ),
        (
            "account.json",
            (
                '{"@odata.context": "https://x/$metadata#accounts(name)/$delta",\n'
                '"value": [{"id": "a", "name": "Alp"}]}'
            ),
            (
                "account.json: the file has the changes since an earlier export (`/$delta`), not "
                "the whole table; export all rows"
            ),
        ),
        (
            "account.json",
            "",
            "account.json:1:1: a list of rows, or an object with `value`, was expected",
        ),
        (
            "account.json",
            "[" * 100_000,
            "account.json: a value is nested too deeply or a number is too long",
        ),
        (
            "account.json",
            '[{"id": ' + "9" * 5000 + "}]",
            "account.json: a value is nested too deeply or a number is too long",
        ),
        (
            "account.json",
            b'[{"id": "a", "name": "K\xe4se"}]',
            "account.json is not UTF-8 from byte 23 on (the byte there is 0xe4); save it as UTF-8",
        ),
        (
            "account.csv",
            "id,name\na,b\n".encode("utf-16")[:-1],
            (
                "account.csv is not UTF-16-LE from byte 24 on "
                "(the byte there is 0x0a); save it as UTF-8"
            ),
        ),
        (
            "account.csv",
            "id,name,name\n",
            (
                "account.csv:1: `name` occurs more than once; the first line must name "
                "each column once"
            ),
        ),
        (
            "account.csv",
            "",
            "account.csv:1: no columns are named; the first line must name each column once",
        ),
        (
            "account.csv",
            'id,name\na,"open\n',
            (
                "account.csv:2: unexpected end of data; "
                "the quotation mark at the end of a cell is missing"
            ),
        ),
        (
            "account.csv",
            'id,name\na,"open\nb,"c"\n',
            (
                "account.csv:2: text follows the quotation mark that ends a cell; a quotation mark "
                'within a cell is written twice (""), or the one at the end of a cell before is '
                "missing"
            ),
        ),
        (
            "account.csv",
            'id,name\na,"' + "x" * (LONGEST_CELL + 1),
            (
                f"account.csv:2: a cell has more than {LONGEST_CELL:,} characters; "
                "if it opens with a quotation mark, the one at its end is missing"
            ),
        ),
        (
            "account.csv",
            "Report of accounts\nid,name,telephone1\na,b,c\n",
            (
                "account.csv: its first row, `Report of accounts`, is no row of headings: it names "
                "no column of Account. Remove the lines above the headings, or export the table "
                "again as CSV in UTF-8"
            ),
        ),
        (
            "account.csv",
            "id,name,telefone1\na,b,c\n",
            (
                "account.csv: no column for phone (`telephone1`); did you mean `telefone1`. "
                "Export table Account with these columns"
            ),
        ),
        (
            "account.json",
            '[{"accountid": "a", "name": "b"}]',
            (
                "account.json: no column for phone (`telephone1`). Export table Account with "
                "these columns"
            ),
        ),
        (
            "account.json",
            (
                '[{"id": "a", "name": "b", "phone": ""},\n {"id": "c", "name": "d", "phone": '
                '"\\"name\\":", "name" : "e"}]'
            ),
            "account.json:2:49: `name` occurs twice in one row; keep one of them",
        ),
        (
            "account.json",
            '[{"id": "a", "name": {"x": 1, "\\u0078": 2}}]',
            "account.json:1:2: `x` occurs twice in one row; keep one of them",
        ),
        (
            "account.json",
            '{"value": [{"id": "a"}],\n "value": []}',
            "account.json:2:2: `value` occurs twice; keep one of them",
        ),
        (
            "account.json",
            '{"@odata.count": 1, "value": [{"id": "a"}], "@odata.count": 2}',
            "account.json:1:45: `@odata.count` occurs twice; keep one of them",
        ),
        (
            "billing_account_plan.json",
            "[]",
            "account.json, account.csv or account.xlsx was expected and does not exist",
        ),
        (
            "acount.json",
            "[]",
            (
                "account.json, account.csv or account.xlsx was expected and does not exist; "
                "did you mean "
                "`acount.json`?"
            ),
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_one_error(
    put: Put, source: FileSource, name: str, content: str | bytes, message: str
):
    put(name, content)

    with pytest.raises(SourceError) as failed:
        source.read("account", ["name", "phone"])

    assert str(failed.value).replace("work365/", "") == message


def test_two_files_for_one_table_are_refused(put: Put, source: FileSource):
    put("account.json", "[]")
    put("account.csv", "id\n")

    with pytest.raises(SourceError, match="exist; keep one of them"):
        source.read("account", [])


def test_a_folder_in_the_place_of_a_file_is_reported(folder: Path, source: FileSource):
    (folder / "account.json").mkdir()

    with pytest.raises(SourceError) as failed:
        source.read("account", [])

    assert str(failed.value) == "work365/account.json is a folder, and a file was expected"


def test_a_missing_folder_is_an_error(tables: Mapping[str, Table], tmp_path: Path):
    with pytest.raises(SourceError, match=r"there is no folder exports; exports/account\.json,"):
        FileSource(tmp_path / "exports", tables, "exports").read("account", [])


def test_unknown_tables_and_columns_are_errors_with_the_nearest_name(put: Put, source: FileSource):
    put("account.csv", "id\n")

    with pytest.raises(SourceError, match="there is no table `acount`; did you mean `account`"):
        source.read("acount", [])
    with pytest.raises(
        SourceError, match="table account has no column `phon`; did you mean `phone`"
    ):
        source.read("account", ["phon"])


def test_a_column_that_only_some_rows_have_is_read(put: Put, source: FileSource):
    put(
        "account.json",
        json.dumps([{"id": "a"}, {"id": "b", "telephone1": "1"}, {"id": "c", "phone": "2"}]),
    )

    assert [row["phone"] for row in source.read("account", ["phone"]).rows] == [None, "1", "2"]


def test_days_follow_the_business_time_zone(put: Put, folder: Path, tables: Mapping[str, Table]):
    put("license_change.json", json.dumps([{"id": "a", "effective_date": "2026-02-28T23:00:00Z"}]))
    source = FileSource(folder, tables, "work365", zone=ZoneInfo("Europe/Zurich"))

    assert source.read("license_change", ["effective_date"]).rows[0]["effective_date"] == date(
        2026, 3, 1
    )


def test_messages_show_the_sources_name_and_not_its_path(
    put: Put, source: FileSource, folder: Path
):
    put("account.json", "{")

    with pytest.raises(SourceError) as failed:
        source.read("account", [])

    assert source.describe() == "work365"
    assert str(folder.parent) not in str(failed.value)


def test_a_readable_and_an_unreadable_row_with_one_key_are_both_left_out(
    put: Put, source: FileSource
):
    put("license_change.csv", "id,quantity\na,1\nb,2\na,many\n")

    result = source.read("license_change", ["quantity"])

    assert [row["id"] for row in result.rows] == ["b"]
    assert [(finding.code, finding.key) for finding in result.findings] == [
        ("key-twice", "a"),
        ("key-twice", "a"),
        ("value-not-its-type", "a"),
    ]


def test_a_text_that_is_too_long_is_left_out_with_its_row_in_any_format(
    put: Put, source: FileSource
):
    rows = [{"id": "a", "name": "x" * 2_000_000}, {"id": "b", "name": "Bergen"}]
    files = {
        "json": json.dumps(rows),
        "csv": "id,name\n" + "\n".join(",".join(row.values()) for row in rows),
    }
    for kind, text in files.items():
        path = put(f"account.{kind}", text)
        result = source.read("account", ["name"])
        path.unlink()

        assert result.rows == [rows[1]]
        assert [finding.code for finding in result.findings] == ["value-not-its-type"]
        assert "is a text of 2,000,000 characters, and at most 1,048,576" in result.findings[0].text
