"""A team logs in at a provider on loopback: who gets in, and each token that does not count."""

import shutil
import ssl
import time
from http import HTTPStatus
from threading import Event, Thread
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from trueup.errors import ConfigError, EngineError
from trueup.model.desk import OidcSettings
from trueup.review.oidc import KEYS_KEPT, LogInRefused, Provider
from trueup.review.server import Server, Surroundings, Team
from trueup.review.team_login import own_address

from tests.support.browser import OWN, Browser
from tests.support.oidc_provider import (
    CLIENT,
    NEW_KEY,
    OTHER_KEY,
    SECRET,
    OidcProvider,
    unsigned,
)
from tests.support.pages import text_of

DONE = "http://127.0.0.1:1/login/done"
WORDS = ("s" * 43, "n" * 43, "v" * 43)
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # HTTP needs no certificates, which load slowly
DOES_NOT_COUNT = "The log-in service's answer does not count"


@pytest.fixture
def provider():
    with OidcProvider() as one:
        yield one


def logged_in(served, claim="email", nonce="n" * 43, clock=time.monotonic, at=None):
    """Who logs in at that provider, by the desk's own code."""
    settings = OidcSettings(served.issuer, CLIENT, SECRET, claim)
    client = at or Provider(settings, DONE, clock)
    pending = client.begin(*WORDS)
    back = httpx.get(pending.address, follow_redirects=False, verify=PLAIN).headers["Location"]
    code = parse_qs(urlsplit(back).query)["code"][0]
    object.__setattr__(pending, "nonce", nonce)
    return client.finish(code, pending)


def test_a_verified_address_is_who_logs_in(provider):
    assert logged_in(provider) == "anna@msp.example"
    assert provider.asked == ["/.well-known/openid-configuration", "/keys", "/authorize", "/token"]


def test_another_claim_names_the_person_if_the_project_configures_it(provider):
    provider.claims = {"upn": "anna"}

    assert logged_in(provider, claim="upn") == "anna"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": "another-client", "azp": CLIENT},
        {"aud": None},
        {"aud": [CLIENT, "another-client"]},  # without azp, for whom it is stays open
        {"azp": "another-client"},
        {"nonce": "of another log-in"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"iat": 9_999_999_999},
        {"sub": None},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_log_in_does_not_count(provider, claims):
    provider.claims |= claims

    with pytest.raises(LogInRefused, match=DOES_NOT_COUNT):
        logged_in(provider)


def of_another_key(claims):
    return jwt.encode({"alg": "RS256", "kid": "first"}, claims, OTHER_KEY)


def of_the_secret(claims):
    key = OctKey.import_key(SECRET + "x" * 32)
    return jwt.encode({"alg": "HS256", "kid": "first"}, claims, key)


@pytest.mark.parametrize(
    "sign", [unsigned, of_another_key, of_the_secret, lambda _claims: "no.token.x"]
)
def test_a_token_without_the_issuers_signature_does_not_count(provider, sign):
    provider.sign = sign

    with pytest.raises(LogInRefused, match=DOES_NOT_COUNT):
        logged_in(provider)


def test_a_key_that_the_issuer_has_changed_is_read_again(provider):
    now = [1000.0]
    settings = OidcSettings(provider.issuer, CLIENT, SECRET)
    client = Provider(settings, DONE, lambda: now[0])
    assert logged_in(provider, at=client) == "anna@msp.example"
    provider.key, provider.published = NEW_KEY, [NEW_KEY]

    with pytest.raises(LogInRefused, match=DOES_NOT_COUNT):  # not for every bad token
        logged_in(provider, at=client)
    now[0] += KEYS_KEPT
    assert logged_in(provider, at=client) == "anna@msp.example"


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({"email_verified": False}, "has not verified that anna@msp.example is your address"),
        ({"email_verified": None}, "has not verified"),
        ({"email_verified": "false"}, "has not verified"),
        ({"email": None}, "did not send your email"),
        ({"email": ["anna@msp.example"]}, "did not send your email"),
        ({"email": " "}, "did not send your email"),
    ],
)
def test_an_address_that_is_not_verified_names_no_person(provider, claims, text):
    provider.claims |= claims

    with pytest.raises(LogInRefused, match=text):
        logged_in(provider)


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"}],
)
def test_a_provider_that_is_another_or_would_get_the_secret_in_clear_is_not_used(
    provider, metadata
):
    provider.metadata = metadata

    with pytest.raises(LogInRefused, match="The log-in service cannot be used"):
        logged_in(provider)


