"""Faults on demand: what goes wrong with which request, counted in the database so that it survives a restart.

A fault is a JSON object. `kind` is one of KINDS, or of the service's own. Which requests: `verb`, `path` and
`query`, regular expressions found anywhere in them, case ignored; of those that match, the `nth` (from 1), then
`times` in a row (0: for good), or each with the probability `share`, drawn with `seed` and the request's number.
`when` says whether a write takes effect first (`after`) or not (`before`, the default).

Every sandbox has these faults; its `Manner` says in which words it puts them.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Protocol

from engine.sandbox import answers
from engine.sandbox.answers import HTML_TYPE, Answer, Refused
from engine.sandbox.lenient import Json
from engine.sandbox.request import Request

SCHEMA = """
CREATE TABLE IF NOT EXISTS _faults (id INTEGER PRIMARY KEY, spec TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0);
"""
_HTML = b"""<!DOCTYPE html>
<html><head><title>Service Unavailable</title></head>
<body><h2>Service Unavailable</h2></body></html>
"""
_PAGING = {"twice", "skip", "empty", "half"}

Proceed = Callable[[Request], Answer]
Later = Callable[[float, Request, Proceed], None]


class Kept(Protocol):
    """A database with SCHEMA in it."""

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """A connection to read by."""
        ...

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """A connection inside a write."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault as it was asked for."""

    kind: str
    verb: str = ""
    path: str = ""
    query: str = ""
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
    hide: Mapping[str, frozenset[int | str]] = field(default_factory=dict)
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


@dataclass(frozen=True, slots=True)
class Stroke:
    """One fault at work on one request."""

    fault: Fault
    pause: float
    proceed: Proceed
    later: Later
    sleep: Callable[[float], None]
    manner: "Manner"

    def effect(self, request: Request) -> bool:
        """Lets the request take effect first, if the fault says so; whether it did."""
        return self.fault.when == "after" and self.proceed(request).took_effect


Effect = Callable[[Stroke, Request], Answer]


@dataclass(frozen=True, slots=True)
class Manner:
    """How one service says what is wrong; `own` are faults that only it has."""

    busy: Callable[[int], Answer]  # asked to come back after so many seconds; 0: it does not say when
    error: Callable[[], Answer]
    key: Callable[[Json], int | str] = int  # of a row, to hide it; raises ValueError for what is none
    own: Mapping[str, Effect] = field(default_factory=dict)

    @property
    def kinds(self) -> Mapping[str, Effect]:
        """All that can go wrong."""
        return {**KINDS, **self.own}


AUTOTASK = Manner(answers.busy, answers.timed_out)


def parse(said: Mapping[str, Json], manner: Manner = AUTOTASK) -> Fault:
    """A fault out of its JSON. Raises Refused that says what is wrong with it."""
    known = {name: said[name] for name in said if name in Fault.__dataclass_fields__ and name != "id"}
    if said.get("kind") not in manner.kinds or len(known) < len(said):
        odd = sorted(set(said) - set(known))
        raise Refused(
            f"A fault has a kind ({', '.join(manner.kinds)}) and {', '.join(Fault.__dataclass_fields__)}; not {odd}."
        )
    try:
        seconds = known.get("seconds", 0)
        known["seconds"] = (
            (float(seconds[0]), float(seconds[1])) if isinstance(seconds, list) else (float(seconds),) * 2
        )
        known["hide"] = {name: frozenset(map(manner.key, ids)) for name, ids in known.get("hide", {}).items()}
        fault = Fault(**known)
        re.compile(fault.verb), re.compile(fault.path), re.compile(fault.query)
    except (TypeError, ValueError, IndexError, AttributeError, re.error) as error:
        raise Refused(f"The fault cannot be read: {error}.") from None
    if fault.when not in {"before", "after"} or fault.page not in _PAGING:
        raise Refused(f"`when` is before or after, `page` one of {', '.join(sorted(_PAGING))}.")
    return fault


class Faults:
    """The faults that are set for one database."""

    def __init__(self, store: Kept, later: Later, pause: Callable[[float], None], manner: Manner = AUTOTASK) -> None:
        self._store = store
        self._pause = pause
        self._later = later
        self._manner = manner

    def set(self, said: Mapping[str, Json]) -> int:
        """Adds a fault; its id. Raises Refused."""
        parse(said, self._manner)
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
        effect = self._manner.kinds[fault.kind]
        stroke = Stroke(fault, fault.pause(number), proceed, self._later, self._pause, self._manner)

        def struck(request: Request) -> Answer:
            answer = effect(stroke, request)
            return replace(answer, fault=f"{fault.kind} {answer.fault}".strip())

        return struck

    def _due(self, request: Request) -> list[tuple[Fault, int]]:
        with self._store.reading() as db:
            matching = [fault for fault in self._all(db) if _matches(fault, request)]
        if not matching:
            return []
        with self._store.writing() as db:
            numbers = [(fault, _next_number(db, fault)) for fault in matching]
        return [(fault, number) for fault, number in numbers if number and fault.hits(number)]

    def _all(self, db: sqlite3.Connection) -> list[Fault]:
        rows = db.execute("SELECT id, spec FROM _faults ORDER BY id").fetchall()
        return [replace(parse(json.loads(spec), self._manner), id=id_) for id_, spec in rows]


def _matches(fault: Fault, request: Request) -> bool:
    both = ((fault.verb, request.verb), (fault.path, request.path), (fault.query, request.query))
    return all(re.search(pattern, text, re.IGNORECASE) for pattern, text in both)


def _next_number(db: sqlite3.Connection, fault: Fault) -> int:
    db.execute("UPDATE _faults SET seen = seen + 1 WHERE id = ?", [fault.id])
    row = db.execute("SELECT seen FROM _faults WHERE id = ?", [fault.id]).fetchone()
    return int(row[0]) if row else 0


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
    return _said(stroke, request, stroke.manner.busy(int(stroke.pause)))


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
    return _said(stroke, request, stroke.manner.error())


def _said(stroke: Stroke, request: Request, answer: Answer) -> Answer:
    took_effect = stroke.effect(request)
    return replace(answer, status=stroke.fault.status or answer.status, took_effect=took_effect)


KINDS: dict[str, Effect] = {
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
