"""A client finds its zone, repeats requests by what is known, and keeps limits and secrets."""

import logging
import threading
import traceback

import httpx
import pytest
from trueup.errors import CallsUsedUp, TargetError, TargetRejected, TargetUnavailable
from trueup.ports.target import Threshold
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.limits import Slots
from trueup.target.autotask.responses import MalformedResponse
from trueup.target.autotask.retry import ApiRequest

SECRET, CODE = "s3cret-never-shown", "INTEGRATION-CODE-1"
READ = ApiRequest("POST", "Companies/query", "Companies", "reading Companies", {"filter": []})
PATCH = ApiRequest(
    "PATCH", "Companies", "Companies", "updating Companies 7", {"id": 7}, writes=True
)
CREATE = ApiRequest(
    "POST", "Companies", "Companies", "creating", {"a": 1}, writes=True, repeatable=False
)

DROPPED = httpx.RemoteProtocolError("Server disconnected without sending a response.")
FAULTS = [
    DROPPED,
    httpx.ReadTimeout("too slow"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.DecodingError("not gzip"),
    httpx.Response(200, content=b'{"itemId": 7'),
    httpx.Response(200, html="<title>Sign in</title>"),
    httpx.Response(500),
    httpx.Response(502, html="<title>Bad gateway</title>"),
    httpx.Response(503, headers={"Retry-After": "3"}),
    httpx.Response(500, json={"errors": ["Execution Timeout Expired."]}),
]
NOT_SENT = [
    httpx.ConnectError("[Errno 111] Connection refused"),
    httpx.ConnectTimeout("no route"),
    httpx.PoolTimeout("full"),
    httpx.ProxyError("no"),
]
BUSY = [
    httpx.Response(429),
    httpx.Response(429, headers={"Retry-After": "20"}),
    httpx.Response(500, json={"errors": ["Itgenatr005: Thread Threshold Exceeded"]}),
]


def as_is(payload):
    return payload


# --- the zone


def test_the_zone_is_looked_up_once_and_without_credentials(service, client_with):
    service.on("POST", "/Companies/query", {"items": []})
    client = client_with()

    client.call(READ, as_is)
    client.call(READ, as_is)

    looked_up, _, first, _ = service.requests
    assert str(looked_up.url) == (
        "https://webservices.example.net/ATServicesRest/V1.0/ZoneInformation"
        "?user=api%20user%40demo.example"
    )
    assert not {"secret", "username", "apiintegrationcode"} & set(looked_up.headers)
    assert str(first.url) == "https://webservices14.example.net/ATServicesRest/V1.0/Companies/query"


def test_every_request_to_the_zone_has_credentials_and_json(service, client_with):
    service.on("POST", "/Companies/query", {"items": []})

    client_with().call(READ, as_is)

    headers = service.requests[-1].headers
    assert headers["Secret"] == SECRET
    assert headers["ApiIntegrationCode"] == CODE
    assert headers["UserName"] == "api user@demo.example"
    assert headers["Content-Type"] == "application/json"


def test_a_zone_without_a_slash_at_its_end_is_the_same_zone(service, client_with):
    service.on("GET", "/ZoneInformation", {"url": "https://ws3.example.net/atservicesrest"})

    assert client_with().zone().root == "https://ws3.example.net/ATServicesRest/V1.0"


def test_an_unknown_user_is_reported_with_autotasks_message(service, client_with, responses):
    service.on(
        "GET", "/ZoneInformation", responses.refusal("Zone information could not be determined")
    )

    with pytest.raises(
        TargetRejected, match="looking up the zone: Zone information could not be determined"
    ):
        client_with().zone()
    assert len(service.requests) == 1


def test_an_invalid_look_up_host_is_an_error_at_once(client_with):
    with pytest.raises(TargetError, match=r"target\.url in trueup\.yaml: an address must be like"):
        client_with("webservices.autotask.net")


def test_the_secret_is_not_sent_from_https_to_http(service, client_with):
    service.on("GET", "/ZoneInformation", {"url": "http://ws3.example.net/"})

    with pytest.raises(TargetError, match="from https to http"):
        client_with().call(READ, as_is)
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "url",
    ["http://webservices.autotask.net", "http://10.0.0.7:8080", "HTTP://127.0.0.1.example/"],
)
def test_the_secret_is_not_sent_in_clear_to_another_machine(service, client_with, url):
    with pytest.raises(TargetError, match=r"target\.url in trueup\.yaml must begin with https://"):
        client_with(url)
    assert service.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "https://ws3.autotask.net.evil.example/",
        "https://evilautotask.net/",
        "https://evil.example/ws3.autotask.net/",
        "https://ws3.example.net/",
        "https://localhost/",
        "https://10.0.0.7/",
    ],
)
def test_the_secret_is_not_sent_to_a_host_that_is_not_autotasks(service, client_with, url):
    service.on("GET", "/ZoneInformation", {"url": url})

    with pytest.raises(TargetError, match="no host of Autotask; the secret is not sent there"):
        client_with("https://webservices.autotask.net", hosts=()).call(READ, as_is)
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("start", "url", "hosts"),
    [
        ("https://webservices.autotask.net", "https://WebServices14.Autotask.net/", ()),
        ("https://webservices.autotask.net", "https://proxy.example/", ["Proxy.example"]),
        ("https://proxy.example", "https://ww14.autotask.net/", ()),
        ("https://proxy.example", "https://proxy.example/zone14/", ()),
        ("http://127.0.0.1:8365", "http://localhost:9000/", ()),
    ],
)
def test_a_zone_of_autotask_or_one_that_the_project_names_is_used(
    service, client_with, start, url, hosts
):
    service.on("GET", "/ZoneInformation", {"url": url})
    service.on("POST", "/Companies/query", {"items": []})

    assert client_with(start, hosts=hosts).call(READ, as_is) == {"items": []}


