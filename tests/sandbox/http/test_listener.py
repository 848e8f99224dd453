"""The listener: kept connections, chunked bodies, invalid lengths, warnings."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from trueup.sandbox.http import client_limits


def wait_until(is_true):
    """Waits until another thread has made it true."""
    for _ in range(3_000):
        if is_true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not become true")


def connection_to(sandbox):
    return socket.create_connection(sandbox.url.removeprefix("http://").split(":"))


def test_a_connection_is_kept_open_and_a_body_may_be_chunked(sandbox, api):
    def chunks():
        yield b'{"filter": [{"op": "eq", '
        yield b'"field": "id", "value": 100}]}'

    with httpx.Client(headers=api.headers, verify=False) as client:  # noqa: S501 -- plain HTTP needs no certificates
        url = f"{sandbox.url}/ATServicesRest/V1.0/Companies/query"
        for _ in range(3):
            assert client.post(url, content=chunks()).json()["items"][0]["companyName"] == "Alpine"


@pytest.mark.parametrize("length", ["-1", "many", str(1 << 40)])
def test_an_invalid_content_length_is_refused(api, length):
    assert api.send("POST", "Companies/query", None, {"Content-Length": length}).status == 413


@pytest.mark.parametrize(
    ("chunk", "status"), [(b"zz", b"400"), (b"-5", b"413"), (b"fffffffff", b"413")]
)
def test_a_broken_or_enormous_chunk_is_refused(sandbox, chunk, status):
    head = (
        b"POST /ATServicesRest/V1.0/Companies/query HTTP/1.1\r\n"
        b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with connection_to(sandbox) as connection:
        connection.sendall(head + chunk + b"\r\n")

        assert connection.recv(100).startswith(b"HTTP/1.1 " + status)


def test_a_client_that_closes_its_connection_within_a_request_changes_nothing(sandbox, api, capfd):
    head = b"POST /ATServicesRest/V1.0/Companies HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
    with connection_to(sandbox) as connection:
        connection.sendall(head + b'{"companyName"')

    companies = api.query("Companies")
    sandbox.close()

    assert len(companies) == 5
    assert capfd.readouterr().err == ""


def test_an_address_that_other_machines_can_reach_prints_a_warning(open_sandbox, capsys):
    sandbox = open_sandbox(host="0.0.0.0")  # noqa: S104 -- that is what is tested

    assert "WARNING" in capsys.readouterr().err
    assert sandbox.url.startswith("http://0.0.0.0:")


HEAD = b"POST /ATServicesRest/V1.0/Companies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD + b"\r\n{", b"GET /sandbox"])
def test_a_client_that_stops_within_its_request_is_cut_off(sandbox, monkeypatch, sent):
    monkeypatch.setattr(client_limits, "REQUEST_SECONDS", 0.1)

    with connection_to(sandbox) as connection:
        connection.sendall(sent)
        connection.settimeout(60)

        assert connection.recv(100) == b""


def test_a_client_that_sends_byte_by_byte_is_cut_off(sandbox, monkeypatch):
    monkeypatch.setattr(client_limits, "REQUEST_SECONDS", 0.3)

    with connection_to(sandbox) as connection:
        connection.settimeout(0.02)
        sent = 0
        while sent < 5_000:  # a minute and more, if nothing cuts it off
            try:
                connection.sendall(b"x")
                sent += 1
                if connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break

    assert 0 < sent < 5_000


def test_an_idle_connection_stays_open_after_a_request(sandbox, monkeypatch):
    monkeypatch.setattr(client_limits, "REQUEST_SECONDS", 0.1)
    request = b"GET /sandbox/faults HTTP/1.1\r\nHost: localhost\r\n\r\n"

    with connection_to(sandbox) as connection:
        for _ in range(3):
            connection.sendall(request)
            connection.settimeout(60)
            assert connection.recv(10_000).startswith(b"HTTP/1.1 200")
            connection.settimeout(0.3)
            with pytest.raises(TimeoutError):  # nothing more comes, and it is not closed
                connection.recv(1)


def test_large_bodies_wait_for_each_other(api, monkeypatch):
    most, take = 0, client_limits.BodyMemory.take

    def taken(memory, size):
        nonlocal most
        take(memory, size)
        most = max(most, memory._held)

    monkeypatch.setattr(client_limits, "LARGEST_BODY", 100_000)
    monkeypatch.setattr(client_limits.BodyMemory, "take", taken)
    body = json.dumps({"filter": [{"op": "eq", "field": "companyName", "value": "x" * 60_000}]})

    with ThreadPoolExecutor(8) as pool:
        replies = [pool.submit(api.post, "Companies/query", body) for _ in range(8)]

    assert {reply.result().status for reply in replies} == {200}
    assert 60_000 < most <= 100_000


def test_a_large_body_that_finds_no_room_in_time_is_refused(api, sandbox, monkeypatch):
    monkeypatch.setattr(client_limits, "LARGEST_BODY", 100_000)
    head = HEAD.replace(b"Content-Length: 9", b"Content-Length: 90000")
    with connection_to(sandbox) as connection:
        connection.sendall(head + b"\r\n" + b" " * 10)
        wait_until(lambda: sandbox._server._listener.body_memory._held)
        monkeypatch.setattr(client_limits, "REQUEST_SECONDS", 0.1)

        refused = api.post("Companies/query", " " * 50_000)
        small = api.get("Companies/100")

    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert small.status == 200


def test_what_a_chunked_body_held_is_free_again(sandbox, api, monkeypatch):
    monkeypatch.setattr(client_limits, "LARGEST_BODY", 1_000)
    head = (
        b"POST /ATServicesRest/V1.0/Companies/query HTTP/1.1\r\n"
        b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for _ in range(3):
        with connection_to(sandbox) as connection:
            connection.sendall(head + b"258\r\n" + b" " * 600 + b"\r\n258\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 413")

    assert api.post("Companies/query", " " * 900).status == 500
