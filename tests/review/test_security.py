"""Each guard of the desk over a real port: what it stops, and what goes through without it."""

import shutil
from http import HTTPStatus

import pytest
from trueup.review import gate

from tests.review.conftest import HOSTILE
from tests.support.browser import FORM, OWN, Browser, Serving, query_of
from tests.support.pages import text_of

PAGES = ["/", "/rows?tab=Products", "/row?mapping=customer&key=acc", "/ledger", "/findings",
         "/runs", "/approvals", "/run?id=1", "/applying", "/working?id=1", "/preview?digest=1",
         "/approval?digest=1", "/decision?id=1",
         "/doubt", "/progress", "/setup", "/setup/edit", "/doctor", "/desk.js",
         "/download/plan.html", "/download/history.csv", "/no-such-page"]  # fmt: skip
ACTIONS = ["/plan", "/preview", "/approval", "/apply", "/stop", "/resume", "/decide", "/decision",
           "/undo", "/settle", "/close", "/setup", "/setup/edit"]  # fmt: skip


@pytest.fixture
def own(made, tmp_path):
    """A desk of the test's own, to which nobody has logged in."""
    folder = shutil.copytree(made, tmp_path / "own")
    with Serving(folder) as serving:
        yield serving


def csrf_of(browser):
    return dict(browser.get("/ledger").form("/plan"))[gate.CSRF]


def post(browser, body, address="/plan", **headers):
    """A POST as it is; names of headers with underscores."""
    given = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return browser.send("POST", address, body.encode(), given)


@pytest.mark.parametrize("address", PAGES)
def test_no_page_is_shown_without_a_login(desk, browser, address):
    answer = Browser(desk.server.login).send("GET", address)

    assert answer.status == HTTPStatus.UNAUTHORIZED
    assert answer.text.startswith("Unauthorized This page needs a log-in.")
    assert text_of(answer.page.find("head/title")) == "Unauthorized"


@pytest.mark.parametrize("address", ACTIONS)
def test_nothing_is_done_without_a_login(desk, browser, address):
    stranger = Browser(desk.server.login)

    assert post(stranger, f"csrf={csrf_of(browser)}", address, **OWN).status == 401


def test_a_cookie_that_is_made_up_opens_nothing(desk, browser):
    name = browser.cookie.partition("=")[0]
    for value in ("", "x", browser.cookie.partition("=")[2][:-1]):
        answer = browser.send("GET", "/ledger", headers={"Cookie": f"{name}={value}"})
        assert answer.status == HTTPStatus.UNAUTHORIZED


def test_the_address_opens_the_desk_once(own):
    first, second = Browser(own.server.login), Browser(own.server.login)
    path = f"{first.login.path}?{first.login.query}"

    assert second.send("GET", "/login?token=wrong").status == HTTPStatus.FORBIDDEN
    opened = first.send("GET", path)
    assert (opened.status, opened.headers["Location"]) == (HTTPStatus.SEE_OTHER, "/")
    assert opened.headers["Set-Cookie"].startswith(f"__Host-trueup-{first.login.port}=")
    assert opened.headers["Set-Cookie"].endswith("; Path=/; Secure; HttpOnly; SameSite=Strict")
    assert second.send("GET", path).status == HTTPStatus.FORBIDDEN
    assert second.cookie == ""
    again = first.send("GET", path)
    assert (again.status, again.headers["Set-Cookie"]) == (HTTPStatus.SEE_OTHER, None)


def test_wrong_tokens_are_limited_and_lock_no_one_out(own):
    browser = Browser(own.server.login)
    statuses = [browser.send("GET", f"/login?token={n}").status for n in range(7)]

    assert statuses == [403, 403, 403, 403, 403, 429, 429]
    assert browser.open().status == HTTPStatus.OK


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_page_that_gives_its_name_this_machines_address_gets_nothing(browser, host):
    answer = browser.send("GET", "/ledger", headers={"Host": host})

    assert answer.status == HTTPStatus.MISDIRECTED_REQUEST
    assert HOSTILE[:4].encode() not in answer.body
    assert browser.send("GET", "/ledger", headers={"Host": "localhost:1"}).status == HTTPStatus.OK


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"},
        {},
    ],
)
def test_a_form_of_another_page_does_nothing_even_with_the_token(browser, headers):
    answer = post(browser, f"csrf={csrf_of(browser)}", **headers)

    assert answer.status == HTTPStatus.FORBIDDEN
    assert answer.text == f"Forbidden {gate.OTHER_ORIGIN}"


@pytest.mark.parametrize("body", ["", "csrf=", "csrf=wrong", "other=1", "csrf=%F0%9F%A6%B7"])
def test_a_form_without_the_sessions_token_does_nothing(browser, body):
    answer = post(browser, body, **OWN)

    assert answer.status == HTTPStatus.FORBIDDEN
    assert answer.text == f"Forbidden {gate.OTHER_FORM}"