def test_after_a_401_the_zone_is_looked_up_again_and_a_moved_tenant_is_followed(
    service, client_with
):
    moved = {"url": "https://ws20.example.net/ATServicesRest/"}
    service.on("POST", "/Companies", httpx.Response(401), {"itemId": 7})
    client = client_with()
    client.zone()
    service.on("GET", "/ZoneInformation", moved)

    assert client.call(CREATE, as_is) == {"itemId": 7}
    assert client.zone().root == "https://ws20.example.net/ATServicesRest/V1.0"
    assert service.requests[-1].url.host == "ws20.example.net"
    looked_up = [
        request.url.host for request in service.requests if "ZoneInformation" in request.url.path
    ]
    assert looked_up == ["webservices.example.net"] * 2


def test_a_wrong_secret_is_refused_after_one_more_zone_look_up(service, client_with):
    service.on("GET", "/ThresholdInformation", httpx.Response(401))

    with pytest.raises(TargetRejected, match="user name or the secret is wrong") as caught:
        client_with().call(READ, as_is)
    assert caught.value.status == 401
    assert [request.url.path.rpartition("/")[2] for request in service.requests] == [
        "ZoneInformation",
        "ThresholdInformation",
        "ZoneInformation",
    ]


def test_a_tenant_that_keeps_moving_is_followed_once(service, client_with):
    zones = [{"url": f"https://ws{number}.example.net/"} for number in range(9)]
    service.on("GET", "/ZoneInformation", *zones)
    service.on("GET", "/ThresholdInformation", httpx.Response(401))

    with pytest.raises(TargetRejected):
        client_with().threshold()
    assert len(service.requests) == 4


# --- repeats by knowledge


@pytest.mark.parametrize("fault", [*FAULTS, *NOT_SENT, *BUSY], ids=str)
def test_a_read_is_repeated_after_any_fault(service, client_with, fault):
    service.on("POST", "/Companies/query", fault, fault, {"items": [1]})

    assert client_with().call(READ, as_is) == {"items": [1]}


