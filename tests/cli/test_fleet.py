"""`trueup fleet`, without workers: what is queued, how it stands, what is wrong."""

import json
from typing import Any

import pytest
import yaml
from trueup.cli.main import run
from trueup.fleet.connection import connect

FLEET = {
    "fleet": "Northgate",
    "defaults": {"schedule": {"cron": "0 5 1 1 *", "time_zone": "Europe/London"}},
    "tenants": {"acme": {"project": "acme"}, "birch": {"project": "birch"}},
}


@pytest.fixture
def fleet(tmp_path, monkeypatch, postgres, capfd):
    """Runs a command of a fleet of two; exit code, stdout and stderr out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLEET_DATABASE", postgres)

    def command(*arguments):
        capfd.readouterr()
        code = run(["fleet", *arguments])
        return code, *capfd.readouterr()

    def write(**changes):
        document = {**FLEET, "database": "{{ env.FLEET_DATABASE }}", **changes}
        (tmp_path / "fleet.yaml").write_text(yaml.safe_dump(document, sort_keys=False))

    served: Any = command
    served.write = write
    write()
    return served


def test_tenants_are_queued_once_and_their_status_shows_it(fleet):
    assert fleet("run", "--all")[:2] == (0, "Queued 2 tenants: acme; birch.\n")
    assert fleet("run", "acme")[:2] == (0, "Queued or at work already: acme.\n")

    code, out, _ = fleet("status", "--json")
    tenants = json.loads(out)["tenants"]
    assert code == 0
    assert [(one["tenant"], one["current"]["status"]) for one in tenants] == [
        ("acme", "queued"),
        ("birch", "queued"),
    ]
    assert tenants[0]["next_why"] == "schedule"

    _, out, _ = fleet("status", "acme")
    assert "birch" not in out
    assert "asked" in out


def test_a_change_of_fleet_yaml_is_taken_up_by_the_next_command(fleet):
    fleet("status")
    fleet.write(tenants={"cedar": {"project": "cedar"}})

    _, out, _ = fleet("status", "--json")

    assert [one["tenant"] for one in json.loads(out)["tenants"]] == ["cedar"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["run"], 64, "Name tenants, or give --all."),
        (["plan", "acme", "--all"], 64, "Name tenants, or give --all."),
        (["run", "nobody"], 1, "fleet.yaml has no tenant 'nobody'"),
        (["approve", "acme", "--yes"], 1, "no plan of acme waits"),
        (["approve", "acme"], 64, "Approve needs confirmation here: give --yes."),
        (["approve", "acme", "--no"], 64, "--no needs --reason"),
        (["approve", "acme", "--no", "--reason", "\u200b"], 64, "--no needs --reason"),
    ],
)
def test_impossible_requests_are_refused(fleet, arguments, code, text):
    found, _, err = fleet(*arguments)

    assert (found, text in err) == (code, True), err


def test_a_database_that_is_away_is_reported_without_its_password(fleet, monkeypatch):
    monkeypatch.setenv("FLEET_DATABASE", "postgresql://ada:pw-k4n4ry@127.0.0.1:1/base")

    code, out, err = fleet("status")

    assert code == 1
    assert "the fleet's database cannot be used: nothing listens at its address" in err
    assert "k4n4ry" not in out + err


def test_a_variable_that_is_not_set_is_reported_with_its_place(fleet, monkeypatch):
    monkeypatch.delenv("FLEET_DATABASE")

    code, _, err = fleet("status")

    assert code == 1
    assert "the environment variable FLEET_DATABASE is not set" in err


def test_a_worker_that_drains_ends_when_nothing_waits(fleet, postgres):
    code, _, err = fleet("worker", "--once")

    assert code == 0
    assert "worker ended" in err
    with connect(postgres) as connection:
        query = "SELECT count(*) FROM trueup_fleet.workers"
        assert connection.execute(query).fetchone() == (0,)
