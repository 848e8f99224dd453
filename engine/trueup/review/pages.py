"""Puts what a page shows into its template. All text is escaped, and made harmless before."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import urlencode

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from trueup.render import sanitize
from trueup.render.report import ReasonText, pieces
from trueup.review.current_plan import Current
from trueup.review.desk import Desk
from trueup.review.forms import Form
from trueup.review.gate import CSRF
from trueup.review.head import head_of, links_of
from trueup.review.people import SETUP_PAGES, Person
from trueup.review.sessions import Session
from trueup.wiring import SystemClock

_LINE_BREAKS = {ord(character): " " for character in "\t\r\n"}


class Exact(str):
    """Text that stands in an attribute as it is: keys, addresses, tokens. It is only escaped."""

    __slots__ = ()


def desk_of(request: Request) -> Desk:
    """The desk that the app serves."""
    desk: Desk = request.app.state.desk
    return desk


def session_of(request: Request) -> Session:
    """The session of a request that the gate has let in."""
    session: Session = request.state.session
    return session


def form_of(request: Request) -> Form:
    """The form of a POST that the gate has let in."""
    form: Form = request.state.form
    return form


def address(path: str, **query: object) -> Exact:
    """A path with its query; parts that are empty are left out."""
    given = {name: str(value) for name, value in query.items() if value not in ("", None)}
    return Exact(f"{path}?{urlencode(given)}" if given else path)


def page(
    request: Request,
    template: str,
    title: str,
    *,
    current: Current | None,
    status: int = HTTPStatus.OK,
    more: Mapping[str, object] | None = None,
    **values: object,
) -> HTMLResponse:
    """A page of the desk, with the head of the plan where there is one.

    `values`, and `more` of them, are what the template names.
    """
    desk = desk_of(request)
    person = desk.people.person(session_of(request).person)
    text = (
        environment()
        .get_template(template)
        .render(
            title=title,
            head=head_of(current, SystemClock().now()) if current else None,
            links=[one for one in links_of(current) if _is_open(one.address, person)]
            if current
            else (),
            failed=desk.reasons,
            running=desk.runner.is_at_work,
            person=person,
            can_log_out=session_of(request).ends is not None,
            csrf_name=CSRF,
            csrf=Exact(session_of(request).csrf),
            here=here_of(request),
            **{"active": "", "base": "base.html", "refresh": 0, **values, **(more or {})},
        )
    )
    return HTMLResponse(text, status)


def _is_open(address: str, person: Person) -> bool:
    """Whether a tab is one that the person may open."""
    return not address.startswith(SETUP_PAGES) or person.sends(address)


def fragment(request: Request, template: str, **values: object) -> HTMLResponse:
    """A part of a page, with which the script replaces what stands there."""
    csrf = Exact(session_of(request).csrf)
    found = environment().get_template(template)
    return HTMLResponse(found.render(csrf_name=CSRF, csrf=csrf, **values))


def here_of(request: Request) -> Exact:
    """The address of a page that was asked for by GET, to come back to; else the first page."""
    if request.method != "GET":
        return Exact("/")
    query = request.url.query
    return Exact(f"{request.url.path}?{query}" if query else request.url.path)


def refusal(status: int, text: str) -> HTMLResponse:
    """A page without a head, for who is not let in."""
    shown = (
        environment()
        .get_template("refusal.html")
        .render(title=HTTPStatus(status).phrase, text=text)
    )
    return HTMLResponse(shown, status)


def welcome(person: str) -> HTMLResponse:
    """A page that leads to the desk by itself.

    A redirect would not do: it continues the way from the provider's site, and a browser sends no
    strict cookie on such a way.
    """
    shown = environment().get_template("welcome.html").render(title="Logged in", person=person)
    return HTMLResponse(shown)


def failure(
    request: Request, reasons: tuple[ReasonText, ...], status: int, title: str = "Not done"
) -> HTMLResponse:
    """A page that says why something was not done."""
    current = desk_of(request).current
    return page(request, "failure.html", title, current=current, status=status, reasons=reasons)


def failure_text(request: Request, text: str, status: int) -> HTMLResponse:
    """The same for a sentence."""
    return failure(request, (ReasonText(pieces(text), (), ""),), status)


@cache
def stylesheet() -> str:
    """The style of the reports, and what the desk adds to it."""
    report = files("trueup.render") / "templates" / "plan.css"
    own = files("trueup.review") / "desk.css"
    return report.read_text(encoding="utf-8") + own.read_text(encoding="utf-8")


@cache
def script(name: str) -> str:
    """A script of the desk: what it adds to pages that work without it."""
    return (files("trueup.review") / name).read_text(encoding="utf-8")


def _harmless(value: object) -> object:
    """What a template prints: text on one line, with nothing in it that hides; cut where endless.

    The template's own pieces of text come here as well, so spaces at the ends stay.
    """
    if isinstance(value, str) and not isinstance(value, Markup | Exact):
        return sanitize.exact(value.translate(_LINE_BREAKS))
    return value


@cache
def environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("trueup.review"), PackageLoader("trueup.render")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    environment.globals["address"] = address
    environment.filters["exact"] = Exact
    return environment