@pytest.mark.parametrize("fault", [*FAULTS, *NOT_SENT, *BUSY], ids=str)
def test_an_update_with_the_same_values_is_repeated_after_any_fault(service, client_with, fault):
    service.on("PATCH", "/Companies", fault, {"itemId": 7})

    assert client_with().call(PATCH, as_is) == {"itemId": 7}
    assert service.paths() == ["PATCH Companies"] * 2


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_create_that_may_have_taken_effect_is_never_sent_twice(service, client_with, fault):
    service.on("POST", "/Companies", fault, {"itemId": 7})

    with pytest.raises(TargetUnavailable, match="It may still have taken effect") as caught:
        client_with().call(CREATE, as_is)
    assert caught.value.may_have_landed
    assert service.paths() == ["POST Companies"]


@pytest.mark.parametrize("fault", [*NOT_SENT, *BUSY], ids=str)
def test_a_create_that_was_certainly_not_received_is_sent_again(service, client_with, fault):
    service.on("POST", "/Companies", fault, fault, {"itemId": 7})

    assert client_with().call(CREATE, as_is) == {"itemId": 7}


@pytest.mark.parametrize("fault", NOT_SENT, ids=str)
def test_a_service_that_cannot_be_reached_is_an_error_without_doubt(service, client_with, fault):
    service.on("POST", "/Companies", fault)

    with pytest.raises(TargetUnavailable, match="no connection") as caught:
        client_with(attempts=4).call(CREATE, as_is)
    assert not caught.value.may_have_landed
    assert service.paths() == ["POST Companies"] * 4


def test_an_invalid_certificate_is_not_tried_again(service, client_with):
    service.on("POST", "/Companies/query", httpx.ConnectError("[SSL] certificate verify failed"))

    with pytest.raises(TargetUnavailable, match="certificate"):
        client_with().call(READ, as_is)
    assert service.paths() == ["POST Companies/query"]


@pytest.mark.parametrize("request_", [READ, PATCH, CREATE], ids=["read", "update", "create"])
def test_a_refusal_with_autotasks_message_is_never_repeated(
    service, client_with, responses, request_
):
    message = "Reference value on field: roleID does not exist or is invalid."
    service.on(request_.method, f"/{request_.path}", responses.refusal(message))

    with pytest.raises(
        TargetRejected, match=r"Autotask refused .*does not exist or is invalid"
    ) as caught:
        client_with().call(request_, as_is)
    assert caught.value.errors == (message,)
    assert len(service.paths()) == 1


def test_a_refusal_after_an_attempt_in_doubt_stays_in_doubt(service, client_with, responses):
    service.on("PATCH", "/Companies", DROPPED, responses.refusal("already posted"))

    with pytest.raises(TargetUnavailable, match="already posted") as caught:
        client_with().call(PATCH, as_is)
    assert caught.value.may_have_landed


def test_a_refused_connection_after_an_attempt_in_doubt_stays_in_doubt(service, client_with):
    service.on("PATCH", "/Companies", DROPPED, NOT_SENT[0])

    with pytest.raises(TargetUnavailable) as caught:
        client_with().call(PATCH, as_is)
    assert caught.value.may_have_landed


def test_a_failed_look_up_after_an_attempt_in_doubt_stays_in_doubt(service, client_with, responses):
    service.on("PATCH", "/Companies", DROPPED, httpx.Response(401))
    client = client_with()
    client.zone()
    service.on(
        "GET", "/ZoneInformation", responses.refusal("Zone information could not be determined")
    )

    with pytest.raises(TargetUnavailable, match="Zone information") as caught:
        client.call(PATCH, as_is)
    assert caught.value.may_have_landed


def test_a_malformed_response_is_a_fault_like_others(service, client_with):
    service.on("POST", "/Companies/query", {"items": None}, {"items": []})

    def strict(payload):
        if payload["items"] is None:
            raise MalformedResponse("no items")
        return payload

    assert client_with().call(READ, strict) == {"items": []}


