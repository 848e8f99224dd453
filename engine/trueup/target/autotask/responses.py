"""Judges a response of the service: done, refused, busy, or not to be trusted.

Autotask answers nearly every refusal with HTTP 500 and `{"errors": […]}`, so the status alone is
not enough: a 500 with a message is a refusal, a 500 without one is a fault
(docs/explanation/autotask.md, section 4).
"""

import html
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Never

from msgspec import Struct

from trueup.model.retry_after import retry_after
from trueup.target.autotask.refusals import nothing_was_written

LONGEST_MESSAGE = 300
"""Characters of one message of the service that are kept."""

_MOST_ERRORS = 20
_BUSY = re.compile(
    r"itgenatr005\b|(the )?thread (threshold|limit)\b"  # observed: [N8N]
    r"|(the|you have exceeded the) request threshold\b",  # assumed: no source has this text
    re.IGNORECASE,
)
"""How a message of the limits of requests at a time and in an hour begins.

Only the beginning counts: a refusal may repeat a value of ours that contains such words.
"""
_TRANSIENT = re.compile(
    r"timed out|timeout expired|request timeout|operation timeout|deadlock", re.IGNORECASE
)
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|</?[a-z!][^<>]*>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>(.{1,500}?)</title>", re.IGNORECASE | re.DOTALL)
_SUCCESS = range(200, 300)
_UNCERTAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT})
"""The statuses from 400 to 499 after which the request may still have been done."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of characters that a message must not contain."""


class MalformedResponse(ValueError):
    """A response was received and is not what it must be. The text is the reason."""


class ServiceResponse(Struct, frozen=True):
    """A response as received; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Done(Struct, frozen=True):
    """The request was carried out; `payload` is the body's JSON."""

    payload: Any


class Rejected(Struct, frozen=True):
    """The service refused the request, and sending it again will not help.

    `may_have_landed`: the refusal does not prove that the request had no effect (see `refusals`).
    """

    status: int
    errors: tuple[str, ...]
    may_have_landed: bool = False


class Busy(Struct, frozen=True):
    """The request was not carried out: too many at a time, or too many in this hour."""

    text: str
    wait: float | None = None  # seconds that the service asks to wait


class NotSent(Struct, frozen=True):
    """The request was not carried out: it never reached the service."""

    text: str
    again: bool = True


class Unclear(Struct, frozen=True):
    """There is no response that can be trusted; the request may have been carried out."""

    text: str
    wait: float | None = None  # seconds that the service asks to wait
    again: bool = True


Verdict = Done | Rejected | Busy | NotSent | Unclear


def judge(response: ServiceResponse, now: datetime, hide: Callable[[str], str]) -> Verdict:
    """Returns what a response means for its request; `hide` takes secrets out of its messages."""
    payload, errors, is_json = _read(response, hide)
    text = "; ".join(errors) or f"HTTP {response.status}"
    wait = retry_after(response.headers, now)
    if _is_busy(response.status, errors if is_json else ()):
        return Busy(text, wait)
    is_foreign = not is_json and bool(response.body.strip())
    is_known = nothing_was_written(response.status, errors, is_foreign=is_foreign)
    is_fault = _TRANSIENT.search(text) is not None and not is_known
    if _is_refusal(response.status, has_errors=is_json and bool(errors), is_fault=is_fault):
        return Rejected(response.status, errors or (text,), may_have_landed=not is_known)
    if response.status in _SUCCESS and not errors:
        return Done(payload)
    return Unclear(text, wait, again=not _is_redirect(response.status))


def _read(
    response: ServiceResponse, hide: Callable[[str], str]
) -> tuple[Any, tuple[str, ...], bool]:
    """The payload, its errors, and whether the body is JSON; else one error that describes it."""
    try:
        payload = parse(response.body)
    except MalformedResponse as fault:
        error = f"HTTP {response.status} with {fault}{_excerpt(response.body, hide)}"
        return None, (error,), False
    return payload, _errors_of(payload, hide), True


def _is_busy(status: int, errors: Sequence[str]) -> bool:
    """Whether a limit stopped the request; `errors` are Autotask's own.

    The status is not always 429, but a status above 500 comes from a server in between, which may
    have passed the request on.
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    is_autotasks = HTTPStatus.BAD_REQUEST <= status <= HTTPStatus.INTERNAL_SERVER_ERROR
    return is_autotasks and bool(errors) and all(_BUSY.match(error) for error in errors)


def _is_refusal(status: int, *, has_errors: bool, is_fault: bool) -> bool:
    """Whether the service refused the request.

    `has_errors`: the body has errors of Autotask. `is_fault`: they are about a time-out.
    """
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return has_errors and not is_fault
    is_client_error = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return is_client_error and status not in _UNCERTAIN


def _is_redirect(status: int) -> bool:
    return HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST


def parse(body: bytes) -> Any:  # noqa: ANN401 -- any JSON document
    """Parses JSON with exact decimals. Raises `MalformedResponse`."""
    if not body.strip():
        raise MalformedResponse("an empty body")
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        is_html = body.lstrip()[:1] == b"<"
        raise MalformedResponse(
            "a web page" if is_html else "a body that is not complete JSON"
        ) from None


def _refuse_constant(constant: str) -> Never:
    raise ValueError(constant)


def _errors_of(payload: object, hide: Callable[[str], str]) -> tuple[str, ...]:
    """The cleaned messages of `{"errors": [text or {"message": text}, …]}`; none without errors."""
    errors = payload.get("errors") if isinstance(payload, dict) else None
    if not isinstance(errors, list):
        return ()
    messages = [
        error.get("message", "") if isinstance(error, dict) else error
        for error in errors[:_MOST_ERRORS]
    ]
    cleaned = (clean_message(hide(message)) for message in messages if isinstance(message, str))
    return tuple(message for message in cleaned if message)


def clean_message(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """Returns the text on one line, without markup, control and hidden characters, shortened."""
    plain = _TAG.sub(" ", text[: longest * 10])
    visible = "".join(
        " " if unicodedata.category(letter) in _HIDDEN else letter for letter in plain
    )
    line = " ".join(visible.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _excerpt(body: bytes, hide: Callable[[str], str]) -> str:
    """What identifies a body that is not JSON: the title of a page, or the beginning."""
    text = body.decode("utf-8", "replace")
    title = _TITLE.search(text, 0, LONGEST_MESSAGE * 20)
    excerpt = clean_message(hide(html.unescape(title[1]) if title else text), 100)
    return f" ({excerpt})" if excerpt else ""
