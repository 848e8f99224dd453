"""An environment with other names: found, told apart by how sure it is, written down, and read through that."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from engine.config.documents import parse
from engine.model.catalogue import Table
from engine.model.finding import Severity
from engine.sandbox.dataverse.schema import Choice, Habits
from engine.sandbox.dataverse.server import DataverseSandbox
from engine.source.dataverse.discover import Discovery, Sure, discover
from engine.source.dataverse.doctor import examine
from engine.source.dataverse.found import as_text, as_yaml
from engine.source.profile import Profile, profile_of
from tests.source.dataverse_worlds import COLUMNS, LOG, TABLES, World, environment, log

ROWS = {"license_change": [log(1), log(2, status="Archived")]}
READ = {"license_change": COLUMNS, "account": ("name", "phone")}
WRITTEN = {"license_change": ("status",)}


def renamed(tables: Mapping[str, Table]) -> Mapping[str, Table]:
    """As the other edition may have it: another prefix, some labels changed, one column not there."""
    made = {}
    for name, table in tables.items():
        columns = {
            each.name: replace(each, logical=each.logical.replace("work365_lcl_", "wk_ld_"))
            for each in table.columns.values()
        }
        logical = table.logical.replace("work365_licensechangelog", "wk_licensedetail")
        key = columns[table.key]
        columns[table.key] = replace(key, logical=key.logical.replace("work365_licensechangelog", "wk_licensedetail"))
        made[name] = replace(table, logical=logical, entity_set=f"{logical}s", columns=columns)
    log_columns = dict(made["license_change"].columns)
    log_columns["effective_date"] = replace(log_columns["effective_date"], label="Effective Dates")
    del log_columns["invoice"]
    made["license_change"] = replace(made["license_change"], columns=log_columns)
    return made


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    rows = {
        "license_change": [{name: row[name] for name in COLUMNS if name != "invoice"} for row in ROWS["license_change"]]
    }
    with DataverseSandbox(renamed(TABLES), rows, environment()) as sandbox:
        yield World(sandbox, tmp_path)


def found(world: World) -> Discovery:
    with world.source() as source:
        return discover(source.client, TABLES)


def test_names_are_found_by_name_by_label_or_guessed_and_each_says_which(world: World):
    tables = {match.table.name: match for match in found(world).tables}
    changes = tables["license_change"]
    columns = {each.column.name: each for each in changes.columns}

    assert (tables["account"].sure, changes.sure, changes.definition.logical) == (
        Sure.NAME,
        Sure.LABEL,
        "wk_licensedetail",
    )
    assert {name: str(columns[name].sure) for name in ("id", "status", "quantity", "effective_date", "invoice")} == {
        "id": "by its display label",
        "status": "by its logical name",
        "quantity": "by its display label",
        "effective_date": "by a label like it: check this",
        "invoice": "not found",
    }
    assert columns["effective_date"].attribute.logical == "wk_ld_effectivedate"


def test_what_is_guessed_or_missing_is_named_for_what_is_needed(world: World):
    assert found(world).unresolved(
        {"license_change": ("status", "effective_date", "invoice"), "account": ("name",)}
    ) == [
        "license_change.effective_date",
        "license_change.invoice",
    ]


def test_the_profile_that_is_written_can_be_read_and_gives_the_rows(world: World):
    (document,), faults = parse(as_yaml(found(world)).encode(), "profile.yaml")
    profile = profile_of(document.data, TABLES, document)

    with world.source() as source:
        plain = source.profile
    rows = replace(world, profile=profile).read(columns=[name for name in COLUMNS if name != "invoice"])

    assert faults == []
    assert plain.tables["license_change"].logical != profile.tables["license_change"].logical
    assert rows == [{name: row[name] for name in COLUMNS if name != "invoice"} for row in ROWS["license_change"]]


def test_the_texts_say_what_to_look_at(world: World):
    yaml, text = as_yaml(found(world)), as_text(found(world))

    assert "  license_change:   # by its display label\n    logical: wk_licensedetail\n" in yaml
    assert "      effective_date: {logical: wk_ld_effectivedate}   # by a label like it: check this\n" in yaml
    assert "      # invoice: not found (label: Invoice)\n" in yaml
    assert "?   effective_date  wk_ld_effectivedate  by a label like it: check this\n" in text
    assert "!   invoice  ?  not found\n" in text


def test_a_choice_that_is_called_otherwise_here_is_shown_with_its_numbers(world: World):
    attributes = world.sandbox.kinds["wk_licensedetail"].attributes
    choices = (Choice(1, "Active", 0), Choice(126340100, "Done", 1))
    attributes["statuscode"] = replace(attributes["statuscode"], choices=choices)

    assert (
        "      # no choice here is Archived; there are {1: Active, 126340100: Done}: say `choices:` or `labels:`\n"
    ) in as_yaml(found(world))


def test_two_that_are_alike_are_none(world: World):
    attributes = world.sandbox.kinds["wk_licensedetail"].attributes
    attributes["wk_other"] = replace(attributes["wk_ld_quantity"], logical="wk_other")

    match = next(match for match in found(world).tables if match.table.name == "license_change")

    assert next(each.sure for each in match.columns if each.column.name == "quantity") is Sure.MISSING


def test_a_table_that_is_not_there_is_a_comment_in_the_profile(world: World):
    del world.sandbox.kinds["wk_licensedetail"]

    assert "  # license_change: not found (label: License Change Log)\n" in as_yaml(found(world))


@pytest.fixture
def usual(tmp_path: Path) -> Iterator[World]:
    with DataverseSandbox(TABLES, ROWS, environment()) as sandbox:
        yield World(sandbox, tmp_path)


def said(world: World, **needs: object) -> list[tuple[str, Severity, str]]:
    with world.source() as source:
        findings = examine(source.client, world.profile, needs.get("read", READ), needs.get("written", WRITTEN))
    return [(finding.code, finding.severity, finding.text) for finding in findings]


def test_the_doctor_finds_all_well_and_says_which_role_that_takes(usual: World):
    got = said(usual)
    role = "the role of the application user needs Read at organisation level on"

    assert {severity for _, severity, _ in got} == {Severity.INFO}
    assert [text for _, _, text in got[1:]] == [
        "license_change: all rows can be read",
        "license_change: changes are tracked",
        "license_change: optimistic concurrency is on",
        "license_change: our user may write back",
        "account: all rows can be read",
        "account: changes are tracked",
        f"{role} Account, License Change Log; Write on License Change Log",
    ]


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (
            lambda sandbox: sandbox.denied.add(f"prvRead{LOG}"),
            "source-read",
            "license_change: our user may not read it",
        ),
        (
            lambda sandbox: sandbox.shallow.add(f"prvRead{LOG}"),
            "source-read",
            "license_change: our user reads own rows only; the others would look deleted",
        ),
        (
            lambda sandbox: sandbox.denied.add(f"prvWrite{LOG}"),
            "source-write",
            "license_change: our user may not write back",
        ),
        (lambda sandbox: sandbox.kinds.pop(LOG), "source-names", "has no table `work365_licensechangelog`"),
    ],
)
def test_the_doctor_says_what_stands_in_the_way(usual: World, change, code: str, text: str):
    change(usual.sandbox)

    errors = [each for each in said(usual) if each[1] is Severity.ERROR]

    assert [each[0] for each in errors] == [code]
    assert text in errors[0][2]


def test_the_doctor_warns_of_what_costs_something(tmp_path: Path):
    habits = Habits(untracked=frozenset({LOG}), unguarded=frozenset({LOG}))
    with DataverseSandbox(TABLES, ROWS, environment(habits=habits)) as sandbox:
        got = said(World(sandbox, tmp_path), written={"license_change": ("status", "psa_system_id")})
        log_only = said(
            World(sandbox, tmp_path), read={"subscription": ("name",)}, written={"subscription": ("psa_system_id",)}
        )

    assert [text for _, severity, text in got if severity is Severity.ERROR] == [
        "table license_change has no column `psa_system_id`"
    ]
    assert [text for _, severity, text in log_only if severity is Severity.WARNING] == [
        "the profile does not say which Autotask id subscription.psa_system_id holds; it is not written"
    ]


def test_the_doctor_warns_of_tables_without_tracking_or_concurrency(tmp_path: Path):
    habits = Habits(untracked=frozenset({LOG}), unguarded=frozenset({LOG}))
    with DataverseSandbox(TABLES, ROWS, environment(habits=habits)) as sandbox:
        got = said(World(sandbox, tmp_path))

    assert [text for _, severity, text in got if severity is Severity.WARNING] == [
        "license_change: changes are not tracked, so each plan reads it whole",
        "license_change: no optimistic concurrency; a change in the same second as ours may be overwritten",
    ]


def test_the_doctor_says_that_there_is_no_token_and_ends(usual: World):
    usual.sandbox.door.client_secret = "another"  # noqa: S105 -- a test's

    got = said(usual)

    assert [(code, severity) for code, severity, _ in got] == [("source-token", Severity.ERROR)]


def test_the_doctor_reads_a_row_where_it_may_not_ask_for_privileges(usual: World, monkeypatch: pytest.MonkeyPatch):
    user = DataverseSandbox._user
    monkeypatch.setattr(
        DataverseSandbox, "_user", lambda self, path: None if "Privileges" in path else user(self, path)
    )

    assert [text for code, _, text in said(usual) if code == "source-read"] == [
        "license_change: it can be read; whether all rows can is not known, as privileges cannot be asked for",
        "account: it can be read; whether all rows can is not known, as privileges cannot be asked for",
    ]


def test_a_profile_without_files_is_the_catalogue():
    assert Profile(TABLES).tables is TABLES