def test_a_redirect_is_not_followed(service, client_with):
    service.on(
        "POST",
        "/Companies/query",
        httpx.Response(307, headers={"Location": "https://evil.example"}),
    )

    with pytest.raises(TargetUnavailable, match="HTTP 307"):
        client_with().call(READ, as_is)
    assert service.paths() == ["POST Companies/query"]


def test_a_response_that_is_too_large_is_cut_off(service, client_with, monkeypatch):
    monkeypatch.setattr("trueup.model.response_body.LARGEST_BODY", 1000)
    service.on("POST", "/Companies/query", httpx.Response(200, content=b" " * 5000))

    with pytest.raises(TargetUnavailable, match="does not end"):
        client_with().call(READ, as_is)


# --- waiting


def test_waits_grow_and_are_spread_by_chance(service, client_with, clock):
    service.on("POST", "/Companies/query", DROPPED)

    with pytest.raises(TargetUnavailable, match="no answer"):
        client_with(attempts=6).call(READ, as_is)
    assert 0.5 * 15.5 <= clock.slept <= 15.5
    assert len(service.paths()) == 6


def test_the_wait_that_the_service_asks_for_is_obeyed(service, client_with, clock):
    service.on(
        "POST",
        "/Companies/query",
        httpx.Response(429, headers={"Retry-After": "120"}),
        {"items": []},
    )

    client_with().call(READ, as_is)

    assert 120 <= clock.slept < 121


def test_a_wait_beyond_the_deadline_is_not_begun(service, client_with, clock):
    service.on("POST", "/Companies", httpx.Response(429, headers={"Retry-After": "3600"}))

    with pytest.raises(TargetUnavailable, match="no time is left to wait 3600 seconds") as caught:
        client_with(deadline=900).call(CREATE, as_is)
    assert not caught.value.may_have_landed
    assert clock.slept == 0


def test_a_service_that_stays_busy_is_given_up_at_the_deadline(service, client_with, clock):
    service.on("POST", "/Companies", httpx.Response(429))

    with pytest.raises(TargetUnavailable) as caught:
        client_with(deadline=600, attempts=3).call(CREATE, as_is)
    assert not caught.value.may_have_landed
    assert clock.slept <= 600
    assert len(service.paths()) > 3


def test_a_service_that_stays_busy_is_given_up_after_many_attempts(service, client_with):
    service.on("POST", "/Companies", httpx.Response(429, headers={"Retry-After": "1"}))

    with pytest.raises(TargetUnavailable):
        client_with(deadline=1_000_000).call(CREATE, as_is)
    assert len(service.paths()) == 61


def test_when_one_request_is_asked_to_wait_the_others_wait_too(service, client_with):
    service.on("POST", "/Companies", httpx.Response(429, headers={"Retry-After": "120"}))
    service.on("POST", "/Companies/query", {"items": []})
    client = client_with(deadline=60)
    with pytest.raises(TargetUnavailable, match="no time is left"):
        client.call(CREATE, as_is)

    with pytest.raises(TargetUnavailable, match="wait for 120 seconds"):
        client.call(READ, as_is)
    assert service.paths() == ["POST Companies"]


def test_a_turn_after_the_deadline_is_not_waited_for(service, client_with, responses):
    service.on("GET", "/ThresholdInformation", responses.threshold(10_000, 10_000))
    service.on("POST", "/Companies/query", {"items": []})
    client = client_with(deadline=30)
    client.call(READ, as_is)

    with pytest.raises(
        TargetUnavailable, match=r"wait for .* seconds because of Autotask's limits"
    ):
        client.call(READ, as_is)
    assert service.paths() == ["POST Companies/query"]


