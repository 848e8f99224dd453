"""Fills templates. All text is escaped, and control characters are made visible."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from urllib.parse import urlencode, urlsplit

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from trueup.render import sanitize
from trueup.render.report import ReasonText, pieces
from trueup.review.current_plan import CurrentPlan
from trueup.review.desk import Desk
from trueup.review.forms import Form
from trueup.review.gate import CSRF
from trueup.review.head import head_of, links_of
from trueup.review.sessions import Session
from trueup.wiring import SystemClock

_LINE_BREAKS = {ord(character): " " for character in "\t\r\n"}


class RawText(str):
    """Text that is only escaped, because attributes need it exact: keys, addresses, tokens."""

    __slots__ = ()


def desk_of(request: Request) -> Desk:
    """Returns the desk that the app serves."""
    desk: Desk = request.app.state.desk
    return desk


def session_of(request: Request) -> Session:
    """Returns the session of a request that has passed the gate."""
    session: Session = request.state.session
    return session


def form_of(request: Request) -> Form:
    """Returns the form of a POST that has passed the gate."""
    form: Form = request.state.form
    return form


def address(path: str, **query: object) -> RawText:
    """Returns a path with its query; empty values are left out."""
    given = {name: str(value) for name, value in query.items() if value not in ("", None)}
    return RawText(f"{path}?{urlencode(given)}" if given else path)


def page(
    request: Request,
    template: str,
    title: str,
    *,
    current: CurrentPlan | None,
    status: int = HTTPStatus.OK,
    more: Mapping[str, object] | None = None,
    **values: object,
) -> HTMLResponse:
    """Returns a page of the desk, with the head of the plan if there is a plan.

    `values` and `more` are the values of the template.
    """
    desk = desk_of(request)
    person = desk.people.person(session_of(request).person)
    text = (
        environment()
        .get_template(template)
        .render(
            title=title,
            head=head_of(current, SystemClock().now()) if current else None,
            links=[one for one in links_of(current) if person.may_open(urlsplit(one.address).path)]
            if current
            else (),
            failed=desk.reasons,
            running=desk.run_control.is_at_work,
            person=person,
            can_log_out=session_of(request).ends is not None,
            csrf_name=CSRF,
            csrf=RawText(session_of(request).csrf),
            here=here_of(request),
            **{"active": "", "base": "base.html", "refresh": 0, **values, **(more or {})},
        )
    )
    return HTMLResponse(text, status)


def fragment(request: Request, template: str, **values: object) -> HTMLResponse:
    """Returns a part of a page, by which the script replaces an element."""
    csrf = RawText(session_of(request).csrf)
    found = environment().get_template(template)
    return HTMLResponse(found.render(csrf_name=CSRF, csrf=csrf, **values))


def here_of(request: Request) -> RawText:
    """Returns the address of a page that was read by GET; otherwise the first page."""
    if request.method != "GET":
        return RawText("/")
    query = request.url.query
    return RawText(f"{request.url.path}?{query}" if query else request.url.path)


def refusal(status: int, text: str) -> HTMLResponse:
    """Returns a page without a head, for a request that does not pass the gate."""
    shown = (
        environment()
        .get_template("refusal.html")
        .render(title=HTTPStatus(status).phrase, text=text)
    )
    return HTMLResponse(shown, status)


def welcome(person: str, to: str) -> HTMLResponse:
    """Returns a page that continues to an address of the desk by itself.

    After a redirect from the provider's site a browser would not send a strict cookie.
    """
    template = environment().get_template("welcome.html")
    shown = template.render(title="Logged in", person=person, to=RawText(to))
    return HTMLResponse(shown)


def failure(
    request: Request, reasons: tuple[ReasonText, ...], status: int, title: str = "Not done"
) -> HTMLResponse:
    """Returns a page with the reasons why a request was refused."""
    current = desk_of(request).current
    return page(request, "failure.html", title, current=current, status=status, reasons=reasons)


def failure_text(request: Request, text: str, status: int) -> HTMLResponse:
    """As `failure`, for one sentence."""
    return failure(request, (ReasonText(pieces(text), (), ""),), status)


@cache
def stylesheet() -> str:
    """Returns the style of the reports with the desk's own rules."""
    report = files("trueup.render") / "templates" / "plan.css"
    own = files("trueup.review") / "desk.css"
    return report.read_text(encoding="utf-8") + own.read_text(encoding="utf-8")


@cache
def script(name: str) -> str:
    """Returns a script of the desk. The pages also work without it."""
    return (files("trueup.review") / name).read_text(encoding="utf-8")


def _harmless(value: object) -> object:
    """Returns a value as a template prints it: on one line, without hidden characters.

    Very long text is cut. Spaces at the ends stay, because the template's own text passes through
    here as well.
    """
    if isinstance(value, str) and not isinstance(value, Markup | RawText):
        return sanitize.exact(value.translate(_LINE_BREAKS))
    return value


@cache
def environment() -> Environment:
    """Returns the templates of pages and reports, made once; a name that is missing is an error."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("trueup.review"), PackageLoader("trueup.render")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    environment.globals["address"] = address
    environment.filters["exact"] = RawText
    return environment
