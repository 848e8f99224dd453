"""The faults that are set for one sandbox. They are counted in its database and survive a restart.

`fault` describes one fault, `fault_effects` what each kind does. The wording of the errors is that
of the sandbox's `ErrorStyle`.
"""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from msgspec.structs import replace

from trueup.sandbox.http.fault import SETTABLE, Fault, check_types, seconds_of
from trueup.sandbox.http.fault_effects import PAGES, ActiveFault, ErrorStyle, Handler, Schedule
from trueup.sandbox.http.json_types import Json, JsonObject
from trueup.sandbox.http.request import KEEPS, Request
from trueup.sandbox.http.responses import HttpError, Response

SCHEMA = """
CREATE TABLE IF NOT EXISTS _faults (
  id INTEGER PRIMARY KEY, spec TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0
);
"""


_UNREADABLE = (
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
    re.error,
)


class Database(Protocol):
    """A database that contains SCHEMA."""

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """A connection to read from."""
        ...

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """A connection inside a write transaction."""
        ...


def parse(document: JsonObject, style: ErrorStyle) -> Fault:
    """Reads a fault from its JSON object. Raises `HttpError` that names what is wrong with it."""
    if document.get("kind") not in style.kinds:
        raise HttpError(f"The kind of a fault must be one of {', '.join(style.kinds)}.")
    unknown = sorted(set(document) - set(SETTABLE))
    if unknown:
        raise HttpError(f"A fault has no {', '.join(unknown)}; it has {', '.join(SETTABLE)}.")

    try:
        hide = {
            entity: frozenset(map(style.row_id, ids))
            for entity, ids in document.get("hide", {}).items()
        }
        values = {**document, "seconds": seconds_of(document.get("seconds", 0)), "hide": hide}
        fault = Fault(**values)
        check_types(fault)
        for pattern in (fault.verb, fault.path, fault.query, fault.fields):
            re.compile(pattern)
    except _UNREADABLE as error:
        raise HttpError(f"The fault cannot be read: {error}.") from None

    if fault.keep not in KEEPS:
        raise HttpError(f"`keep` is one of {', '.join(sorted(KEEPS))}.")
    if fault.when not in {"before", "after"} or fault.page not in PAGES:
        raise HttpError(f"`when` is before or after, `page` one of {', '.join(sorted(PAGES))}.")
    return fault


class Faults:
    """The faults in one database."""

    def __init__(
        self,
        database: Database,
        schedule: Schedule,
        sleep: Callable[[float], None],
        style: ErrorStyle,
    ) -> None:
        self._database = database
        self._schedule = schedule
        self._sleep = sleep
        self._style = style

    def set(self, document: JsonObject) -> int:
        """Adds a fault and returns its id. Raises `HttpError`."""
        parse(document, self._style)
        with self._database.writing() as db:
            added = db.execute(
                "INSERT INTO _faults (spec) VALUES (?)", [json.dumps(dict(document))]
            )
            return int(added.lastrowid or 0)

    def clear(self, fault: int | None = None) -> None:
        """Removes one fault by its id, or all."""
        with self._database.writing() as db:
            if fault is None:
                db.execute("DELETE FROM _faults")
            else:
                db.execute("DELETE FROM _faults WHERE id = ?", [fault])

    def known(self) -> list[dict[str, Json]]:
        """Lists the faults as JSON objects; `seen` is the number of requests that matched."""
        with self._database.reading() as db:
            rows = db.execute("SELECT id, spec, seen FROM _faults ORDER BY id").fetchall()
        return [{"id": id_, "seen": seen, **json.loads(spec)} for id_, spec, seen in rows]

    def handle(self, request: Request, proceed: Handler) -> Response:
        """Handles a request with all faults that hit it. The fault set last is the outermost."""
        for fault, number in self._due(request):
            proceed = self._with_fault(fault, number, proceed)
        return proceed(request)

    def _with_fault(self, fault: Fault, number: int, proceed: Handler) -> Handler:
        effect = self._style.kinds[fault.kind]
        pause = fault.pause(number)
        active = ActiveFault(fault, pause, proceed, self._schedule, self._sleep, self._style)

        def handle(request: Request) -> Response:
            response = effect(active, request)
            return replace(response, fault=f"{fault.kind} {response.fault}".strip())

        return handle

    def _due(self, request: Request) -> list[tuple[Fault, int]]:
        """Counts the request for each fault that matches it; returns those that hit it."""
        with self._database.reading() as db:
            matching = [fault for fault in self._all(db) if fault.matches(request)]
        if not matching:
            return []
        with self._database.writing() as db:
            numbers = [(fault, _next_number(db, fault)) for fault in matching]
        return [(fault, number) for fault, number in numbers if number and fault.hits(number)]

    def _all(self, db: sqlite3.Connection) -> list[Fault]:
        rows = db.execute("SELECT id, spec FROM _faults ORDER BY id").fetchall()
        return [replace(parse(json.loads(spec), self._style), id=id_) for id_, spec in rows]


def _next_number(db: sqlite3.Connection, fault: Fault) -> int:
    """Counts one more matching request; 0 if the fault was removed in the meantime."""
    db.execute("UPDATE _faults SET seen = seen + 1 WHERE id = ?", [fault.id])
    row = db.execute("SELECT seen FROM _faults WHERE id = ?", [fault.id]).fetchone()
    return int(row[0]) if row else 0