def test_the_token_of_another_session_does_nothing(browser, own):
    other = own.browser()

    assert post(browser, f"csrf={csrf_of(other)}", **OWN).status == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("media_type", ["text/plain", "application/json", "multipart/form-data"])
def test_only_forms_are_read(browser, media_type):
    answer = post(browser, f"csrf={csrf_of(browser)}", **OWN, content_type=media_type)

    assert answer.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def test_a_body_is_bounded(browser):
    body = f"csrf={csrf_of(browser)}&row="
    long = body + "x" * (gate.BODY_LIMIT - len(body) + 1)

    assert post(browser, long, **OWN).status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    many = "&".join(["a=1"] * 30_000)
    assert post(browser, f"{body}&{many}", **OWN).status == HTTPStatus.BAD_REQUEST
    assert post(browser, f"{body}&a=%ff%fe", **OWN).status == HTTPStatus.BAD_REQUEST


def test_a_body_that_never_ends_is_given_up(browser, monkeypatch):
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.2)
    answer = post(browser, "csrf=", **OWN, content_length="1000")

    assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@pytest.mark.parametrize(
    "address", ["/ledger", "/desk.css", "/no-such-page", "/download/plan.html"]
)
def test_every_response_has_the_headers(browser, address):
    for answer in (
        browser.get(address),
        browser.send("GET", address, headers={"Host": "x.example"}),
    ):
        assert {name: answer.headers[name] for name in gate.HEADERS} == dict(gate.HEADERS)
        assert answer.headers["Server"] is None


@pytest.mark.parametrize("verb", ["PUT", "DELETE", "OPTIONS", "PATCH"])
def test_other_verbs_do_nothing(browser, verb):
    answer = browser.send(verb, "/plan", headers=OWN)

    assert answer.status == HTTPStatus.METHOD_NOT_ALLOWED


def test_an_action_is_none_of_a_link(browser):
    for address in ("/plan", "/apply", "/stop", "/resume", "/decide"):
        assert browser.send("GET", address).status == HTTPStatus.METHOD_NOT_ALLOWED


@pytest.mark.parametrize(
    "back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "ledger", "/a\r\nX: y"]
)
def test_no_form_leads_to_another_site(browser, back):
    answer = browser.send(
        "POST",
        "/plan",
        f"csrf={csrf_of(browser)}&back={back}".encode(),
        {**OWN, "Content-Type": FORM},
    )
    while answer.headers["Location"].startswith("/working"):
        answer = browser.send("GET", answer.headers["Location"])
        if not answer.headers["Location"]:
            answer.headers["Location"] = answer.address

    assert answer.headers["Location"] == "/"


def test_a_defect_shows_no_traceback_and_is_reported(own, monkeypatch):
    browser = own.browser()

    def broken(*_arguments):
        raise ZeroDivisionError("the secret is hunter2")

    monkeypatch.setattr("trueup.review.lists.balance_rows", broken)
    answer = browser.send("GET", "/ledger")

    assert answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "This is a fault in trueup" in answer.text
    assert b"hunter2" not in answer.body
    assert b"Traceback" not in answer.body
    assert [str(one) for one in own.faults] == ["the secret is hunter2"]


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE"])
def test_the_style_is_all_that_is_served_without_a_login(own, verb):
    stranger = Browser(own.server.login)

    assert stranger.send("GET", "/desk.css").status == HTTPStatus.OK
    assert stranger.send("HEAD", "/desk.css").status == HTTPStatus.OK
    assert stranger.send(verb, "/desk.css", headers=OWN).status == HTTPStatus.UNAUTHORIZED
    assert own.faults == []


def test_a_defect_of_every_page_is_reported_too(own, monkeypatch):
    browser = own.browser()

    def broken(*_arguments):
        raise ZeroDivisionError("the secret is hunter2")

    monkeypatch.setattr("trueup.review.pages.head_of", broken)
    answer = browser.send("GET", "/ledger")

    assert answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert b"hunter2" not in answer.body
    assert answer.headers["Content-Security-Policy"]
    assert {str(one) for one in own.faults} == {"the secret is hunter2"}


def test_secrets_are_taken_out_of_errors(made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "work")
    with Serving(folder, scrub=lambda text: text.replace("hunter2", "(hidden)")) as serving:
        browser = serving.browser()
        (folder / "trueup.yaml").write_text("project: [hunter2", encoding="utf-8")
        answer = browser.post("/plan", browser.get("/ledger").form("/plan"))

    assert answer.status == HTTPStatus.CONFLICT
    assert "broken YAML" in answer.text
    assert b"hunter2" not in answer.body


def test_addresses_carry_keys_as_they_are(browser):
    links = [link for link in browser.get("/rows", tab="Customers").links() if "/row?" in link]

    assert {"mapping": "customer", "key": "acc"} in [query_of(link) for link in links]
