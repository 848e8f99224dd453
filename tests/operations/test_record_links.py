"""Where people open a row in the source: only where its address follows from the configuration."""

from types import SimpleNamespace

import pytest
from trueup.model.catalogue import Table
from trueup.operations.record_links import source_address

KEY = "f7059e8a-33f0-4d4c-9a40-0c9b6a1b6d0e"


def project(tmp_path, connector="dataverse", url="https://org.crm4.dynamics.com/"):
    """A project whose catalogue has one table."""
    table = Table("subscription", "work365_subscription", "", "", "id", "name", {})
    return SimpleNamespace(
        root=str(tmp_path),
        source=SimpleNamespace(connector=connector, options={"url": url}),
        catalogue=SimpleNamespace(tables={"subscription": table}),
    )


@pytest.mark.parametrize("host", ["org.crm4.dynamics.com", "org.api.crm4.dynamics.com"])
def test_a_row_of_dynamics_opens_in_its_environment(tmp_path, host):
    found = source_address(project(tmp_path, url=f"https://{host}/"), "subscription", KEY)

    assert found == (
        "https://org.crm4.dynamics.com/main.aspx"
        f"?etn=work365_subscription&id={KEY}&pagetype=entityrecord"
    )


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"connector": "files"}, KEY),
        ({"connector": "sql"}, KEY),
        ({"url": "http://127.0.0.1:1/"}, KEY),
        ({"url": "https://user:secret@org.crm4.dynamics.com/"}, KEY),
        ({"url": "javascript:alert(1)"}, KEY),
        ({}, "not-a-guid"),
        ({}, f"{KEY}&x=1"),
    ],
)
def test_there_is_no_address_where_none_follows(tmp_path, options, key):
    assert source_address(project(tmp_path, **options), "subscription", key) == ""
