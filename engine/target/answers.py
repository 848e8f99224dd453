"""An answer of the service in; what it means out: good, refused, busy, or not to be trusted.

Autotask says nearly every refusal with HTTP 500 and `{"errors": […]}`, so the status alone tells
little: a 500 with a text is a refusal, a 500 without one is a fault (autotask-api.md, section 4).
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Never

LONGEST = 300
"""Characters of one text of the service that are kept."""

_MOST_ERRORS = 20
_BUSY = re.compile(
    r"itgenatr005|thread threshold|thread limit|request threshold|number of requests|rate limit",
    re.IGNORECASE,
)
"""The three-at-a-time limit comes with a status that is not always 429; the text tells it."""
_TRANSIENT = re.compile(r"timed out|timeout expired|request timeout|operation timeout|deadlock", re.IGNORECASE)
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|</?[a-z!][^<>]*>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>(.{1,500}?)</title>", re.IGNORECASE | re.DOTALL)
_DONE = range(200, 300)
_FAULTS = frozenset({HTTPStatus.REQUEST_TIMEOUT})
"""Of the four hundreds, those that do not say that nothing was carried out."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Garbled(ValueError):
    """An answer that came whole and yet is not as it must be; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came over the wire; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Good:
    """Carried out, with what it gave."""

    payload: Any


@dataclass(frozen=True, slots=True)
class Refused:
    """Not carried out, and sending the same again will not help."""

    status: int
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Busy:
    """Not carried out, for now: too many at a time, or too many this hour."""

    text: str
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Not carried out: it never reached the service."""

    text: str
    again: bool = True


@dataclass(frozen=True, slots=True)
class Unclear:
    """No answer that can be trusted; what was asked may have been carried out."""

    text: str
    wait: float | None = None
    again: bool = True


Verdict = Good | Refused | Busy | NotSent | Unclear


def judge(answer: Answer, now: datetime) -> Verdict:
    """What an answer means for the request that it answers."""
    payload, errors, whole = _read(answer)
    text = "; ".join(errors) or f"HTTP {answer.status}"
    wait = retry_after(answer.headers, now)
    if _is_busy(answer.status, text):
        return Busy(text, wait)
    if _is_refusal(answer.status, text, said=whole and bool(errors)):
        return Refused(answer.status, errors or (text,))
    if answer.status in _DONE and not errors:
        return Good(payload)
    return Unclear(text, wait, again=not _is_redirect(answer.status))


def _read(answer: Answer) -> tuple[Any, tuple[str, ...], bool]:
    """The payload, its errors, and whether it is whole JSON; else one error that says what it is."""
    try:
        payload = parse(answer.body)
    except Garbled as fault:
        return None, (f"HTTP {answer.status} with {fault}{_shown(answer.body)}",), False
    return payload, _errors(payload), True


def _is_busy(status: int, text: str) -> bool:
    known = status >= HTTPStatus.BAD_REQUEST and _BUSY.search(text) is not None
    return known or status == HTTPStatus.TOO_MANY_REQUESTS


def _is_refusal(status: int, text: str, *, said: bool) -> bool:
    """`said`: in Autotask's own words."""
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return said and _TRANSIENT.search(text) is None
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _FAULTS


def _is_redirect(status: int) -> bool:
    return HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST


def parse(body: bytes) -> Any:  # noqa: ANN401 -- any JSON document
    """JSON with decimals kept exact. Raises Garbled."""
    if not body.strip():
        raise Garbled("an empty body")
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        kind = "a web page" if body.lstrip()[:1] == b"<" else "a body that is not whole JSON"
        raise Garbled(kind) from None


def _no_number(constant: str) -> Never:
    raise ValueError(constant)


def _errors(payload: object) -> tuple[str, ...]:
    """The texts of `{"errors": [text or {"message": text}, …]}`, cleaned; none where there are none."""
    said = payload.get("errors") if isinstance(payload, dict) else None
    if not isinstance(said, list):
        return ()
    texts = [one.get("message", "") if isinstance(one, dict) else one for one in said[:_MOST_ERRORS]]
    return tuple(text for text in (clean(text) for text in texts if isinstance(text, str)) if text)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the service asks to wait: given as seconds, or as a date (against its own clock)."""
    said = headers.get("retry-after", "").strip()
    if said.isdecimal():
        return float(said[:9])
    until, there = _date(said), _date(headers.get("date", ""))
    return max(0.0, (until - (there or now)).total_seconds()) if until else None


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def clean(text: str, longest: int = LONGEST) -> str:
    """One line without markup, control and hidden characters, and not without end."""
    bare = _TAG.sub(" ", text[: longest * 10])
    shown = "".join(" " if unicodedata.category(letter) in _HIDDEN else letter for letter in bare)
    line = " ".join(shown.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _text_of(body: bytes) -> str:
    return body[: LONGEST * 20].decode("utf-8", "replace")


def _shown(body: bytes) -> str:
    """What a person may know such a body by: the title of a page, or how it begins."""
    text = _text_of(body)
    title = _TITLE.search(text)
    start = clean(title[1] if title else text, 100)
    return f" ({start})" if start else ""
