"""Names of another environment are discovered, written to a profile and used for a reading."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace
from trueup.config.documents import parse
from trueup.model.catalogue import Table
from trueup.sandbox.dataverse.schema import Choice
from trueup.sandbox.dataverse.server import DataverseSandbox
from trueup.source.dataverse.discover import Discovery, MatchedBy, discover
from trueup.source.dataverse.discovery_report import ReportLine, as_yaml, report_lines
from trueup.source.profile import parse_profile

from tests.support.dataverse_world import (
    COLUMNS,
    TABLES,
    DataverseWorld,
    environment,
    license_change,
)

ROWS = {"license_change": [license_change(1), license_change(2, status="Archived")]}


def renamed(tables: Mapping[str, Table]) -> Mapping[str, Table]:
    """Another edition: another prefix, some labels changed, one column missing."""
    changed = {}
    for name, table in tables.items():
        columns = {
            each.name: replace(each, logical=each.logical.replace("work365_lcl_", "wk_ld_"))
            for each in table.columns.values()
        }
        logical = table.logical.replace("work365_licensechangelog", "wk_licensedetail")
        key = columns[table.key]
        columns[table.key] = replace(
            key, logical=key.logical.replace("work365_licensechangelog", "wk_licensedetail")
        )
        changed[name] = replace(table, logical=logical, entity_set=f"{logical}s", columns=columns)
    log_columns = dict(changed["license_change"].columns)
    log_columns["effective_date"] = replace(log_columns["effective_date"], label="Effective Dates")
    del log_columns["invoice"]
    changed["license_change"] = replace(changed["license_change"], columns=log_columns)
    return changed


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DataverseWorld]:
    rows = {
        "license_change": [
            {name: row[name] for name in COLUMNS if name != "invoice"}
            for row in ROWS["license_change"]
        ]
    }
    with DataverseSandbox(renamed(TABLES), rows, environment()) as sandbox:
        yield DataverseWorld(sandbox, tmp_path)


def discovered(world: DataverseWorld) -> Discovery:
    with world.source() as source:
        return discover(source.client, TABLES)


def test_tables_and_columns_are_found_by_name_by_label_or_by_a_guess(world: DataverseWorld):
    tables = {match.table.name: match for match in discovered(world).tables}
    changes = tables["license_change"]
    columns = {each.column.name: each for each in changes.columns}

    assert (tables["account"].matched_by, changes.matched_by, changes.definition.logical) == (
        MatchedBy.NAME,
        MatchedBy.LABEL,
        "wk_licensedetail",
    )
    assert {
        name: str(columns[name].matched_by)
        for name in ("id", "status", "quantity", "effective_date", "invoice")
    } == {
        "id": "by its display label",
        "status": "by its logical name",
        "quantity": "by its display label",
        "effective_date": "by a similar label: check this",
        "invoice": "not found",
    }
    assert columns["effective_date"].attribute.logical == "wk_ld_effectivedate"


def test_needed_columns_that_are_guessed_or_missing_are_unresolved(world: DataverseWorld):
    assert discovered(world).unresolved(
        {"license_change": ("status", "effective_date", "invoice"), "account": ("name",)}
    ) == [
        "license_change.effective_date",
        "license_change.invoice",
    ]


def test_the_written_profile_can_be_parsed_and_used_for_a_reading(world: DataverseWorld):
    (document,), faults = parse(as_yaml(discovered(world)).encode(), "profile.yaml")
    profile = parse_profile(document.data, TABLES, document)

    with world.source() as source:
        plain = source.profile
    rows = replace(world, profile=profile).read(
        columns=[name for name in COLUMNS if name != "invoice"]
    )

    assert faults == []
    assert plain.tables["license_change"].logical != profile.tables["license_change"].logical
    assert rows == [
        {name: row[name] for name in COLUMNS if name != "invoice"} for row in ROWS["license_change"]
    ]


def test_the_reports_mark_what_a_person_has_to_check(world: DataverseWorld):
    yaml, lines = as_yaml(discovered(world)), report_lines(discovered(world))

    assert "  license_change:   # by its display label\n    logical: wk_licensedetail\n" in yaml
    assert (
        "      effective_date: {logical: wk_ld_effectivedate}   # by a similar label: check this\n"
        in yaml
    )
    assert "      # invoice: not found (label: Invoice)\n" in yaml
    guess = ("effective_date", "wk_ld_effectivedate", "by a similar label: check this")
    assert ReportLine("?", 1, guess) in lines
    assert ReportLine("!", 1, ("invoice", "?", "not found")) in lines


def test_a_choice_with_another_label_is_shown_with_its_numbers(world: DataverseWorld):
    attributes = world.sandbox.definitions["wk_licensedetail"].attributes
    choices = (Choice(1, "Active", 0), Choice(126340100, "Done", 1))
    attributes["statuscode"] = replace(attributes["statuscode"], choices=choices)

    assert (
        "      # no choice here is Archived; there are {1: Active, 126340100: Done}: set "
        "`choices:` or `labels:`\n"
    ) in as_yaml(discovered(world))


def test_two_equally_good_matches_are_no_match(world: DataverseWorld):
    attributes = world.sandbox.definitions["wk_licensedetail"].attributes
    attributes["wk_other"] = replace(attributes["wk_ld_quantity"], logical="wk_other")

    match = next(
        match for match in discovered(world).tables if match.table.name == "license_change"
    )

    assert (
        next(each.matched_by for each in match.columns if each.column.name == "quantity")
        is MatchedBy.MISSING
    )


def test_a_missing_table_is_a_comment_in_the_profile(world: DataverseWorld):
    del world.sandbox.definitions["wk_licensedetail"]

    assert "  # license_change: not found (label: License Change Log)\n" in as_yaml(
        discovered(world)
    )
