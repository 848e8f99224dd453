"""The sandbox in the process of its client: the same answers as over a socket, without one."""

import socket

import pytest
from trueup.config.catalogues import load_entities
from trueup.connectors.targets import DEMO_CREDENTIALS
from trueup.errors import TargetRejected
from trueup.ports.target import Condition
from trueup.sandbox.autotask.local import URL, LocalSandbox
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.gateway import HttpTarget
from trueup.target.autotask.transport import InProcess

from tests.support.fakes import FakeClock
from tests.support.paths import ROOT
from tests.support.real_adapters import REFERENCE


@pytest.fixture
def target(tmp_path, monkeypatch):
    """The target's client and a local sandbox; a socket would be an error."""

    def refuse(*_):
        raise AssertionError("a socket is opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    entities = load_entities(ROOT / "schemas" / "autotask.yaml")
    with LocalSandbox(tmp_path / "local.sqlite", entities) as sandbox:
        sandbox.load({"records": REFERENCE})
        network = InProcess(sandbox.answer)
        client = AutotaskClient(URL, DEMO_CREDENTIALS, FakeClock(), network=network)
        with HttpTarget(client, entities, "local") as opened:
            yield opened


def test_records_are_created_and_read(target):
    values = {"companyName": "Alpine", "companyType": 1, "phone": "1", "ownerResourceID": 4}

    record = target.create("Companies", values)

    read = target.read("Companies", [Condition("companyName", "eq", "Alpine")], ["phone"])
    assert read == [{"id": record, "phone": "1"}]


def test_a_refusal_has_the_words_of_autotask(target):
    with pytest.raises(TargetRejected) as refusal:
        target.create("Companies", {"companyName": "Alpine"})

    error = "Missing Required Field: companyType. ; on record number [1]."
    assert refusal.value.errors == (error,)