def test_a_request_stopped_while_it_waits_is_not_sent_again(service, client_with, clock):
    client = client_with()
    service.on("POST", "/Companies/query", httpx.Response(429, headers={"Retry-After": "60"}))
    sleep = clock.sleep

    def sleep_and_stop(seconds):
        sleep(seconds)
        client.stop()

    clock.sleep = sleep_and_stop

    with pytest.raises(TargetUnavailable, match="stopped"):
        client.call(READ, as_is)
    assert service.paths() == ["POST Companies/query"]
    assert clock.slept == 1


def test_a_request_stopped_before_its_turn_is_not_sent(service, client_with, responses):
    service.on("GET", "/ThresholdInformation", responses.threshold(9_900, 10_000))
    service.on("POST", "/Companies", {"itemId": 7})
    client = client_with()
    client.call(CREATE, as_is)
    client.stop()

    with pytest.raises(TargetUnavailable, match="stopped before it was sent") as caught:
        client.call(CREATE, as_is)
    assert not caught.value.may_have_landed
    assert service.paths() == ["POST Companies"]


def test_a_slow_response_to_a_request_sent_in_time_counts(service, client_with, clock):
    def slow(_):
        clock.sleep(40)
        return httpx.Response(200, json={"itemId": 7})

    service.on("POST", "/Companies", slow)

    assert client_with(deadline=30).call(CREATE, as_is) == {"itemId": 7}


def test_a_response_that_takes_too_long_is_cut_off(service, client_with, clock):
    class Drops(httpx.SyncByteStream):
        def __iter__(self):
            for _ in range(1000):
                clock.sleep(20)
                yield b" "

    service.on("POST", "/Companies", lambda _: httpx.Response(200, stream=Drops()))

    with pytest.raises(TargetUnavailable, match="does not end") as caught:
        client_with(timeout=300).call(CREATE, as_is)
    assert caught.value.may_have_landed
    assert clock.slept == 320


def test_a_slot_that_is_free_too_late_is_not_used(service, client_with, clock, monkeypatch):
    client = client_with(deadline=900, workers=1)
    waiting = threading.Event()
    outcome = []
    hold = Slots.hold

    def held(slots, endpoint):
        if threading.current_thread() is thread:
            waiting.set()
        return hold(slots, endpoint)

    def second():
        try:
            client.call(CREATE, as_is)
        except TargetUnavailable as fault:
            outcome.append(fault)

    def first(_):
        thread.start()
        assert waiting.wait(60)
        clock.sleep(1000)
        return httpx.Response(200, json={})

    thread = threading.Thread(target=second)
    monkeypatch.setattr(Slots, "hold", held)
    service.on("POST", "/Companies/query", first)
    service.on("POST", "/Companies", {"itemId": 7})

    client.call(READ, as_is)
    thread.join()

    assert [fault.may_have_landed for fault in outcome] == [False]
    assert service.paths() == ["POST Companies/query"]


def test_any_text_can_be_sent(service, client_with):
    service.on("POST", "/Companies/query", {})
    odd = ApiRequest("POST", "Companies/query", "Companies", "reading", {"a": "\ud800 é"})

    client_with().call(odd, as_is)

    assert service.bodies() == [{"a": "\ud800 é"}]


def test_stopping_ends_the_repeats_and_not_the_request_in_flight(service, client_with, clock):
    client = client_with()

    def fail_and_stop(_):
        client.stop()
        return httpx.Response(500)

    service.on("POST", "/Companies/query", fail_and_stop)

    with pytest.raises(TargetUnavailable, match="HTTP 500"):
        client.call(READ, as_is)
    assert service.paths() == ["POST Companies/query"]
    assert clock.slept == 0


# --- the hour's calls, and the run's


def test_the_threshold_is_read_at_the_start_and_again_near_the_limit(
    service, client_with, responses
):
    service.on("GET", "/ThresholdInformation", responses.threshold(9_990, 10_000))
    service.on("POST", "/Companies/query", {"items": []})
    client = client_with()

    for _ in range(26):
        client.call(READ, as_is)

    paths = [request.url.path for request in service.requests]
    assert sum("ThresholdInformation" in path for path in paths) == 2
    assert client.calls == len(service.requests) == 1 + 2 + 26