def test_a_code_is_worth_nothing_without_the_verifier(provider):
    settings = OidcSettings(provider.issuer, CLIENT, SECRET)
    client = Provider(settings, DONE)
    pending = client.begin(*WORDS)
    back = httpx.get(pending.address, follow_redirects=False).headers["Location"]
    object.__setattr__(pending, "verifier", "w" * 43)

    with pytest.raises(LogInRefused, match="gave no token"):
        client.finish(parse_qs(urlsplit(back).query)["code"][0], pending)


# The desk


def policy(issuer):
    return f"""
approval:
  above: 100
  roles: {{decide: [anna@msp.example], approve: [ben@msp.example]}}
desk:
  login: {{issuer: "{issuer}", client_id: {CLIENT}, client_secret: "{{{{ env.DESK_SECRET }}}}"}}
"""


class TeamServing:
    """A team's desk on loopback."""

    def __init__(self, folder):
        self.faults = []
        around = Surroundings(str, self.faults.append, lambda _address: None)
        self.server = Server(folder, "127.0.0.1", 0, around, Team())
        self._stop = Event()
        self._thread = Thread(target=self.server.run, args=(self._stop,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._stop.set()
        self._thread.join()


@pytest.fixture
def folder(made, tmp_path, provider, monkeypatch):
    monkeypatch.setenv("DESK_SECRET", SECRET)
    copy = shutil.copytree(made, tmp_path / "team")
    with (copy / "trueup.yaml").open("a", encoding="utf-8") as file:
        file.write(policy(provider.issuer))
    return copy


@pytest.fixture
def team(folder):
    with TeamServing(folder) as serving:
        yield serving
    assert serving.faults == []


def begun(team):
    """A browser that was sent to the provider and back, and the address that it comes back to."""
    browser = Browser(team.server.login)
    assert browser.send("GET", "/ledger").headers["Location"] == "/login?to=%2Fledger"
    sent = browser.send("GET", "/login")
    back = httpx.get(sent.headers["Location"], follow_redirects=False).headers["Location"]
    return browser, f"/login/done?{urlsplit(back).query}"


def come_back(browser, address):
    """The answer to the browser that comes back; the session's cookie is kept."""
    answer = browser.send("GET", address)
    for cookie in answer.headers.get_all("Set-Cookie") or ():
        if "SameSite=Strict" in cookie:
            browser.cookie = cookie.partition(";")[0]
    return answer


def test_somebody_whom_the_project_names_logs_in_acts_and_logs_out(team):
    browser, address = begun(team)
    assert "-login=" in browser.cookie
    welcome = come_back(browser, address)
    page = browser.get("/ledger")

    assert "You are logged in as anna@msp.example." in welcome.text
    assert "Logged in anna@msp.example (decide, administer)" in text_of(
        page.page.find("body/header")
    )
    out = browser.send("POST", "/logout", urlencode(page.form("/logout")).encode(), OWN)
    assert "You are logged out of the desk." in out.text
    assert browser.send("GET", "/ledger").headers["Location"] == "/login?to=%2Fledger"


def test_a_link_from_elsewhere_arrives_after_the_log_in(team):
    """A browser sends no strict cookie with it, whether the person has a session or not."""
    browser = Browser(team.server.login)
    there = browser.send("GET", "/rows?tab=Changes&text=a%20b").headers["Location"]
    sent = browser.send("GET", there)
    back = httpx.get(sent.headers["Location"], follow_redirects=False).headers["Location"]
    page = browser.send("GET", f"/login/done?{urlsplit(back).query}").page

    assert there == "/login?to=%2Frows%3Ftab%3DChanges%26text%3Da%2520b"
    assert page.find(".//main//a").get("href") == "/rows?tab=Changes&text=a%20b"
    refresh = page.find(".//meta[@http-equiv='refresh']").get("content")
    assert refresh == "0; url=/rows?tab=Changes&text=a%20b"
    stranger = Browser(team.server.login)
    assert stranger.send("POST", "/plan", b"").headers["Location"] == "/login"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "rows",
        "/a\nb",
        "/" + "a" * 3000,
    ],
)
def test_a_log_in_leads_to_no_other_site(text):
    assert own_address(text) == "/"


