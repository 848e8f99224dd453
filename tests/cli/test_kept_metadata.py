"""A plan uses the metadata that an earlier one has read, and sees what has changed since."""

import json

import pytest
from trueup.operations.project import load_project
from trueup.sandbox.autotask import seed as seeding
from trueup.target.autotask.metadata import Metadata
from trueup.target.autotask.transport import Transport

COMPANY_TYPES = [{"value": 1, "label": "Customer"}, {"value": 2, "label": "Vendor"}]


@pytest.fixture
def requested(monkeypatch):
    """The metadata that Autotask was asked for, as entities with their routes."""
    requests, read = [], Metadata._read

    def recorded(of, name, route, parse):
        requests.append(f"{name}{route}")
        return read(of, name, route, parse)

    monkeypatch.setattr(Metadata, "_read", recorded)
    return requests


def periods(*labels):
    return [{"value": value, "label": label} for value, label in enumerate(labels, 2)]


def administer(work, picklist, entity="Companies", field="companyType"):
    """An administrator of the tenant changes the labels of a picklist."""
    project = load_project(work)
    document = {"picklists": {entity: {field: picklist}}}
    seeding.seed(work / ".trueup" / "autotask.sqlite", project.catalogue.entities, document)


def test_a_plan_with_kept_metadata_is_byte_for_byte_the_plan_without(trueup, planned, requested):
    fresh = planned("--fresh")
    answers = [*requested]
    requested.clear()

    kept = planned()

    assert "Companies/fields" in answers
    assert requested == []
    assert kept == fresh
    _, _, progress = trueup("plan", "-v")
    assert f" UTC, which spares {len(answers)} calls; " in progress


def test_a_label_that_a_plan_lacked_is_found_once_an_administrator_adds_it(
    work, planned, requested
):
    administer(work, COMPANY_TYPES[1:])
    assert "value-does-not-fit" in planned("--fresh")
    administer(work, COMPANY_TYPES)
    requested.clear()

    found = json.loads(planned())

    assert requested == ["Companies/fields", "Companies/userDefinedFields"]
    again = json.loads(planned())
    assert "value-does-not-fit" not in json.dumps(found["blocked"])
    calls = [(one.pop("digest"), one["summary"].pop("read_calls"))[1] for one in (found, again)]
    assert found == again
    assert calls[0] > calls[1]  # it was planned twice, and all calls are counted


def test_a_label_that_still_lacks_is_read_by_each_plan(work, planned, requested):
    administer(work, COMPANY_TYPES[1:])
    first = planned("--fresh")
    requested.clear()

    second = planned()

    assert requested == ["Companies/fields", "Companies/userDefinedFields"]
    assert second == first


def test_a_missing_label_that_stops_the_plan_is_read(work, trueup, planned, requested):
    """`months` of a price names the labels of a picklist."""
    named = ("Monthly", "Quarterly", "Semi-Annual", "Yearly")
    administer(work, periods("Monthly fee", *named[1:]), "Services", "periodType")
    assert trueup("plan", "--fresh")[0] == 1
    administer(work, periods(*named), "Services", "periodType")
    requested.clear()

    planned()

    assert "Services/fields" in requested


def test_doctor_asks_for_all_that_plans_keep(work, trueup, planned, requested):
    planned()
    requested.clear()

    assert trueup("doctor")[0] == 0

    assert {"Companies", "Companies/fields"} <= {*requested}


def test_plans_find_the_connection_as_doctor_has_left_it(trueup, planned, monkeypatch):
    begun, send = [], Transport.send

    def recorded(of, request, zone):
        if request.path.startswith(("ZoneInformation", "ThresholdInformation")):
            begun.append(request.path.partition("?")[0])
        return send(of, request, zone)

    monkeypatch.setattr(Transport, "send", recorded)
    found = []
    for command in (lambda: planned("--fresh"), planned, lambda: trueup("doctor"), planned):
        command()
        found.append([*begun])
        begun.clear()

    both = ["ZoneInformation", "ThresholdInformation"]
    assert found == [both, [], both, []]


def test_catalogue_pull_makes_the_next_plan_read(trueup, planned, requested):
    planned()
    assert trueup("catalogue", "pull", "Services")[0] == 0
    requested.clear()

    planned()

    assert {*requested} == {"Services", "Services/fields"}


def test_another_sandbox_under_the_same_name_is_read(
    work, few_companies, trueup, planned, requested
):
    planned()
    (work / ".trueup" / "autotask.sqlite").unlink()
    requested.clear()

    planned()

    assert "Companies/fields" in requested
    requested.clear()
    assert trueup("sandbox", "reset")[0] == 0
    planned()
    assert "Companies/fields" in requested


def test_a_run_asks_for_what_it_uses(trueup, saved, requested):
    assert trueup("apply", saved, "--yes")[0] == 0

    assert "Companies/userDefinedFields" in requested
