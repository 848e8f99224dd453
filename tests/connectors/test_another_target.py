"""A target that is not Autotask: what is asked of it besides what its port has."""

import pytest
from msgspec.structs import replace
from trueup.connectors import targets
from trueup.model.finding import Finding, Severity
from trueup.operations import catalogue, doctor, sandbox
from trueup.ports.target import DescribedEntity

from tests.support.fakes import FakeTarget
from tests.support.small_project import project

CLONED = 7


class OtherConnector:
    """All that a target connector offers, without Autotask."""

    def __init__(self, setup):
        self.target = FakeTarget(setup.project.catalogue.entities)

    def open(self):
        return self.target

    def examine(self, needs):
        return [Finding("rights", Severity.INFO, f"{len(needs)} entities may be used")]

    def minimum_permissions(self, needs):
        return sorted(needs)

    def permission_sections(self, entities):
        return {"All": sorted(entities)}

    def describe_entity(self, name):
        return DescribedEntity(
            name, ("query",), has_udfs=False, fields={"note": {"type": "string"}}
        )

    def copy(self, database):
        return self.target

    def clone(self, database):
        return CLONED

    def forget_answers(self):
        """Nothing is kept of it."""


@pytest.fixture
def another(monkeypatch, tmp_path):
    """A project in an empty folder, whose target is that one."""
    monkeypatch.setattr(targets, "SandboxConnector", OtherConnector)
    (tmp_path / "schemas").mkdir()
    return replace(project(), root=str(tmp_path))


def test_doctor_examines_it(another):
    found = doctor.examine(another)

    assert "8 entities may be used" in [one.text for one in found.findings]
    assert found.permissions == found.sections["All"]


def test_its_metadata_extend_the_catalogue(another):
    pulled = catalogue.pull(another, ["Companies"])

    assert [change.name for change in pulled.changes] == ["Companies.note"]


def test_its_records_fill_a_sandbox(another, tmp_path):
    assert sandbox.clone_target(another, tmp_path / "copy.sqlite") == CLONED
