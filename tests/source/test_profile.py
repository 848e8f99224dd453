"""The profile: this tenant's names over the catalogue's, with all faults in one go."""

import pytest

from engine.config.documents import parse
from engine.errors import ConfigError
from engine.source.profile import Profile, profile_of
from tests.source.dataverse_worlds import TABLES

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
    return profile_of(document.data, TABLES, document)


def test_what_a_profile_says_is_laid_over_the_catalogue_and_the_rest_stays():
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
    assert profile.of("license_change", "unit").labels == {"per user": "Monthly"}
    assert profile.write_back == {"license_change": "UPDATE x SET y = :status WHERE id = :key"}
    assert profile.holds("subscription", "psa_system_id") == "ContractServices"
    assert profile.holds("account", "psa_system_id") == ""
    assert profile.of("subscription", "currency").shows == "currencysymbol"
    assert profile.of("account", "currency").shows == "isocurrencycode"


def test_equal_profiles_have_equal_digests_and_others_do_not():
    assert read(GOOD).digest == read(GOOD).digest
    assert read(GOOD).digest != read(GOOD.replace("Per User", "Each")).digest


def test_an_empty_profile_is_the_catalogue():
    assert dict(read("tables: {}").tables) == dict(TABLES)


def test_all_faults_are_said_at_once_with_their_places_and_the_nearest_names():
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
        "profile.yaml:7:25: `none` is no number of a choice",
        "profile.yaml:7:42: state has no `Aktiv`; it is one of Active, Inactive",
        "profile.yaml:7:67: state has no `Off`; it is one of Active, Inactive",
        "profile.yaml:8:13: names and values were expected",
    ]
