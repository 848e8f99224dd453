"""The checks before each page, by themselves; `test_security.py` asks them over a real port."""

import pytest
from trueup.review.gate import HEADERS, is_own_page
from trueup.review.login import Attempts
from trueup.review.sessions import Sessions, cookie_name, read_cookie, session_cookie
from trueup.review.site import Site

SERVED = "127.0.0.1:8366"


@pytest.mark.parametrize(
    "host", [SERVED, "localhost:8366", "localhost", "[::1]:9", "127.0.0.2:1", "LOCALHOST:8366"]
)
def test_the_served_address_and_names_of_this_machine_are_own_hosts(host):
    assert Site(SERVED).is_own_host(host)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "127.0.0.1.evil.example:8366", "localhost.evil.example", "10.0.0.1:8366",
     "[::1", "evil.example@127.0.0.1x:8366"],
)  # fmt: skip
def test_any_other_host_is_none(host):
    assert not Site(SERVED).is_own_host(host)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin", "origin": f"http://{SERVED}"},
        {"sec-fetch-site": "same-origin", "origin": "null"},  # a page without a referrer
        {"sec-fetch-site": "same-origin"},
        {"origin": f"http://{SERVED}"},  # an older browser
    ],
)
def test_a_form_of_an_own_page_is_recognised_by_its_headers(headers):
    assert is_own_page(headers, Site(SERVED).origins(SERVED))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
        {"sec-fetch-site": "cross-site", "origin": f"http://{SERVED}"},
    ],
)
def test_a_form_of_any_other_page_is_refused(headers):
    assert not is_own_page(headers, Site(SERVED).origins(SERVED))


def test_the_token_opens_one_session_and_no_second_one():
    sessions = Sessions()

    assert sessions.log_in("wrong") is None
    assert sessions.log_in("") is None
    session = sessions.log_in(sessions.token)
    assert session is not None
    assert sessions.log_in(sessions.token) is None
    assert sessions.find(session.id) == session
    assert sessions.find("") is None
    assert sessions.find(sessions.token) is None


def test_nothing_of_a_session_follows_from_its_token():
    sessions = Sessions()
    session = sessions.log_in(sessions.token)

    assert len({sessions.token, session.id, session.csrf}) == 3
    assert Sessions().token != sessions.token
    assert min(map(len, (sessions.token, session.id, session.csrf))) >= 43  # 256 bits


def test_after_too_many_wrong_tokens_none_is_looked_at_for_a_while():
    now = [100.0]
    attempts = Attempts(lambda: now[0], most=3, seconds=60)
    for _ in range(3):
        assert not attempts.are_too_many()
        attempts.add()

    assert attempts.are_too_many()
    now[0] += 59
    assert attempts.are_too_many()
    now[0] += 1
    assert not attempts.are_too_many()


def test_wrong_tokens_of_one_sender_are_not_counted_for_another():
    attempts = Attempts(lambda: 0.0, most=1)
    attempts.add("10.0.0.9")

    assert attempts.are_too_many("10.0.0.9")
    assert not attempts.are_too_many("10.0.0.7")


def test_a_session_ends_after_its_time_or_when_it_is_ended():
    now = [0.0]
    sessions = Sessions(seconds=60, clock=lambda: now[0])
    first, second = sessions.open("anna"), sessions.open("ben")
    sessions.end(second)

    assert sessions.find(second.id) is None
    now[0] = 59.0
    assert sessions.find(first.id) == first
    now[0] = 60.0
    assert sessions.find(first.id) is None


def test_the_cookie_is_for_this_desk_alone_and_out_of_reach_of_scripts():
    name = cookie_name(8366)

    assert session_cookie(name, "abc") == (
        "__Host-trueup-8366=abc; Path=/; Secure; HttpOnly; SameSite=Strict"
    )
    assert read_cookie("other=1; __Host-trueup-8366=abc", name) == "abc"
    assert read_cookie("__Host-trueup-1=abc", name) == ""
    assert read_cookie("=;;\x00broken", name) == ""


@pytest.mark.parametrize("other", ['a="b', "a=b c", "a[0]=1", "a=é", "a", "=", "a=b=c", "a={1,2}"])
def test_the_cookie_is_found_beside_any_other_one(other):
    name = cookie_name(8366)

    assert read_cookie(f"{other}; {name}=abc", name) == "abc"
    assert read_cookie(f"{name}=abc;{other}", name) == "abc"


def test_the_policy_allows_what_is_the_desks_own_and_nothing_else():
    policy = dict(
        part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";")
    )

    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert HEADERS["X-Content-Type-Options"] == "nosniff"
    assert HEADERS["Referrer-Policy"] == "no-referrer"
    assert HEADERS["Cache-Control"] == "no-store"
