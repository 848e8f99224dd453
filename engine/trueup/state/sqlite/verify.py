"""Has anything been changed behind trueup's back? The journal line by line, then the tables against it.

Whoever rewrites the file as a whole, journal, hashes, head and anchors, is found only by a hash noted
elsewhere: that is what `known` is for.
"""

import sqlite3
from collections.abc import Iterable, Iterator

from engine.model.finding import Finding, Severity
from engine.state.journal import Kind, Line, lines
from engine.state.replay import differences
from engine.state.statements import statement

_REMEDY = "from this line on the journal proves nothing; compare it with an export or a copy from before"


def verify(connection: sqlite3.Connection, known: Iterable[str] = ()) -> list[Finding]:
    """Nothing, or what does not agree; of the journal the first line that was changed, removed or put in.

    `known` are heads that were noted when runs finished: each must still be a line of the journal.
    """
    (sound,) = connection.execute("PRAGMA integrity_check(1)").fetchone()  # indexes too: they can hide a line
    if sound != "ok":
        return [_finding("state-damaged", f"the state file is damaged: {sound}", "put a copy back")]
    fault = _first_fault(connection)
    if fault:
        return [_finding("history-changed", fault, _REMEDY)]
    return [
        *(_finding("history-rewritten", text, _REMEDY) for text in _missing(connection, known)),
        *(
            _finding(
                "state-changed",
                text,
                "it was changed outside trueup; put it right by hand or put a copy back",
            )
            for text in differences(connection)
        ),
    ]


def _finding(code: str, text: str, remedy: str) -> Finding:
    return Finding(code, Severity.ERROR, text, remedy)


def _first_fault(connection: sqlite3.Connection) -> str:
    before: Line | None = None
    for line in lines(connection):
        fault = _out_of_order(line, before) or _changed(line) or _does_not_follow(line, before)
        if fault:
            return fault
        before = line
    return _wrong_end(connection, before)


def _out_of_order(line: Line, before: Line | None) -> str:
    due = before.seq + 1 if before else 1
    if line.seq < due:
        return f"{_told(line)} was put in"
    if line.seq > due:
        return f"{_span(due, line.seq - 1)} removed"
    return ""


def _changed(line: Line) -> str:
    if line.hash == line.digest():
        return ""
    if line.hash == line.digest(line.seq + 1):
        return f"{_span(line.seq, line.seq)} removed, and the later ones were numbered anew"
    if line.hash == line.digest(line.seq - 1):
        return f"{_span(line.seq - 1, line.seq - 1)} put in, and the later ones were numbered anew"
    return f"{_told(line)} was changed"


def _does_not_follow(line: Line, before: Line | None) -> str:
    if before is None:
        return f"{_told(line)} was changed" if line.previous else ""
    if line.previous == before.hash:
        return ""
    return f"{_told(before)} was changed, and its hash was made anew"


def _wrong_end(connection: sqlite3.Connection, last: Line | None) -> str:
    _, _, count, head = connection.execute(statement("read_state")).fetchone()
    end = last.seq if last else 0
    if end < count:
        return f"{_span(end + 1, count)} removed"
    if end > count:
        return f"{_span(count + 1, end)} put in"
    if last and last.hash != head:
        return f"{_told(last)} was changed, and its hash was made anew"
    return ""


def _missing(connection: sqlite3.Connection, known: Iterable[str]) -> Iterator[str]:
    for head in known:
        if not connection.execute(statement("has_hash"), {"hash": head}).fetchone():
            yield f"the journal has no line with the hash {head} any more: it was written anew"


def _span(first: int, last: int) -> str:
    if first == last:
        return f"line {first} of the journal was"
    return f"lines {first} to {last} of the journal were"


def _told(line: Line) -> str:
    about = f"{line.kind} of change {line.change}" if line.kind == Kind.ENTRY else line.kind
    run = f", run {line.run}" if line.run else ""
    return f"line {line.seq} of the journal ({about}{run}, {line.at})"
