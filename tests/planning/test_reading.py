"""Records are read once for all that a plan needs of them."""

import pytest
from trueup.model.coerce import CoercionError
from trueup.model.mapping import Find
from trueup.operations.project import load_project
from trueup.planning.needs import entity_fields
from trueup.planning.reading import Records

from tests.support.fakes import FakeTarget
from tests.support.paths import ROOT


@pytest.fixture
def project():
    return load_project(ROOT)


@pytest.fixture
def target(project):
    """A vendor and a customer; each read as its entity and fields."""

    class Recorded(FakeTarget):
        reads: list = []  # noqa: RUF012 -- replaced below

        def read(self, entity, where, fields):
            self.reads.append((entity, len(where), sorted(fields)))
            return super().read(entity, where, fields)

    types = project.catalogue.entities["Companies"].fields["companyType"].picklist
    number = {pick.label: pick.value for pick in types}
    companies = [
        {"id": 7, "companyName": "Oak", "companyType": number["Vendor"], "isActive": True},
        {"id": 8, "companyName": "Elm", "companyType": number["Customer"], "isActive": True},
    ]
    found = Recorded(project.catalogue.entities, {"Companies": companies})
    found.reads = []
    return found


def vendor_of(project):
    specs = project.mappings["product"].fields.values()
    return next(
        one.value
        for one in specs
        if isinstance(one.value, Find) and one.value.entity == "Companies"
    )


def test_an_entity_that_is_mapped_and_looked_up_is_read_once(project, target):
    reader, customer = Records(project, target, {}), project.mappings["customer"]

    records = reader.of(customer, {}, [])

    spec = vendor_of(project)
    wanted = {"companyName": "Oak", "companyType": "Vendor"}
    assert reader.find(spec, tuple(wanted[name] for name in spec.where)) == 7
    fields = entity_fields(project, customer)
    assert {tuple(sorted(record)) for record in records.values()} == {
        tuple(sorted(["id", *fields]))
    }
    assert [(entity, where) for entity, where, _ in target.reads] == [("Companies", 0)]
    assert reader.count == 2


def test_a_look_up_alone_reads_no_field_of_the_mapping(project, target):
    reader, spec = Records(project, target, {}), vendor_of(project)

    assert reader.find(spec, tuple({"companyName": "Oak"}.get(one, "Vendor") for one in spec.where))

    assert target.reads == [("Companies", 0, ["companyName", "companyType", "isActive"])]


@pytest.mark.parametrize("wanted", ["None", "none "])
def test_a_look_up_finds_no_record_without_a_value(project, target, wanted):
    reader, spec = Records(project, target, {}), vendor_of(project)
    target.records["Companies"][9] = {
        **target.records["Companies"][7],
        "id": 9,
        "companyName": None,
    }
    values = {"companyName": wanted, "companyType": "Vendor"}

    with pytest.raises(CoercionError, match=f"there is no Companies with companyName '{wanted}'"):
        reader.find(spec, tuple(values[name] for name in spec.where))
