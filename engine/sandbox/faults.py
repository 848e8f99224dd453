"""Faults on demand: what goes wrong with which request, counted in the database so that it survives a restart.

A fault is a JSON object. `kind` is one of KINDS. Which requests: `verb` and `path`, regular expressions
found anywhere in them, case ignored; of those that match, the `nth` (from 1), then `times` in a row (0: for
good), or each with the probability `share`, drawn with `seed` and the request's number. `when` says whether a
write takes effect first (`after`) or not (`before`, the default).
"""

import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from engine.sandbox.answers import HTML_TYPE, Answer, Refused
from engine.sandbox.lenient import Json
from engine.sandbox.request import Request
from engine.sandbox.store import Store

_HTML = b"""<!DOCTYPE html>
<html><head><title>Service Unavailable</title></head>
<body><h2>Service Unavailable</h2></body></html>
"""
_PAGING = {"twice", "skip", "empty", "half"}

Proceed = Callable[[Request], Answer]
Later = Callable[[float, Request, Proceed], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault as it was asked for."""

    kind: str
    verb: str = ""
    path: str = ""
    nth: int = 1
    times: int = 1
    share: float = 1.0
    seed: int = 0
    when: str = "before"
    seconds: tuple[float, float] = (0.0, 0.0)  # drawn between the two
    status: int = 0  # 0: the kind's own
    reset: bool = False  # cut the line with a reset
    announce: bool = True  # truncate: claim the length of the cut body, so that only the JSON is broken
    page: str = "twice"
    hide: Mapping[str, frozenset[int]] = field(default_factory=dict)
    id: int = 0

    def hits(self, number: int) -> bool:
        """Is the request of this number among those that match to be hit?"""
        if number < self.nth or (self.times and number >= self.nth + self.times):
            return False
        return self.share >= 1 or Random(f"{self.seed}:{number}").random() < self.share  # noqa: S311 -- repeatable, not secret

    def pause(self, number: int) -> float:
        """Seconds for the request of this number."""
        low, high = self.seconds
        return low if low == high else Random(f"{self.seed}:{number}:pause").uniform(low, high)  # noqa: S311 -- as above


def parse(said: Mapping[str, Json]) -> Fault:
    """A fault out of its JSON. Raises Refused that says what is wrong with it."""
    known = {name: said[name] for name in said if name in Fault.__dataclass_fields__ and name != "id"}
    if said.get("kind") not in KINDS or len(known) < len(said):
        odd = sorted(set(said) - set(known))
        raise Refused(
            f"A fault has a kind ({', '.join(KINDS)}) and {', '.join(Fault.__dataclass_fields__)}; not {odd}."
        )
    try:
        seconds = known.get("seconds", 0)
        known["seconds"] = (
            (float(seconds[0]), float(seconds[1])) if isinstance(seconds, list) else (float(seconds),) * 2
        )
        known["hide"] = {name: frozenset(map(int, ids)) for name, ids in known.get("hide", {}).items()}
        fault = Fault(**known)
        re.compile(fault.verb), re.compile(fault.path)
    except (TypeError, ValueError, IndexError, AttributeError, re.error) as error:
        raise Refused(f"The fault cannot be read: {error}.") from None
    if fault.when not in {"before", "after"} or fault.page not in _PAGING:
        raise Refused(f"`when` is before or after, `page` one of {', '.join(sorted(_PAGING))}.")
    return fault


class Faults:
    """The faults that are set for one database."""

    def __init__(self, store: Store, later: Later, pause: Callable[[float], None]) -> None:
        self._store = store
        self._pause = pause
        self._later = later

    def set(self, said: Mapping[str, Json]) -> int:
        """Adds a fault; its id. Raises Refused."""
        parse(said)
        with self._store.writing() as db:
            return int(db.execute("INSERT INTO _faults (spec) VALUES (?)", [json.dumps(dict(said))]).lastrowid or 0)

    def clear(self, fault: int | None = None) -> None:
        """Takes one fault away, or all."""
        with self._store.writing() as db:
            if fault is None:
                db.execute("DELETE FROM _faults")
            else:
                db.execute("DELETE FROM _faults WHERE id = ?", [fault])

    def known(self) -> list[dict[str, Json]]:
        """Each fault with the number of requests that matched so far."""
        with self._store.reading() as db:
            rows = db.execute("SELECT id, spec, seen FROM _faults ORDER BY id").fetchall()
        return [{"id": id_, "seen": seen, **json.loads(spec)} for id_, spec, seen in rows]

    def strike(self, request: Request, proceed: Proceed) -> Answer:
        """The answer to a request, with all faults on it that are due."""
        for fault, number in self._due(request):
            proceed = self._wrapped(fault, number, proceed)
        return proceed(request)

    def _wrapped(self, fault: Fault, number: int, proceed: Proceed) -> Proceed:
        effect = KINDS[fault.kind]

        def struck(request: Request) -> Answer:
            answer = effect(Stroke(fault, fault.pause(number), proceed, self._later, self._pause), request)
            return replace(answer, fault=f"{fault.kind} {answer.fault}".strip())

        return struck

    def _due(self, request: Request) -> list[tuple[Fault, int]]:
        with self._store.reading() as db:
            matching = [fault for fault in _all(db) if _matches(fault, request)]
        if not matching:
            return []
        with self._store.writing() as db:
            numbers = [(fault, _next_number(db, fault)) for fault in matching]
        return [(fault, number) for fault, number in numbers if number and fault.hits(number)]


def _all(db: sqlite3.Connection) -> list[Fault]:
    rows = db.execute("SELECT id, spec FROM _faults ORDER BY id").fetchall()
    return [replace(parse(json.loads(spec)), id=id_) for id_, spec in rows]


def _matches(fault: Fault, request: Request) -> bool:
    return bool(
        re.search(fault.verb, request.verb, re.IGNORECASE) and re.search(fault.path, request.path, re.IGNORECASE)
    )


def _next_number(db: sqlite3.Connection, fault: Fault) -> int:
    db.execute("UPDATE _faults SET seen = seen + 1 WHERE id = ?", [fault.id])
    row = db.execute("SELECT seen FROM _faults WHERE id = ?", [fault.id]).fetchone()
    return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class Stroke:
    """One fault at work on one request."""

    fault: Fault
    pause: float
    proceed: Proceed
    later: Later
    sleep: Callable[[float], None]

    def effect(self, request: Request) -> bool:
        """Lets the request take effect first, if the fault says so; whether it did."""
        return self.fault.when == "after" and self.proceed(request).took_effect


def _latency(stroke: Stroke, request: Request) -> Answer:
    """Slept where the work is done, so that a slow request holds its place among three."""
    before, after = request.slow
    slow = (before, after + stroke.pause) if stroke.fault.when == "after" else (before + stroke.pause, after)
    return stroke.proceed(replace(request, slow=slow))


def _drop(stroke: Stroke, request: Request) -> Answer:
    took_effect = stroke.effect(request)
    stroke.sleep(stroke.pause)
    return Answer(cut_line=True, reset=stroke.fault.reset, took_effect=took_effect)


def _late(stroke: Stroke, request: Request) -> Answer:
    """The connection goes at once; the write takes effect seconds later."""
    stroke.later(stroke.pause, request, stroke.proceed)
    return Answer(cut_line=True, reset=stroke.fault.reset)


def _empty(stroke: Stroke, request: Request) -> Answer:
    return Answer(status=stroke.fault.status or 500, took_effect=stroke.effect(request))


def _busy(stroke: Stroke, request: Request) -> Answer:
    """429, with the pause as Retry-After."""
    headers = {"Retry-After": str(int(stroke.pause))} if stroke.pause else {}
    took_effect = stroke.effect(request)
    return Answer(
        status=stroke.fault.status or 429,
        body=b'{"errors":["Too many requests."]}',
        headers=headers,
        took_effect=took_effect,
    )


def _html(stroke: Stroke, request: Request) -> Answer:
    took_effect = stroke.effect(request)
    return Answer(status=stroke.fault.status or 200, body=_HTML, content_type=HTML_TYPE, took_effect=took_effect)


def _truncate(stroke: Stroke, request: Request) -> Answer:
    answer = stroke.proceed(request)
    cut = answer.body[: len(answer.body) // 2]
    return replace(answer, body=cut, announce=len(cut) if stroke.fault.announce else len(answer.body))


def _page(stroke: Stroke, request: Request) -> Answer:
    return stroke.proceed(replace(request, paging=stroke.fault.page))


def _hide(stroke: Stroke, request: Request) -> Answer:
    hidden = {name: request.hidden.get(name, frozenset()) | ids for name, ids in stroke.fault.hide.items()}
    return stroke.proceed(replace(request, hidden={**request.hidden, **hidden}))


def _restart(stroke: Stroke, request: Request) -> Answer:
    """The server goes down for so many seconds and comes back at the same address."""
    took_effect = stroke.effect(request)
    return Answer(cut_line=True, reset=stroke.fault.reset, took_effect=took_effect, restart=stroke.pause)


def _error(stroke: Stroke, request: Request) -> Answer:
    """A fault of the service that comes as errors in JSON, as a timeout does."""
    took_effect = stroke.effect(request)
    body = b'{"errors":["The operation has timed out."]}'
    return Answer(status=stroke.fault.status or 500, body=body, took_effect=took_effect)


KINDS: dict[str, Callable[[Stroke, Request], Answer]] = {
    "latency": _latency,
    "drop": _drop,
    "late": _late,
    "empty": _empty,
    "busy": _busy,
    "html": _html,
    "truncate": _truncate,
    "page": _page,
    "hide": _hide,
    "restart": _restart,
    "error": _error,
}
