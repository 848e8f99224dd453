"""What goes wrong with which request: set from outside, used up in order."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from engine.sandbox.answers import HTML_TYPE, Answer
from engine.sandbox.dataverse.answers import Refusal, refused
from engine.sandbox.request import Request

Proceed = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `verb` and `path` are regular expressions; of the requests that match, `skip` pass, `times` are hit.

    Kinds: busy (429), down (503), html (a page with 200), half (the body cut, its length right), cut (no answer),
    empty (a list of nothing, no links), twice (a page that leads to itself), unauthorized (401), lost (412).
    `landed`: for a cut write, whether it takes effect first.
    """

    kind: str
    verb: str = ""
    path: str = ""
    times: int = 1
    skip: int = 0
    landed: bool = False
    retry_after: int = 2


@dataclass(slots=True)
class Faults:
    """The faults that are set."""

    _lock: Lock = field(default_factory=Lock)
    _left: list[Fault] = field(default_factory=list)

    def set(self, fault: Fault) -> None:
        """One more. Raises KeyError on an unknown kind."""
        _KINDS[fault.kind]
        with self._lock:
            self._left.append(fault)

    @property
    def left(self) -> list[Fault]:
        """Those that are still to come."""
        with self._lock:
            return list(self._left)

    def clear(self) -> None:
        """None from now on."""
        with self._lock:
            self._left.clear()

    def strike(self, request: Request, proceed: Proceed) -> Answer:
        """The answer to a request, with the first fault on it that is due."""
        fault = self._due(request)
        return _KINDS[fault.kind](fault, request, proceed) if fault else proceed(request)

    def _due(self, request: Request) -> Fault | None:
        address = f"{request.path}?{request.query}"
        with self._lock:
            for place, fault in enumerate(self._left):
                if not re.search(fault.verb, request.verb) or not re.search(fault.path, address):
                    continue
                if fault.skip:
                    self._left[place] = replace(fault, skip=fault.skip - 1)
                    return None
                if fault.times > 1:
                    self._left[place] = replace(fault, times=fault.times - 1)
                else:
                    del self._left[place]
                return fault
        return None


def _busy(fault: Fault, _request: Request, _proceed: Proceed) -> Answer:
    words = "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
    return refused(Refusal(429, "0x80072322", words, {"Retry-After": str(fault.retry_after)}))


def _down(fault: Fault, request: Request, proceed: Proceed) -> Answer:
    if fault.landed:
        proceed(request)
    return refused(Refusal(503, "", "The service is unavailable."))


def _html(_fault: Fault, _request: Request, _proceed: Proceed) -> Answer:
    return Answer(body=b"<!DOCTYPE html><html><body>Sign in</body></html>", content_type=HTML_TYPE)


def _half(_fault: Fault, request: Request, proceed: Proceed) -> Answer:
    answer = proceed(request)
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def _cut(fault: Fault, request: Request, proceed: Proceed) -> Answer:
    if fault.landed:
        proceed(request)
    return Answer(cut_line=True)


def _empty(_fault: Fault, request: Request, proceed: Proceed) -> Answer:
    return _changed(proceed(request), lambda _: {"value": []})


def _twice(_fault: Fault, request: Request, proceed: Proceed) -> Answer:
    itself = f"{request.base}{request.path}?{request.query}"
    return _changed(proceed(request), lambda said: {**said, "@odata.nextLink": itself})


def _unauthorized(_fault: Fault, _request: Request, _proceed: Proceed) -> Answer:
    return refused(Refusal(401, "", "The token was withdrawn.", {"WWW-Authenticate": "Bearer"}))


def _lost(_fault: Fault, _request: Request, _proceed: Proceed) -> Answer:
    words = "The version of the existing record doesn't match the RowVersion property provided."
    return refused(Refusal(412, "0x80060882", words))


def _changed(answer: Answer, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Answer:
    return replace(answer, body=json.dumps(change(json.loads(answer.body))).encode())


_KINDS: dict[str, Callable[[Fault, Request, Proceed], Answer]] = {
    "busy": _busy,
    "down": _down,
    "html": _html,
    "half": _half,
    "cut": _cut,
    "empty": _empty,
    "twice": _twice,
    "unauthorized": _unauthorized,
    "lost": _lost,
}
