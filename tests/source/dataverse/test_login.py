"""The login is busy, at fault or unreadable: it is asked again, or reported without any secret."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from trueup.errors import SourceError
from trueup.ports.source import RowUpdate
from trueup.sandbox.dataverse.oauth import TokenEndpoint
from trueup.sandbox.dataverse.server import DataverseSandbox
from trueup.sandbox.http.responses import Response

from tests.support.dataverse_world import (
    SECRET,
    TABLES,
    DataverseWorld,
    environment,
    key,
    license_change,
)

TOKEN, CONFIGURATION = "oauth2/v2.0/token$", "openid-configuration$"
ROWS = {"license_change": [license_change(number) for number in range(1, 4)]}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DataverseWorld]:
    with DataverseSandbox(TABLES, ROWS, environment()) as sandbox:
        yield DataverseWorld(sandbox, tmp_path)


@pytest.mark.parametrize("path", [TOKEN, CONFIGURATION])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "busy", "seconds": 7},
        {"kind": "error"},
        {"kind": "empty", "status": 500},
        {"kind": "html", "status": 502},
        {"kind": "html", "status": 504},
        {"kind": "drop"},
    ],
)
def test_a_login_that_is_busy_or_at_fault_for_a_while_is_requested_again(
    world: DataverseWorld, path: str, fault: dict[str, Any]
):
    world.fault(**{**fault, "path": path, "times": 3})

    assert len(world.read()) == 3


def test_a_busy_login_is_requested_again_after_the_time_that_it_names(world: DataverseWorld):
    world.fault("busy", path=TOKEN, times=2, seconds=60)
    before = world.clock.now()

    world.read()

    assert (world.clock.now() - before).total_seconds() == 120


@pytest.mark.parametrize("path", [TOKEN, CONFIGURATION])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "error"}, "the login is at fault (HTTP 503)"),
        ({"kind": "html", "status": 500}, "the login is at fault (HTTP 500)"),
        ({"kind": "drop"}, "no answer (RemoteProtocolError)"),
        ({"kind": "busy", "seconds": 500}, "no time is left to wait 500 seconds"),
    ],
)
def test_a_login_that_stays_at_fault_is_one_error(
    world: DataverseWorld, path: str, fault: dict[str, Any], reason: str
):
    world.fault(**{**fault, "path": path, "times": 0})

    with pytest.raises(SourceError) as failed:
        world.read()

    assert reason in str(failed.value)
    assert SECRET not in str(failed.value)


@pytest.mark.parametrize("kind", ["html", "truncate"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (TOKEN, "the answer of the login cannot be read"),
        (CONFIGURATION, "Unable to get authority configuration"),
    ],
)
def test_an_answer_that_is_no_json_is_an_error(
    world: DataverseWorld, kind: str, path: str, reason: str
):
    world.fault(kind, path=path, times=0)

    with pytest.raises(SourceError, match=reason) as failed:
        world.read()

    assert SECRET not in str(failed.value)


@pytest.mark.parametrize("body", [b"[]", b"{}", b"null", b"5", b'"a text"', b'{"a": 1}'])
@pytest.mark.parametrize("method", ["_issue", "_configuration"])
def test_an_answer_of_another_form_is_an_error(
    world: DataverseWorld, monkeypatch: pytest.MonkeyPatch, body: bytes, method: str
):
    path = "token" if method == "_issue" else "configuration"
    answer = TokenEndpoint.answer
    monkeypatch.setattr(
        TokenEndpoint,
        "answer",
        lambda self, request: (
            Response(body=body) if request.path.endswith(path) else answer(self, request)
        ),
    )

    with pytest.raises(SourceError, match="no token from http://127"):
        world.read()


def test_a_token_answer_that_cannot_be_read_is_in_no_log(
    world: DataverseWorld,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
):
    caplog.set_level(logging.DEBUG)
    leaked = b'{"access_token": "a-token-not-to-be-seen"'
    monkeypatch.setattr(TokenEndpoint, "_issue", lambda *_: Response(body=leaked))

    with pytest.raises(SourceError) as failed:
        world.read()

    shown = caplog.text + "".join(capfd.readouterr()) + str(failed.value)
    assert "not-to-be-seen" not in shown


def test_a_write_without_a_token_is_not_in_doubt(world: DataverseWorld):
    with world.source() as source:
        source.read("license_change", ["status"])
        world.fault("unauthorized", verb="PATCH")
        world.fault("error", path=TOKEN, times=0)
        update = RowUpdate(key(1), {"status": "Archived"}, {"status": "Active"})

        (outcome,) = source.write("license_change", [update])

    assert (outcome.key, outcome.in_doubt) == (key(1), False)
    assert "the login is at fault (HTTP 503)" in outcome.error
    assert world.request_counts()["PATCH work365_licensechangelogs"] == 1
