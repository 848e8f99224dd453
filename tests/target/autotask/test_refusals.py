"""Which refusals prove that nothing was written."""

import json
from datetime import UTC, datetime

import pytest
from trueup.target.autotask.refusals import nothing_was_written
from trueup.target.autotask.responses import Rejected, ServiceResponse, judge

from tests.support.paths import ROOT

KNOWN = [
    "Missing Required Field: periodType",
    "Value does not exist for the required field resourceID",
    "Reference value on field: roleID of type: … does not exist or is invalid",
    "contactID: Value 12345 does not exist or is invalid",
    "Value does not reference an existing entity for …",
    "Picklist value [3] does not exist for priority",
    "Unable to find projectID in the TimeEntry Entity",
    "effectiveDate must be between the start date and end date of the Contract …",
    "Contracts of type 7 (Recurring Services) require a ContractPeriodType.",
    "Contract EndDate must be after StartDate.",
    "would result in the deletion/modification of an already approved and posted contract period",
    "No message. No matching records found.",
    "The logged in Resource does not have the adequate permissions …",
    "IntegrationCode is invalid.",
    "Zone information could not be determined",
]
"""As the sources quote them; Autotask may go on, with "; on record number [1]." for example."""
ASSUMED = [
    "The value of phone exceeds the maximum length of 25. ; on record number [1].",
    "The value of companyID does not match the id in the request URL.",
    "The field createDate is read only and cannot be set.",
    "The Contract referenced by contractID must be of type Recurring Service.",
    "The endDate of the Contract must not be later than 2100.",
    "The request body is not valid JSON.",
]
"""Texts of the sandbox. They are plausible, but no source quotes them."""
UNPROVEN = [
    "Attempt to insert duplicate data into contract_service_period",
    "The Service is already on the Contract; allowRepeatService must be true to add it again.",
    "The units of the ContractService would fall below zero.",
    "Object reference not set to an instance of an object.",
    "An error has occurred.",
    "An internal error followed. Missing Required Field: phone.",
    "",
]


@pytest.mark.parametrize("text", KNOWN)
def test_a_refusal_for_a_field_a_reference_or_a_right_proves_that_nothing_was_written(text):
    assert nothing_was_written(500, [text], is_foreign=False)


@pytest.mark.parametrize("text", KNOWN)
def test_a_refusal_that_proves_that_nothing_was_written_has_a_source(text):
    page = (ROOT / "docs/explanation/autotask.md").read_text(encoding="utf-8")

    assert text in " ".join(page.split())


@pytest.mark.parametrize("text", ASSUMED)
def test_a_refusal_in_words_that_no_source_quotes_proves_nothing(text):
    assert not nothing_was_written(500, [text], is_foreign=False)


@pytest.mark.parametrize("text", UNPROVEN)
def test_a_refusal_that_a_request_sent_twice_may_get_proves_nothing(text):
    assert not nothing_was_written(500, [text], is_foreign=False)


def test_one_unknown_message_among_known_ones_proves_nothing():
    assert not nothing_was_written(500, [KNOWN[0], UNPROVEN[0]], is_foreign=False)


@pytest.mark.parametrize("status", [400, 402, 403, 404, 406, 409, 410, 413, 415, 418, 422, 451])
def test_a_status_of_the_four_hundreds_alone_proves_nothing(status):
    assert not nothing_was_written(status, [], is_foreign=False)


@pytest.mark.parametrize("status", [401, 403, 404, 405])
@pytest.mark.parametrize("body", [b"<html><title>Blocked</title>", KNOWN[0].encode()])
def test_a_body_that_is_not_json_proves_nothing(status, body):
    verdict = judge(ServiceResponse(status, {}, body), datetime(2026, 11, 20, tzinfo=UTC), str)

    assert isinstance(verdict, Rejected)
    assert verdict.may_have_landed


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b""),
        (401, b'{"errors": ["Unauthorized"]}'),
        (405, b'{"Message": "The requested resource does not support it."}'),
        (500, json.dumps({"errors": KNOWN}).encode()),
    ],
)
def test_the_verdict_of_a_proven_refusal_has_its_proof(status, body):
    verdict = judge(ServiceResponse(status, {}, body), datetime(2026, 11, 20, tzinfo=UTC), str)

    assert isinstance(verdict, Rejected)
    assert not verdict.may_have_landed
