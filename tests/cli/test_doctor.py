"""`trueup doctor` opens each table of the source, and says what is there and what is wrong."""

import csv
import json
import sqlite3

import pytest
import yaml
from trueup.operations.project import load_project
from trueup.source.column_reader import DISPLAY_SUFFIX


@pytest.fixture
def source(work):
    """Writes `source:` of trueup.yaml."""

    def write(**options):
        file = work / "trueup.yaml"
        project = yaml.safe_load(file.read_text())
        project["source"] = options
        file.write_text(yaml.safe_dump(project, sort_keys=False))

    return write


@pytest.fixture
def database(work):
    """The example exports as tables of one SQLite file in the project's folder."""
    tables = load_project(work).catalogue.tables
    with sqlite3.connect(work / "w365.sqlite") as connection:
        for file in sorted((work / "examples/work365").iterdir()):
            text = file.read_text()
            rows = (
                json.loads(text)["value"]
                if file.suffix == ".json"
                else list(csv.DictReader(text.splitlines()))
            )
            names = list(dict.fromkeys(name for row in rows for name in row if "@" not in name))
            columns = ", ".join(f'"{name}"' for name in names)
            logical = tables[file.stem].logical
            connection.execute(f"CREATE TABLE {logical} ({columns})")
            connection.executemany(
                f"INSERT INTO {logical} VALUES ({', '.join('?' * len(names))})",  # noqa: S608 -- our names
                [[row.get(name + DISPLAY_SUFFIX, row.get(name)) for name in names] for row in rows],
            )
    connection.close()
    return work / "w365.sqlite"


@pytest.mark.usefixtures("whole")
def test_each_file_is_opened_and_counted(trueup):
    code, out, _ = trueup("doctor")
    assert code == 0
    where = "examples/work365"
    assert f"info: account: 40 rows with all 15 columns that the project uses, in {where}" in out
    assert f"{where}/product.csv\n" in out
    assert "info: license_change: can be written back\n" in out


def test_every_fault_of_a_file_is_shown_with_what_to_do(whole, trueup):
    folder = whole / "examples/work365"
    accounts = folder / "account.json"
    accounts.write_text(accounts.read_text().replace('"telephone1"', '"phone_no"'))
    (folder / "contact.json").unlink()
    changes = json.loads((folder / "license_change.json").read_text())
    changes["value"][7]["work365_lcl_effectivedate"] = "soon"
    (folder / "license_change.json").write_text(json.dumps(changes, indent=1))

    code, out, _ = trueup("doctor")

    assert code == 1
    assert "error: examples/work365/account.json: no column for phone (`telephone1`)" in out
    assert "contact.xlsx was expected and does not exist\n    → correct `source:`" in out
    assert "info: license_change: 599 rows with all 9 columns" in out
    assert "license_change: 1 fault in rows, the first: license_change " in out
    assert 'effective_date: "soon" is not a day' in out
    assert "2 problems and 1 warning found." in out


def test_a_file_that_cannot_be_marked_is_found_before_apply(work, trueup, monkeypatch):
    refused = work / "examples/work365/license_change.json"
    real = type(refused).open

    def no_writing(path, mode="r", *rest, **options):
        if path.name == refused.name and "+" in mode:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, mode, *rest, **options)

    monkeypatch.setattr(type(refused), "open", no_writing)

    code, out, _ = trueup("doctor")

    assert code == 1
    assert (
        "error: license_change: examples/work365/license_change.json cannot be opened for writing: "
        "Permission denied\n    → until then apply cannot mark what it has done\n" in out
    )
    assert not list(refused.parent.glob(".*.lock"))


@pytest.mark.usefixtures("whole", "database")
def test_each_table_of_a_database_is_opened_from_any_folder(
    work, trueup, source, tmp_path, monkeypatch
):
    source(connector="sql", url="sqlite:///w365.sqlite")
    monkeypatch.chdir(tmp_path)

    code, out, _ = trueup("doctor", "--project", work)

    table = "table work365_subscription"
    assert (
        f"info: subscription: 180 rows with all 16 columns that the project uses, "
        f"in sqlite w365.sqlite, {table}\n" in out
    )
    assert code == 1
    assert "the profile names no UPDATE statement for license_change" in out


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("work365_lcl_quantity = :expected_quantity", "info: license_change: can be written back"),
        (
            "work365_lcl_name = :expected_name",
            "statement (`write_back:`) needs :expected_name; the mapping gives it :expected_",
        ),
    ],
)
def test_a_statement_may_compare_what_the_units_of_a_change_were_taken_from(
    whole, trueup, source, database, condition, found
):
    source(connector="sql", url="sqlite:///w365.sqlite", profile="names.yaml")
    update = "UPDATE work365_licensechangelog SET work365_lcl_status = :status"
    statement = f"{update} WHERE work365_licensechangelogid = :key AND {condition}"
    names = {"tables": {"license_change": {"write_back": statement}}}
    (whole / "names.yaml").write_text(yaml.safe_dump(names))

    assert found in trueup("doctor")[1]


def test_the_first_cause_of_a_database_is_shown_once_and_without_secrets(trueup, source, database):
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TABLE product")
    connection.close()
    source(connector="sql", url="sqlite:///w365.sqlite")
    assert "error: sqlite w365.sqlite has no table `product` (product)\n" in trueup("doctor")[1]

    source(connector="sql", url="sqlite:///w366.sqlite")
    code, out, _ = trueup("doctor")
    assert code == 1
    assert out.count("there is no file w366.sqlite; nothing is created") == 1
    assert not database.with_name("w366.sqlite").exists()

    source(connector="sql", url="postgresql+psycopg://reader:n0tt0besh0wn@127.0.0.1:1/base")
    code, out, err = trueup("doctor", "--json")
    assert code == 1
    assert "n0tt0besh0wn" not in out + err


def test_a_source_that_cannot_be_opened_does_not_hide_the_target(trueup, source):
    source(connector="sql", url="{{ env.NOT_SET_HERE }}")

    code, out, err = trueup("doctor")

    assert (code, err) == (1, "")
    assert "info: Companies: create, query, update granted\n" in out
    assert "error: the environment variable NOT_SET_HERE is not set\n" in out
    assert "    → export NOT_SET_HERE=…\n" in out
