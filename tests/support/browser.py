"""A browser for the review desk: keeps the cookie, sends forms as they stand on a page, waits."""

import http.client
import json
import re
import time
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from trueup.review.server import Server, Surroundings
from trueup.review.sessions import cookie_name

from tests.support.pages import parsed, text_of

OWN = {"Sec-Fetch-Site": "same-origin"}
FORM = "application/x-www-form-urlencoded"
PATIENCE = 120  # seconds; a page that never comes is a failure


class Answer:
    """A response with its page."""

    def __init__(self, status, headers, body, address):
        self.status, self.headers, self.body, self.address = status, headers, body, address

    @property
    def page(self):
        """The parsed page."""
        return parsed(self.body.decode("utf-8"))

    @property
    def text(self):
        """The text of the page's main part."""
        return text_of(self.page.find("body/main"))

    def tables(self):
        """The rows of each table, by its label: texts by heading."""
        found = {}
        for table in self.page.iter("table"):
            heads = [text_of(cell) for cell in table.find("thead/tr")]
            found[table.get("aria-label")] = [
                dict(zip(heads, map(text_of, row), strict=True)) for row in table.find("tbody")
            ]
        return found

    def forms(self):
        """Each form as its method, its action, and the fields that it would send unchanged."""
        return [
            (one.get("method"), one.get("action"), fields_of(one)) for one in self.page.iter("form")
        ]

    def form(self, action, **having):
        """The fields of the one form with that action, and with these values."""
        [fields] = [one for one in self.forms_to(action) if having.items() <= dict(one).items()]
        return fields

    def forms_to(self, action) -> list[Any]:
        """The fields of each form with that action."""
        return [fields for _, where, fields in self.forms() if where == action]

    def links(self):
        """The addresses that the page leads to."""
        return [one.get("href") for one in self.page.iter("a")]


def fields_of(form):
    """What a form sends where nobody changes it: no ticks, no button."""
    found = []
    for one in form.iter():
        if one.tag == "input" and one.get("type") not in {"checkbox", "radio"}:
            found.append((one.get("name"), one.get("value", "")))
        elif one.tag == "select":
            options = [*one.iter("option")]
            chosen = next((option for option in options if "selected" in option.keys()), options[0])  # noqa: SIM118 -- ElementTree's
            found.append((one.get("name"), chosen.get("value", "")))
    return found


class Browser:
    """One browser. `login` is the address that opens the desk."""

    def __init__(self, login):
        self.login = urlsplit(login)
        self.host = self.login.netloc
        self.cookie = ""

    def send(self, method, address, body=None, headers=None):
        """One request as it is, and its answer; redirects are not followed."""
        given = {"Host": self.host, **({"Cookie": self.cookie} if self.cookie else {})}
        given |= {"Content-Type": FORM} if body is not None else {}
        given |= headers or {}
        connection = http.client.HTTPConnection(self.login.netloc, timeout=PATIENCE)
        try:
            connection.putrequest(method, address, skip_host=True, skip_accept_encoding=True)
            if body is not None:
                given.setdefault("Content-Length", str(len(body)))
            for name, value in given.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read(), address)
        finally:
            connection.close()
        if cookie := answer.headers.get("Set-Cookie"):
            self.cookie = cookie.partition(";")[0]
        return answer

    def open(self):
        """Logs in with the address, and returns the first page."""
        return self.get(f"{self.login.path}?{self.login.query}")

    def get(self, address, **query):
        """A page; redirects are followed, and pages that ask again by themselves are waited for."""
        answer = self.send("GET", f"{address}?{urlencode(query)}" if query else address)
        return self._settled(answer)

    def post(self, address, fields, *more):
        """Sends a form of the desk's own page, and waits for what follows."""
        return self._settled(self.hold(address, fields, *more))

    def hold(self, address, fields, *more):
        """The same, and waits for nothing but the answer."""
        return self.send("POST", address, urlencode([*fields, *more]).encode(), OWN)

    def _settled(self, answer):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if answer.status == http.HTTPStatus.SEE_OTHER:
                answer = self.send("GET", answer.headers["Location"])
            elif b'http-equiv="refresh"' in answer.body:
                time.sleep(0.05)
                answer = self.send("GET", answer.address)
            else:
                return answer
        raise AssertionError(f"{answer.address} did not settle")


class Serving:
    """A desk in this process, over a real port. `faults` are the defects that it reported."""

    def __init__(self, folder, scrub=str):
        self.faults, announced = [], []
        around = Surroundings(scrub, self.faults.append, announced.append)
        self.server = Server(folder, "127.0.0.1", 0, around)
        self._stop = Event()
        self._thread = Thread(target=self.server.run, args=(self._stop,))
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.stop()

    def stop(self):
        """Ends the desk, and waits for it."""
        self._stop.set()
        self._thread.join()

    def browser_of(self, person):
        """A browser in which this person is logged in."""
        browser = Browser(self.server.login)
        name = cookie_name(browser.login.port)
        browser.cookie = f"{name}={self.server.sessions.open(person).id}"
        return browser

    def browser(self):
        """A browser that is logged in; the desk must be new."""
        browser = Browser(self.server.login)
        assert browser.open().status == http.HTTPStatus.OK
        return browser


def query_of(address):
    """The query of an address as a dictionary."""
    return dict(parse_qsl(urlsplit(address).query))


def address_in(text):
    """The address that `trueup review` printed, as text or as JSON."""
    if text.startswith("{"):
        return json.loads(text)["address"]
    return re.search(r"http://\S+", text)[0]
