"""Who may use the control routes: programs on this machine, and no web page of another origin."""

import pytest

LOCAL = ["127.0.0.1", "127.0.0.1:8365", "localhost:8365", "LOCALHOST", "[::1]:8365", "127.8.9.1:1"]
FOREIGN = [
    "rebound.example",
    "rebound.example:8365",
    "localhost.example",
    "127.0.0.1.example:8365",
    "192.0.2.7:8365",
    "[::2]:8365",
    "[::1",
]


def reset(api, **headers):
    """The status of a request that would empty the sandbox, and whether it did."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = api.send("POST", "/sandbox/reset", "{}", named)
    return reply.status, api.control("GET", "dump")["records"] == {}


@pytest.mark.parametrize("host", LOCAL)
def test_a_host_of_this_machine_is_accepted(api, host):
    assert api.send("GET", "/sandbox", headers={"Host": host}).status == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_a_host_of_another_machine_is_refused(api, host):
    assert reset(api, Host=host) == (403, False)
    assert api.send("GET", "/sandbox/dump", headers={"Host": host}).status == 403


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1", "file://"],
)
def test_a_page_of_another_origin_is_refused(api, origin):
    assert reset(api, Origin=origin) == (403, False)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_that_the_browser_marks_as_foreign_is_refused(api, site):
    assert reset(api, Sec_Fetch_Site=site) == (403, False)


def test_a_page_of_the_sandboxs_own_origin_is_accepted(api):
    assert reset(api, Origin=api.url, Sec_Fetch_Site="same-origin") == (200, True)


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain; x=json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/jsonp",
        "application/json-patch+json",
        "json",
        "",
    ],
)
def test_any_other_media_type_than_that_of_json_is_refused(api, media_type):
    assert reset(api, Content_Type=media_type) == (415, False)


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON ; charset=utf-8", "application/json;x=y"]
)
def test_the_media_type_of_json_may_have_parameters(api, media_type):
    assert reset(api, Content_Type=media_type) == (200, True)


def test_a_missing_media_type_is_refused(sandbox, raw):
    answer = raw(
        sandbox, b"POST /sandbox/reset HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
    )

    assert answer.startswith(b"HTTP/1.1 415")


def test_a_body_of_many_brackets_is_refused_and_the_sandbox_goes_on(api):
    reply = api.send("POST", "/sandbox/faults", "[" * 200_000)

    assert (reply.status, reply.errors) == (400, "The body is nested too deeply.")
    assert api.control("GET", "faults") == {"faults": []}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults", '{"kind": "latency", "seconds": NaN}'),
        ("faults", '{"kind": "latency", "seconds": 1e999}'),
        ("faults", '{"kind": "latency", "seconds": -1}'),
        ("faults", '{"kind": "latency", "seconds": "nan"}'),
        ("faults", '{"kind": "latency", "seconds": [5, 1]}'),
        ("faults", '{"kind": "latency", "seconds": [0, Infinity]}'),
        ("faults", '{"kind": "drop", "nth": "two"}'),
        ("faults", '{"kind": "drop", "nth": 0}'),
        ("faults", '{"kind": "drop", "times": true}'),
        ("faults", '{"kind": "drop", "share": NaN}'),
        ("faults", '{"kind": "drop", "share": 7}'),
        ("faults", '{"kind": "empty", "status": 99999}'),
        ("faults", '{"kind": "empty", "status": "500"}'),
        ("faults", '{"kind": "drop", "reset": "yes"}'),
        ("faults", '{"kind": "drop", "path": 5}'),
        ("faults", '{"kind": "drop", "path": "("}'),
        ("faults", '{"kind": ["drop"]}'),
        ("clock", '{"advance": NaN}'),
        ("clock", '{"advance": 1e999}'),
        ("clock", '{"advance": ' + "9" * 400 + "}"),
    ],
)
def test_an_invalid_number_is_refused_and_changes_nothing(api, path, body):
    reply = api.send("POST", f"/sandbox/{path}", body)

    assert reply.status == 400
    assert reply.errors
    assert api.control("GET", "faults") == {"faults": []}
    assert api.get("Companies/100").status == 200
