"""Two mappings that write one entity: no row gets a second record, and no record two rows."""

import pytest

from tests.planning.records.test_blocking import blocked
from tests.support.scene import Scene, actions, codes, kept, settled
from tests.support.small_project import FILES

CUSTOMER = FILES["mappings/customer.yaml"]


def second(where="source.state == 'Active' and source.id", **changes):
    """A copy of the mapping of customers, about the same rows in other words."""
    text = CUSTOMER.replace("mapping: customer", "mapping: reseller")
    text = text.replace("source.state == 'Active'", where).replace("ref: customer", "ref: reseller")
    for old, new in changes.items():
        text = text.replace(old, new)
    return {"mappings/reseller.yaml": text}


def test_a_row_that_two_mappings_would_create_is_created_once():
    scene = Scene()
    scene.files(second())
    made = scene.plan()

    (finding,) = blocked(made, "acc").findings

    assert [action for action in actions(made) if action[1] in ("customer", "reseller")] == [
        ("create", "customer")
    ]
    assert (finding.mapping, finding.code, finding.text, finding.remedy) == (
        "reseller",
        "identity-shared",
        "has the same identity (udf.Work 365 Id) as customer acc (Alpine Dental)",
        "remove one of the two mappings, or give each its own rows with `where`",
    )
    assert str(finding.place).startswith("mappings/reseller.yaml:")


def test_a_second_plan_creates_it_neither():
    scene = settled()
    scene.files(second())
    made = scene.plan()

    assert actions(made) == []
    (finding,) = blocked(made, "acc").findings
    assert (finding.code, finding.text) == (
        "claimed-twice",
        "claims Companies 1000, and so does customer acc (Alpine Dental)",
    )


def test_a_record_that_rows_of_two_mappings_match_is_written_by_one():
    scene = kept()
    scene.files(second())

    assert ("acc", "claimed-twice") in codes(scene.plan())


@pytest.mark.parametrize("where", ["source.state == 'Inactive'", "source.number == 'none'"])
def test_two_mappings_of_other_rows_share_an_entity(where):
    scene = Scene()
    scene.files(second(where))

    assert codes(scene.plan()) == set()


@pytest.mark.parametrize(
    "marks",
    ["", 'identity: {udf.Work 365 Id: "{{ source.id }}"}', "deactivate: {isActive: false}"],
    ids=["no marks", "the same identity", "deactivated alike"],
)
def test_a_mapping_that_writes_other_fields_may_share_a_record(marks):
    scene = kept()
    text = """
mapping: site
title: Account → Company
tab: Customers
source: {table: account}
target: {entity: Companies}
match:
  - companyNumber: "{{ source.number }}"
fields:
  webAddress: "{{ source.website }}"
create: never
"""
    scene.files({"mappings/site.yaml": text + marks + "\n"})

    assert codes(scene.plan(), "acc") == set()


def test_a_row_that_left_one_mapping_for_another_keeps_its_record():
    scene = settled()
    scene.files(
        {
            "mappings/customer.yaml": CUSTOMER.replace(
                "source.state == 'Active'", "source.state == 'Inactive'"
            )
        },
        second(),
    )

    assert ("acc", "claimed-twice") not in codes(scene.plan())
