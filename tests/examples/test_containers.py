"""The container files: there are no containers here, so what can be read of them is tested."""

import re

import pytest
import yaml
from trueup.cli.main import run

from tests.support.paths import ROOT

FOLDER = ROOT / "examples" / "containers"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
CONTAINERFILE = (FOLDER / "Containerfile").read_text(encoding="utf-8")


def commands():
    default = yaml.safe_load(re.search(r"^CMD (\[.*\])$", CONTAINERFILE, re.MULTILINE)[1])
    services = COMPOSE["services"]
    return [default, *(one["command"] for one in services.values() if "command" in one)]


@pytest.mark.parametrize("command", commands())
def test_each_command_is_one_that_trueup_takes(command, capsys):
    assert run([*command, "--help"]) == 0
    assert "Usage: trueup fleet" in capsys.readouterr().out


def test_a_worker_is_stopped_no_sooner_than_its_runs_may_take_to_end():
    from trueup.fleet.child import GRACE  # noqa: PLC0415 -- what a command needs is not loaded first

    seconds = COMPOSE["services"]["worker"]["stop_grace_period"]
    assert int(seconds.removesuffix("s")) > GRACE


def test_extras_and_ports_are_those_of_the_project():
    [extras] = re.findall(r"/src\[(.*?)\]", CONTAINERFILE)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(re.search(rf"^{extra} = \[", project, re.MULTILINE) for extra in extras.split(","))
    [port] = re.findall(r'"--port", "(\d+)"', CONTAINERFILE)
    assert f":{port}/healthz" in str(COMPOSE["services"]["worker"]["healthcheck"])


def test_no_password_is_written_down():
    texts = [COMPOSE["services"]["database"]["environment"]["POSTGRES_PASSWORD"]]
    texts += [
        one["environment"]["FLEET_DATABASE"]
        for one in COMPOSE["services"].values()
        if "FLEET_DATABASE" in one["environment"]
    ]
    assert all("${FLEET_PASSWORD:?}" in text for text in texts)
