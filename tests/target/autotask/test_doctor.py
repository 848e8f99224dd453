import httpx
import pytest

from engine.model.finding import Severity
from engine.target.doctor import examine, minimum_permissions
from engine.target.gateway import HttpTarget

NEEDS = {"Contracts": frozenset({"query", "create"}), "BillingCodes": frozenset({"query"})}


HIDDEN = "records that the user may not see are missing without a word"


def info(**said):
    rights = {f"can{verb}": True for verb in ("Create", "Query", "Update")}
    access = {f"userAccessFor{verb}": "All" for verb in ("Create", "Query", "Update")}
    return {"info": {**rights, **access, **said}}


def lines(findings):
    return [f"{finding.severity} {finding.code}: {finding.text}" for finding in findings]


@pytest.fixture
def granted(service):
    service.on("GET", "/entityInformation", info())
    return service


def test_a_connection_where_all_is_well_is_all_information(service, target):
    service.on("GET", "/entityInformation", info())

    assert lines(examine(target, NEEDS)) == [
        "info zone: the tenant's zone is https://webservices14.example.net/ATServicesRest/V1.0 (Zone 14)",
        "info credentials: user name, secret and integration code are accepted",
        "info threshold: 10,000 of the 10,000 calls that the tenant has this hour are left",
        "info permission: BillingCodes: query granted",
        "info permission: Contracts: create, query granted",
    ]
    assert target.calls == 2 + len(NEEDS)


def test_nothing_is_read_or_written(granted, target):
    examine(target, NEEDS)

    assert {request.method for request in granted.asked} == {"GET"}


def test_what_is_not_granted_is_an_error_and_what_is_granted_in_part_a_warning(service, target):
    service.on("GET", "/Contracts/entityInformation", info(userAccessForCreate="None", userAccessForQuery="Restricted"))
    service.on("GET", "/BillingCodes/entityInformation", info(canQuery=False))

    findings = examine(target, NEEDS)[3:]

    assert lines(findings) == [
        "error permission: BillingCodes: Autotask offers no query",
        "error permission: Contracts: create is not granted",
        f"warning permission: Contracts: query is granted in part; {HIDDEN}",
    ]
    assert all(finding.remedy for finding in findings)


def test_an_update_granted_in_part_is_a_warning_too(service, target):
    service.on("GET", "/entityInformation", info(userAccessForUpdate="Restricted"))

    assert lines(examine(target, {"Contracts": frozenset({"update"})}))[3:] == [
        "warning permission: Contracts: update is granted in part"
    ]


def test_an_entity_that_is_refused_does_not_end_the_examination(service, target, say):
    service.on("GET", "/BillingCodes/entityInformation", say.web_page(404))
    service.on("GET", "/Contracts/entityInformation", info())

    findings = examine(target, NEEDS)

    assert [finding.severity for finding in findings[3:]] == [Severity.ERROR, Severity.INFO]
    assert "HTTP 404 with a web page (Sign in [31m)" in findings[3].text


@pytest.mark.parametrize(
    ("used", "limit", "said"),
    [
        (7_499, 10_000, "info threshold: 2,501 of the 10,000 calls that the tenant has this hour are left"),
        (7_500, 10_000, "warning threshold: 2,500 of the 10,000 calls that the tenant has this hour are left"),
        (10_400, 10_000, "error threshold: 0 of the 10,000 calls that the tenant has this hour are left"),
        (5, 0, "info threshold: the tenant has no limit on calls an hour"),
    ],
)
def test_the_calls_left_are_told(granted, target, say, used, limit, said):
    granted.on("GET", "/ThresholdInformation", say.threshold(used, limit))

    assert lines(examine(target, {}))[-1] == said


def test_an_unknown_user_ends_it_at_the_zone(service, target, say):
    service.on("GET", "/ZoneInformation", say.refusal("Zone information could not be determined"))

    (finding,) = examine(target, NEEDS)

    assert finding.severity is Severity.ERROR
    assert "Zone information could not be determined" in finding.text
    assert "trueup.yaml" in finding.remedy


def test_a_wrong_secret_ends_it_at_the_credentials(service, target):
    service.on("GET", "/ThresholdInformation", httpx.Response(401))

    zone, fault = examine(target, NEEDS)

    assert zone.code == "zone"
    assert "user name or the secret is wrong" in fault.text


def test_a_service_that_cannot_be_reached_is_told_with_what_to_check(service, target):
    service.on("GET", "/ZoneInformation", httpx.ConnectError("refused"))

    (finding,) = examine(target, NEEDS)

    assert "no connection" in finding.text
    assert "proxy" in finding.remedy


def test_a_secret_without_encryption_is_a_warning(service, client_with, entities):
    service.on("GET", "/ZoneInformation", {"url": "http://10.0.0.7/"})
    target = HttpTarget(client_with("http://10.0.0.7"), entities, "elsewhere")

    assert "warning zone: the secret is sent without encryption (http)" in lines(examine(target, {}))


def test_the_least_rights_are_one_line_an_entity():
    assert minimum_permissions({**NEEDS, "Companies": frozenset({"update", "query"})}) == [
        "BillingCodes: query",
        "Companies: query, update",
        "Contracts: query, create",
    ]