def test_somebody_whom_the_project_does_not_name_is_refused(team, provider):
    provider.claims |= {"email": "eve@msp.example"}
    browser, address = begun(team)
    answer = come_back(browser, address)

    assert answer.status == HTTPStatus.FORBIDDEN
    assert "names no role for eve@msp.example" in answer.text
    assert browser.send("GET", "/ledger").headers["Location"] == "/login?to=%2Fledger"


def test_a_log_in_is_finished_once_and_in_the_browser_that_began_it(team):
    browser, address = begun(team)
    stranger = Browser(team.server.login)
    assert "was not begun in this browser" in stranger.send("GET", address).text
    before = browser.cookie
    assert come_back(browser, address).status == HTTPStatus.OK

    browser.cookie = before
    again = browser.send("GET", address)
    assert again.status == HTTPStatus.FORBIDDEN
    assert "was not begun in this browser" in again.text


@pytest.mark.parametrize("change", [("state", "x"), ("code", "")])
def test_another_state_or_no_code_is_refused(team, change):
    browser, address = begun(team)
    query = parse_qs(urlsplit(address).query)
    query[change[0]] = [change[1]]
    answer = browser.send("GET", f"/login/done?{urlencode(query, doseq=True)}")

    assert answer.status == HTTPStatus.FORBIDDEN
    assert "Log in again." in answer.text


def test_a_role_that_is_taken_away_ends_at_the_next_request(team, folder, provider):
    browser, address = begun(team)
    come_back(browser, address)
    assert browser.get("/ledger").status == HTTPStatus.OK
    text = (folder / "trueup.yaml").read_text(encoding="utf-8")
    (folder / "trueup.yaml").write_text(text.replace("[anna@", "[andrea@"), encoding="utf-8")

    assert browser.get("/ledger").status == HTTPStatus.FORBIDDEN


def test_no_token_opens_the_desk_of_a_team(team):
    browser = Browser(team.server.login)
    answer = browser.send("GET", f"/login?token={team.server.sessions.token}")

    assert urlsplit(answer.headers["Location"]).path == "/authorize"


def test_the_address_at_the_provider_has_a_challenge_a_state_and_a_nonce_of_its_own(team):
    browser = Browser(team.server.login)
    queries = [
        parse_qs(urlsplit(browser.send("GET", "/login").headers["Location"]).query)
        for _ in range(2)
    ]

    for query in queries:
        assert query["code_challenge_method"] == ["S256"]
        assert query["response_type"] == ["code"]
        assert query["redirect_uri"] == [f"{team.server.login}login/done"]
    for name in ("code_challenge", "state", "nonce"):
        assert queries[0][name] != queries[1][name]


def test_log_ins_are_begun_a_number_of_times_only(team):
    browser = Browser(team.server.login)
    statuses = [browser.send("GET", "/login").status for _ in range(31)]

    assert statuses == [303] * 30 + [429]


# What the desk of a team needs


def server(folder, host="127.0.0.1", proxies=()):
    around = Surroundings(str, lambda _error: None, lambda _address: None)
    return Server(folder, host, 0, around, Team(proxies))


def test_without_a_provider_or_people_no_team_is_served(made, folder):
    with pytest.raises(EngineError, match=r"--auth oidc needs `desk: \{login: …\}`"):
        server(made)
    text = (folder / "trueup.yaml").read_text(encoding="utf-8")
    before, _, after = text.partition("\napproval:")
    (folder / "trueup.yaml").write_text(before + "\n" + after[after.index("desk:") :])
    with pytest.raises(EngineError, match="--auth oidc needs `approval:`"):
        server(folder)


def test_without_its_secret_no_team_is_served(folder, monkeypatch):
    monkeypatch.delenv("DESK_SECRET")

    with pytest.raises(ConfigError, match="environment variable DESK_SECRET is not set"):
        server(folder)


@pytest.mark.parametrize("proxies", [(), ("10.0.0.5",)])
def test_other_machines_reach_it_through_a_proxy_with_a_public_address_only(folder, proxies):
    with pytest.raises(EngineError, match="over HTTPS only, through a proxy"):
        server(folder, "0.0.0.0", proxies)  # noqa: S104 -- refused


def test_behind_a_proxy_the_public_address_is_the_one_that_counts(folder):
    with (folder / "trueup.yaml").open("a", encoding="utf-8") as file:
        file.write("  address: https://desk.msp.example\n")
    made = server(folder, proxies=("127.0.0.1",))
    made._listening.close()

    assert made.login == "https://desk.msp.example/"
