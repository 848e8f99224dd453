"""The options of trueup.yaml become settings of the source."""

from datetime import timedelta
from pathlib import Path

import pytest
from trueup.errors import SourceError
from trueup.source.dataverse.settings import settings

REQUIRED = {
    "url": "https://o.crm.dynamics.com",
    "tenant": "t",
    "client_id": "c",
    "client_secret": "s",
}


def test_the_required_options_are_enough():
    access, cache = settings(REQUIRED, Path("project"))

    assert access.login().authority == "https://login.microsoftonline.com/t"
    assert access.login().scope == "https://o.crm.dynamics.com/.default"
    assert (cache.path, cache.load.page) == (Path("project/.trueup/work365.sqlite"), 5000)
    assert (cache.load.refresh, cache.load.refresh_after) == (False, None)


def test_options_replace_the_defaults():
    options = {
        **REQUIRED,
        "timeout": 5,
        "deadline": "60",
        "page": 99999,
        "refresh_after": 7,
        "cache": "rows.sqlite",
    }

    access, cache = settings(options, Path("project"), refresh=True)

    assert (access.timeout, access.deadline) == (5.0, 60.0)
    assert cache.path == Path("project/rows.sqlite")
    assert (cache.load.page, cache.load.refresh) == (5000, True)
    assert cache.load.refresh_after == timedelta(days=7)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("client_secret", "", "source.client_secret in trueup.yaml is empty"),
        ("url", None, "source.url in trueup.yaml is empty"),
        ("timeout", "soon", "source.timeout in trueup.yaml must be a number above 0"),
        ("page", 0, "source.page in trueup.yaml must be a number above 0"),
        ("refresh_after", -1, "source.refresh_after in trueup.yaml must be a number above 0"),
    ],
)
def test_an_invalid_option_is_reported(name: str, value: object, message: str):
    with pytest.raises(SourceError) as failed:
        settings({**REQUIRED, name: value}, Path())

    assert str(failed.value) == message
