"""What trueup.yaml says of an environment."""

from datetime import timedelta
from pathlib import Path

import pytest

from engine.errors import SourceError
from engine.source.dataverse.settings import settings

SAID = {"url": "https://o.crm.dynamics.com", "tenant": "t", "client_id": "c", "client_secret": "s"}


def test_the_usual_is_enough():
    access, keeping = settings(SAID, Path("project"))

    assert access.login().authority == "https://login.microsoftonline.com/t"
    assert access.login().scope == "https://o.crm.dynamics.com/.default"
    assert (keeping.path, keeping.patience.page) == (Path("project/.trueup/work365.sqlite"), 5000)
    assert (keeping.patience.refresh, keeping.patience.refresh_after) == (False, None)


def test_what_is_said_counts():
    said = {**SAID, "timeout": 5, "deadline": "60", "page": 99999, "refresh_after": 7, "cache": "rows.sqlite"}

    access, keeping = settings(said, Path("project"), refresh=True)

    assert (access.timeout, access.deadline) == (5.0, 60.0)
    assert keeping.path == Path("project/rows.sqlite")
    assert (keeping.patience.page, keeping.patience.refresh) == (5000, True)
    assert keeping.patience.refresh_after == timedelta(days=7)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("client_secret", "", "source.client_secret in trueup.yaml is empty"),
        ("url", None, "source.url in trueup.yaml is empty"),
        ("timeout", "soon", "source.timeout in trueup.yaml must be a number above 0"),
        ("page", 0, "source.page in trueup.yaml must be a number above 0"),
        ("refresh_after", -1, "source.refresh_after in trueup.yaml must be a number above 0"),
    ],
)
def test_a_value_that_is_none_is_said(name: str, value: object, said: str):
    with pytest.raises(SourceError) as failed:
        settings({**SAID, name: value}, Path())

    assert str(failed.value) == said
