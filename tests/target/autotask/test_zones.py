"""Addresses of zones have one spelling, and next pages stay in their zone."""

import pytest
from trueup.target.autotask.responses import MalformedResponse
from trueup.target.autotask.zones import Zone, read_zone, zone_at

ROOT = "https://ws14.example.net/ATServicesRest/V1.0"


@pytest.mark.parametrize(
    "url",
    [
        "https://ws14.example.net",
        "https://ws14.example.net/",
        "https://ws14.example.net/ATServicesRest",
        "https://ws14.example.net/atservicesrest/",
        "https://ws14.example.net/ATServicesRest/V1.0/",
        " HTTPS://ws14.example.net/ATServicesRest/v1.0 ",
    ],
)
def test_every_spelling_of_an_address_has_one_root(url):
    assert zone_at(url).root == ROOT


def test_a_path_before_the_service_is_kept():
    assert (
        zone_at("http://127.0.0.1:8080/proxy/").root
        == "http://127.0.0.1:8080/proxy/ATServicesRest/V1.0"
    )


@pytest.mark.parametrize(
    "url", ["", "webservices.autotask.net", "ftp://x.example", "https://", "file:///etc/passwd"]
)
def test_an_invalid_address_is_refused(url):
    with pytest.raises(ValueError, match="must be like"):
        zone_at(url)


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(ValueError, match="user name or password") as caught:
        zone_at("https://user:hunter22@ws14.example.net")

    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("payload", [None, [], {}, {"url": None}, {"url": 7}, {"url": "nowhere"}])
def test_a_look_up_without_a_usable_url_is_malformed(payload):
    with pytest.raises(MalformedResponse):
        read_zone(payload)


def test_a_next_page_may_have_any_spelling_of_the_origin():
    zone = Zone(ROOT)

    spelled = "HTTPS://WS14.example.net:443/atservicesrest/v1.0/X/query/next?paging={a}"

    assert zone.path_of(spelled) == "X/query/next?paging={a}"
    assert zone.path_of("https://ws14.example.net/elsewhere/next?a") == "/elsewhere/next?a"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/ATServicesRest/V1.0/X/query/next",
        "http://ws14.example.net/ATServicesRest/V1.0/X/query/next",
        "https://ws14.example.net:8443/x",
        "https://ws14.example.net@evil.example/x",
        "/relative",
        "//evil.example/x",
    ],
)
def test_a_next_page_elsewhere_is_an_error(url):
    with pytest.raises(MalformedResponse, match="next page"):
        Zone(ROOT).path_of(url)


def test_an_address_is_relative_to_the_root_or_absolute_on_its_host():
    zone = Zone(ROOT)

    assert zone.address("X/query") == f"{ROOT}/X/query"
    assert zone.address("/a/b?c") == "https://ws14.example.net/a/b?c"


@pytest.mark.parametrize(
    ("url", "secure", "loopback"),
    [
        ("https://a.example", True, False),
        ("http://a.example", False, False),
        ("http://127.0.0.1:1", True, True),
        ("http://localhost", True, True),
        ("http://[::1]:80", True, True),
        ("http://127.0.0.1.evil.example", False, False),
        ("http://localhost.evil.example", False, False),
    ],
)
def test_http_is_secure_on_this_machine_only(url, secure, loopback):
    assert (zone_at(url).is_secure(), zone_at(url).is_loopback()) == (secure, loopback)
