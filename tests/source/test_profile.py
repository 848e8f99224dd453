"""A profile replaces names of the catalogue, and all its faults are reported together."""

from typing import Any

import pytest
from trueup.config.documents import parse
from trueup.errors import ConfigError
from trueup.source.profile import Profile, parse_profile

from tests.support.dataverse_world import TABLES

GOOD = """\
tables:
  license_change:
    logical: work365_licensedetail
    entity_set: work365_licensedetails
    write_back: "UPDATE x SET y = :status WHERE id = :key"
    columns:
      status: {logical: statuscode, choices: {126340000: Active, 126340001: Archived}}
      unit: {labels: {Per User: Monthly}}
  subscription:
    columns:
      psa_system_id: {holds: ContractServices}
      currency: {shows: currencysymbol}
"""


def read(text: str) -> Profile:
    (document,), findings = parse(text.encode(), "profile.yaml")
    assert findings == []
    return parse_profile(document.data, TABLES, document)


def test_a_profile_replaces_names_of_the_catalogue_and_keeps_the_rest():
    profile = read(GOOD)
    table = profile.tables["license_change"]

    assert (table.logical, table.entity_set, table.assumed) == (
        "work365_licensedetail",
        "work365_licensedetails",
        False,
    )
    assert table.columns["status"].choices == {126340000: "Active", 126340001: "Archived"}
    assert table.columns["quantity"] == TABLES["license_change"].columns["quantity"]
    assert profile.tables["account"] == TABLES["account"]
    assert profile.column("license_change", "unit").labels == {"per user": "Monthly"}
    assert profile.write_back == {"license_change": "UPDATE x SET y = :status WHERE id = :key"}
    assert profile.id_entity_of("subscription", "psa_system_id") == "ContractServices"
    assert profile.id_entity_of("account", "psa_system_id") == ""
    assert profile.column("subscription", "currency").shows == "currencysymbol"
    assert profile.column("account", "currency").shows == "isocurrencycode"


def test_only_equal_profiles_have_equal_digests():
    assert read(GOOD).digest == read(GOOD).digest
    assert read(GOOD).digest != read(GOOD.replace("Per User", "Each")).digest


def test_an_empty_profile_is_the_catalogue():
    assert dict(read("tables: {}").tables) == dict(TABLES)


def test_all_faults_are_reported_together_with_places_and_nearest_names():
    with pytest.raises(ConfigError) as failed:
        read(
            """\
tables:
  license_chage: {logical: x}
  account:
    logicl: accounts
    columns:
      phon: {logical: telephone2}
      state: {choices: {none: Active, 0: Aktiv}, labels: {Ruhend: Off}}
      name: 7
tabels: {}
"""
        )

    assert str(failed.value).splitlines() == [
        "profile.yaml:9:1: `tabels` is not known here; did you mean `tables`?",
        "profile.yaml:2:3: there is no table `license_chage`; did you mean `license_change`?",
        "profile.yaml:4:5: `logicl` is not known here; did you mean `logical`?",
        "profile.yaml:6:7: account has no column `phon`; did you mean `phone`?",
        "profile.yaml:7:25: `none` is not the number of a choice",
        "profile.yaml:7:42: state has no `Aktiv`; it is one of Active, Inactive",
        "profile.yaml:7:67: state has no `Off`; it is one of Active, Inactive",
        "profile.yaml:8:13: names and values were expected",
    ]


def test_a_statement_has_the_parameters_of_a_write_back():
    """Times and casts are none."""
    statement = (
        "UPDATE x SET y = :status, z = '10:30', q = 1::int, w = :statos "
        "WHERE w_id = :id AND y = :expected_status AND k = :key"
    )

    failed: Any
    with pytest.raises(ConfigError) as failed:
        read(GOOD.replace("UPDATE x SET y = :status WHERE id = :key", statement))

    assert [f"{one.place}: {one.text}" for one in failed.value.findings] == [
        "profile.yaml:5:17: `:statos` is no parameter of license_change; did you mean `status`?",
        "profile.yaml:5:17: `:id` is no parameter of license_change",
    ]
    assert failed.value.findings[0].remedy == (
        "name the row's key `:key`, the value to write `:COLUMN`, "
        "and the one that it replaces `:expected_COLUMN`"
    )


def test_a_default_profile_is_the_catalogue():
    assert Profile(TABLES).tables is TABLES
