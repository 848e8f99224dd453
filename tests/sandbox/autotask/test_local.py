"""The sandbox in the process of its client: the same answers as over a socket, without one."""

import json
import socket
from contextlib import closing

import pytest
from trueup.config.catalogues import load_entities
from trueup.connectors.autotask import DEMO_CREDENTIALS
from trueup.errors import TargetRejected
from trueup.ports.target import Condition
from trueup.sandbox.autotask.local import URL, LocalSandbox, SeededSandboxes
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
        with closing(HttpTarget(client, entities, "local")) as opened:
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


PICKLIST = "http://localhost/ATServicesRest/V1.0/Companies/entityInformation/fields"
HEADERS = {"UserName": "api@demo.example", "Secret": "demo", "ApiIntegrationCode": "DEMO"}


def labels(sandbox):
    """The types of companies that the tenant has."""
    status, _, body = sandbox.answer("GET", PICKLIST, HEADERS, b"")
    assert status == 200
    [field] = [one for one in json.loads(body)["fields"] if one["name"] == "companyType"]
    return [one["label"] for one in field["picklistValues"]]


def with_types(*names):
    picks = [{"value": number, "label": name} for number, name in enumerate(names, 1)]
    return {"picklists": {"Companies": {"companyType": picks}}}


def test_sandboxes_of_one_seed_begin_alike_and_go_on_apart(tmp_path):
    seeded = SeededSandboxes(load_entities(ROOT / "schemas" / "autotask.yaml"))
    beginning = {**with_types("Customer"), "records": REFERENCE}

    with seeded.open(tmp_path / "one", beginning) as one:
        first = one.records("Companies")
        one.load({"records": {"Companies": [{"id": 5}]}, **with_types("Customer", "Lead")})
        with seeded.open(tmp_path / "two", beginning) as two:
            assert (len(one.records("Companies")), two.records("Companies")) == (2, first)
            assert (labels(one), labels(two)) == (["Customer", "Lead"], ["Customer"])


def test_metadata_that_was_answered_is_asked_for_again_after_a_setting_changed(tmp_path):
    seeded = SeededSandboxes(load_entities(ROOT / "schemas" / "autotask.yaml"))

    with seeded.open(tmp_path / "one", with_types("Customer")) as sandbox:
        before = labels(sandbox)
        sandbox.load(with_types("Lead"))
        assert (before, labels(sandbox)) == (["Customer"], ["Lead"])
    with seeded.open(tmp_path / "two", with_types("Customer")) as sandbox:
        assert labels(sandbox) == ["Customer"]