def test_a_service_without_the_threshold_can_be_used(service, client_with):
    service.on("GET", "/ThresholdInformation", httpx.Response(404, html="<title>404</title>"))
    service.on("POST", "/Companies/query", {"items": []})
    client = client_with()

    assert client.call(READ, as_is) == {"items": []}
    client.call(READ, as_is)
    assert client.calls == 4


def test_the_threshold_has_the_calls_of_the_whole_tenant(service, client_with, responses):
    service.on("GET", "/ThresholdInformation", responses.threshold(4_321, 10_000))

    assert client_with().threshold() == Threshold(4_321, 10_000)


def test_an_unknown_integration_code_is_reported(service, client_with, responses):
    service.on("GET", "/ThresholdInformation", responses.refusal("IntegrationCode is invalid."))

    with pytest.raises(TargetRejected, match="IntegrationCode is invalid"):
        client_with().call(READ, as_is)


def test_the_runs_limit_stops_before_a_request_is_sent(service, client_with):
    service.on("POST", "/Companies", {"itemId": 1})
    client = client_with(max_calls=3)
    client.call(CREATE, as_is)

    with pytest.raises(CallsUsedUp):
        client.call(CREATE, as_is)
    assert client.calls == len(service.requests) == 3


def test_a_limit_reached_between_two_attempts_leaves_the_first_in_doubt(service, client_with):
    service.on("PATCH", "/Companies", DROPPED)

    with pytest.raises(TargetUnavailable, match="all 3 calls") as caught:
        client_with(max_calls=3).call(PATCH, as_is)
    assert caught.value.may_have_landed


# --- secrets


def full_text_of(error):
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__)


@pytest.mark.parametrize("status", [400, 500, 502])
def test_a_secret_repeated_by_the_server_is_not_in_the_error(service, client_with, caplog, status):
    caplog.set_level(logging.DEBUG)
    service.on(
        "POST",
        "/Companies/query",
        httpx.Response(status, json={"errors": [f"bad {SECRET} of {CODE} <{SECRET}>"]}),
    )

    with pytest.raises(TargetError) as caught:
        client_with().call(READ, as_is)

    text = full_text_of(caught.value) + caplog.text + repr(getattr(caught.value, "errors", ""))
    assert SECRET not in text
    assert CODE not in text


def test_a_broken_connection_does_not_show_the_secret(service, client_with, caplog):
    caplog.set_level(logging.DEBUG)
    service.on("POST", "/Companies/query", httpx.ReadError(f"while sending Secret: {SECRET}"))

    with pytest.raises(TargetUnavailable) as caught:
        client_with(attempts=2).call(READ, as_is)

    assert SECRET not in full_text_of(caught.value) + caplog.text


def test_the_reprs_of_client_and_credentials_show_no_secret(client_with):
    client = client_with()

    assert repr(client) == "AutotaskClient('https://webservices.example.net/ATServicesRest/V1.0')"
    assert repr(Credentials("user", SECRET, CODE)) == "Credentials(…)"
    assert SECRET not in str(vars(client))


@pytest.mark.parametrize(
    ("secret", "why"), [("", "is empty"), ("  \n", "is empty"), ("a\nb", "holds a character")]
)
def test_a_secret_that_no_header_can_carry_is_refused_without_showing_it(secret, why):
    with pytest.raises(TargetError, match=f"the target's secret {why}") as caught:
        Credentials("user", secret, CODE)

    assert repr(secret) not in str(caught.value)


def test_spaces_around_a_secret_are_dropped_and_letters_beyond_ascii_are_sent():
    credentials = Credentials("user", " gehëim\n", CODE)

    assert credentials.headers()[b"Secret"] == "gehëim".encode()


def test_a_closed_client_sends_nothing(client_with):
    client = client_with()

    client.close()

    with pytest.raises(RuntimeError, match="closed"):
        client.zone()
