"""The doctor reports zone, credentials, calls and rights of a connection."""

import httpx
import pytest
from trueup.errors import TargetError
from trueup.model.finding import Severity
from trueup.target.autotask.doctor import examine, minimum_permissions

NEEDS = {"Contracts": frozenset({"query", "create"}), "BillingCodes": frozenset({"query"})}


HIDDEN = "records that the user may not see are missing, without an error"


def info(**message):
    rights = {f"can{verb}": True for verb in ("Create", "Query", "Update")}
    access = {f"userAccessFor{verb}": "All" for verb in ("Create", "Query", "Update")}
    return {"info": {**rights, **access, **message}}


def lines(findings):
    return [f"{finding.severity} {finding.code}: {finding.text}" for finding in findings]


@pytest.fixture
def granted(service):
    service.on("GET", "/entityInformation", info())
    return service


def test_a_good_connection_has_only_information(service, target):
    service.on("GET", "/entityInformation", info())

    assert lines(examine(target, NEEDS)) == [
        (
            "info zone: the tenant's zone is "
            "https://webservices14.example.net/ATServicesRest/V1.0 (Zone 14)"
        ),
        "info credentials: user name, secret and integration code are accepted",
        "info threshold: 10,000 of the 10,000 calls that the tenant has this hour are left",
        "info permission: BillingCodes: query granted",
        "info permission: Contracts: create, query granted",
    ]
    assert target.calls == 2 + len(NEEDS)


def test_no_record_is_read_or_written(granted, target):
    examine(target, NEEDS)

    assert {request.method for request in granted.requests} == {"GET"}


def test_a_missing_right_is_an_error_and_a_partial_one_a_warning(service, target):
    service.on(
        "GET",
        "/Contracts/entityInformation",
        info(userAccessForCreate="None", userAccessForQuery="Restricted"),
    )
    service.on("GET", "/BillingCodes/entityInformation", info(canQuery=False))

    findings = examine(target, NEEDS)[3:]

    assert lines(findings) == [
        "error permission: BillingCodes: Autotask offers no query",
        "error permission: Contracts: create is not granted",
        f"warning permission: Contracts: query is granted in part; {HIDDEN}",
    ]
    assert all(finding.remedy for finding in findings)


def test_a_partial_right_to_update_is_a_warning(service, target):
    service.on("GET", "/entityInformation", info(userAccessForUpdate="Restricted"))

    assert lines(examine(target, {"Contracts": frozenset({"update"})}))[3:] == [
        "warning permission: Contracts: update is granted in part"
    ]


def test_a_refused_entity_does_not_end_the_examination(service, target, responses):
    service.on("GET", "/BillingCodes/entityInformation", responses.web_page(404))
    service.on("GET", "/Contracts/entityInformation", info())

    findings = examine(target, NEEDS)

    assert [finding.severity for finding in findings[3:]] == [Severity.ERROR, Severity.INFO]
    assert "HTTP 404 with a web page (Sign in)" in findings[3].text


@pytest.mark.parametrize(
    ("used", "limit", "message"),
    [
        (
            7_499,
            10_000,
            "info threshold: 2,501 of the 10,000 calls that the tenant has this hour are left",
        ),
        (
            7_500,
            10_000,
            "warning threshold: 2,500 of the 10,000 calls that the tenant has this hour are left",
        ),
        (
            10_400,
            10_000,
            "error threshold: 0 of the 10,000 calls that the tenant has this hour are left",
        ),
        (5, 0, "info threshold: the tenant has no limit on calls an hour"),
    ],
)
def test_the_calls_left_are_reported(granted, target, responses, used, limit, message):
    granted.on("GET", "/ThresholdInformation", responses.threshold(used, limit))

    assert lines(examine(target, {}))[-1] == message


@pytest.mark.parametrize("status", [403, 404, 405])
def test_a_tenant_that_does_not_report_its_calls_is_examined_further(granted, target, status):
    granted.on("GET", "/ThresholdInformation", httpx.Response(status))

    assert lines(examine(target, NEEDS))[1:] == [
        "info threshold: Autotask does not report the calls of the hour",
        "info permission: BillingCodes: query granted",
        "info permission: Contracts: create, query granted",
    ]


def test_a_refused_look_up_is_no_missing_threshold(service, client_with):
    service.on("GET", "/ZoneInformation", httpx.Response(404))

    with pytest.raises(TargetError):
        client_with().threshold()


def test_an_unknown_user_ends_the_examination_at_the_zone(service, target, responses):
    service.on(
        "GET", "/ZoneInformation", responses.refusal("Zone information could not be determined")
    )

    (finding,) = examine(target, NEEDS)

    assert finding.severity is Severity.ERROR
    assert "Zone information could not be determined" in finding.text
    assert "trueup.yaml" in finding.remedy


def test_a_wrong_secret_ends_the_examination_at_the_credentials(service, target):
    service.on("GET", "/ThresholdInformation", httpx.Response(401))

    zone, fault = examine(target, NEEDS)

    assert zone.code == "zone"
    assert "user name or the secret is wrong" in fault.text


def test_a_service_that_cannot_be_reached_is_reported_with_what_to_check(service, target):
    service.on("GET", "/ZoneInformation", httpx.ConnectError("refused"))

    (finding,) = examine(target, NEEDS)

    assert "no connection" in finding.text
    assert "proxy" in finding.remedy


def test_the_minimum_permissions_are_one_line_for_each_entity():
    assert minimum_permissions({**NEEDS, "Companies": frozenset({"update", "query"})}) == [
        "BillingCodes: query",
        "Companies: query, update",
        "Contracts: query, create",
    ]
