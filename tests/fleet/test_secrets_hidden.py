"""Secrets that are read where fleet.yaml says appear in no text that anybody reads."""

import json
import sys
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import Mock

import pytest
from trueup.cli.main import run
from trueup.errors import ConfigError, EngineError
from trueup.fleet import run_process
from trueup.fleet.child import ChildOrder
from trueup.fleet.event_log import EventLog
from trueup.fleet.open_fleet import OpenFleet
from trueup.fleet.secrets import resolve
from trueup.model.desk import OidcSettings
from trueup.model.finding import Finding, Place, Severity
from trueup.model.fleet import CommandSecret, EnvironmentSecret, FileSecret, FleetDatabase
from trueup.model.fleet_run import FleetRunStatus, RunKind
from trueup.model.notice import NoticeAddress
from trueup.model.overlay import Overrides
from trueup.model.project import Connection
from trueup.operations import redaction, state
from trueup.operations.redaction import remember, remember_address, scrubbed
from trueup.source.dataverse.client import DataverseAccess
from trueup.source.dataverse.tokens import Login
from trueup.state.postgres.address import Address
from trueup.target.autotask.credentials import Credentials

from tests.fleet.small_fleet import STATE, SmallFleet
from tests.support.small_project import FILES

HERE = Place("fleet.yaml", 1, 1)
SECRET = "K4n4ry+wing/9"  # noqa: S105 -- of no system
OLD = "target: {connector: sandbox, database: autotask.sqlite, seed: autotask.json}\n"
NEW = OLD.replace("}", ', username: api, secret: "{{ env.WING }}"}')


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch):
    monkeypatch.setattr(redaction, "_known", set())


@pytest.mark.parametrize(
    "value",
    [
        OpenFleet(Path(), "", Mock(), f"postgresql://u:{SECRET}@h/b", None, Mock()),
        FleetDatabase(f"postgresql://u:{SECRET}@h/b", HERE),
        ChildOrder(None, "acme", SECRET, 1, RunKind.PLAN, "worker", 1.0, 1.0, None),
        CommandSecret("vault", ("vault", SECRET), Path(), timedelta(seconds=1), HERE),
        NoticeAddress("mail", SECRET, HERE),
        OidcSettings("https://id.example", "desk", SECRET),
        Connection("autotask", {"secret": SECRET}, HERE),
        Overrides({"secret": SECRET}),
        Credentials("user", SECRET, SECRET),
        DataverseAccess("https://x", "t", "c", SECRET),
        Login("https://x", "c", SECRET, "scope"),
        Address({"password": SECRET}, "h/b"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_holds_a_secret_shows_none_of_it(value):
    assert SECRET not in repr(value)


@pytest.fixture
def fleet(tmp_path):
    """A tenant whose secret is in a file; neither its name nor its place shows that."""
    base = {**FILES, "trueup.yaml": FILES["trueup.yaml"].replace(STATE, "").replace(OLD, NEW)}
    fleet = SmallFleet(tmp_path, base)
    fleet.write("wing", SECRET)
    fleet.edit("fleet.yaml", "  birch:\n", "    secrets: {WING: {file: wing}}\n  birch:\n")
    return fleet


@pytest.mark.parametrize("kind", ["environment", "file", "command"])
def test_a_secret_is_hidden_wherever_it_was_read(tmp_path, kind):
    (tmp_path / "wing").write_text(SECRET)
    program = (sys.executable, "-c", f"print({SECRET!r})")
    secrets: dict[str, Any] = {
        "environment": EnvironmentSecret("WING", HERE),
        "file": FileSecret(tmp_path / "wing", HERE),
        "command": CommandSecret(program[0], program, tmp_path, timedelta(minutes=1), HERE),
    }

    assert scrubbed(f"it is {SECRET}.") == f"it is {SECRET}."
    assert resolve(secrets[kind], {"WING": SECRET}) == SECRET
    assert scrubbed(f"it is {SECRET}.") == "it is (hidden)."


def test_a_text_that_was_prepared_before_hides_it_too():
    scrub = redaction.scrubber()
    remember(SECRET)

    assert scrub(SECRET) == "(hidden)"


@pytest.mark.parametrize(
    "text", ["K4n4ry%2Bwing%2F9", '"K4n4ry+wing/9"', "two lines: first-of-two", '"q\\"uoted-it"']
)
def test_it_is_hidden_in_other_forms(text):
    for secret in (SECRET, "first-of-two\nsecond-of-two", 'q"uoted-it'):
        remember(secret)

    assert "(hidden)" in scrubbed(text)
    assert not any(part in scrubbed(text) for part in ("K4n4ry", "first", "uoted"))


@pytest.mark.parametrize(
    ("written", "password"),
    [("K4n4ry-pw", "K4n4ry-pw"), ("K4n4ry%2Fone", "K4n4ry%2Fone"), ("K4n4ry%40two", "K4n4ry@two")],
)
def test_the_password_of_the_database_is_hidden_by_itself(written, password):
    remember_address(f"postgresql://trueup:{written}@db.example/base")

    assert scrubbed(f"the password {password} is wrong") == "the password (hidden) is wrong"


@pytest.mark.parametrize("option", ["password", "sslpassword", "oauth_client_secret"])
def test_a_secret_in_an_option_of_the_address_is_hidden_by_itself(option):
    remember_address(f"postgresql://trueup@db.example/base?sslmode=require&{option}=K4n4ry%40two")

    assert scrubbed("K4n4ry@two, K4n4ry%40two") == "(hidden), (hidden)"


def test_the_recorded_text_of_a_run_has_no_secret(fleet, monkeypatch):
    class Failing:
        def __init__(self, *_given):
            pass

        def run(self):
            raise EngineError(f"refused: {SECRET}")

    monkeypatch.setattr(run_process, "TenantRun", Failing)
    loaded = fleet.load()
    order = ChildOrder(
        fleet=loaded,
        tenant="acme",
        database="postgresql://127.0.0.1:1/none",
        run=1,
        worker="w",
        lease=10.0,
        kind=RunKind.PLAN,
        log=EventLog(),
        grace=1,
    )

    end = run_process._run_traced(None, order, Event())

    assert (end.status, end.text) == (FleetRunStatus.FAILED, "refused: (hidden)")


def test_what_a_worker_reports_has_no_secret():
    lines = []
    remember(SECRET)

    EventLog(write=lines.append).emit("fleet.yaml not read", text=f"because of {SECRET}")

    assert lines[0].endswith('text="because of (hidden)"')


FINDING = Finding("x", Severity.ERROR, f"wrong: {SECRET}", f"drop {SECRET}", HERE)


@pytest.mark.parametrize(
    "error", [EngineError(f"no {SECRET}"), ConfigError([FINDING]), RuntimeError(f"bug {SECRET}")]
)
def test_no_error_of_a_command_on_a_tenant_shows_it(fleet, monkeypatch, capfd, error):
    def refuse(*_given):
        raise error

    monkeypatch.setattr(state, "list_links", refuse)
    fleet.edit("fleet.yaml", "defaults:", "database: postgresql://127.0.0.1:1/none\ndefaults:")

    code = run(["state", "list", "--json", "--tenant", "acme", "--project", str(fleet.root)])

    out, err = capfd.readouterr()
    assert code != 0
    assert "(hidden)" in err
    assert "K4n4ry" not in out + err
    assert out == "" or json.loads(out)["error"]
