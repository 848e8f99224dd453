"""Whether anything was changed outside trueup: the journal by itself, then the tables against it.

If the whole file is rewritten, with journal, hashes, head and anchors, only a hash that was noted
elsewhere shows it: `known` is for these.
"""

from collections.abc import Iterable, Iterator

from trueup.model.finding import Finding, Severity
from trueup.state.access import Transaction
from trueup.state.journal import JournalLine, LineKind, lines
from trueup.state.replay import differences

_JOURNAL_REMEDY = (
    "from this line on the journal proves nothing; compare it with an export or a copy from before"
)
_STATE_REMEDY = "it was changed outside trueup; correct it there or put a copy back"


def verify(transaction: Transaction, known: Iterable[str] = ()) -> list[Finding]:
    """One finding per difference; of the journal only the first line that is wrong.

    `known` are heads that were noted when runs finished: each must still be a line of the journal.
    """
    if damage := transaction.damage():
        text = f"the state is damaged: {damage}"
        return [_finding("state-damaged", text, "put a copy back")]
    if fault := _first_fault(transaction):
        return [_finding("history-changed", fault, _JOURNAL_REMEDY)]
    missing = _missing_heads(transaction, known)
    return [
        *(_finding("history-rewritten", text, _JOURNAL_REMEDY) for text in missing),
        *(_finding("state-changed", text, _STATE_REMEDY) for text in differences(transaction)),
    ]


def _finding(code: str, text: str, remedy: str) -> Finding:
    return Finding(code, Severity.ERROR, text, remedy)


def _first_fault(transaction: Transaction) -> str:
    """The first fault of the journal, "" if there is none."""
    before: JournalLine | None = None
    with lines(transaction) as every_line:
        for line in every_line:
            fault = (
                _wrong_number(line, before) or _wrong_hash(line) or _wrong_previous(line, before)
            )
            if fault:
                return fault
            before = line
    return _wrong_end(transaction, before)


def _wrong_number(line: JournalLine, before: JournalLine | None) -> str:
    expected = before.seq + 1 if before else 1
    if line.seq < expected:
        return f"{_description(line)} was inserted"
    if line.seq > expected:
        return f"{_span(expected, line.seq - 1)} removed"
    return ""


def _wrong_hash(line: JournalLine) -> str:
    """The hash covers the number too, so a renumbered line differs from a changed one."""
    if line.hash == line.digest():
        return ""
    if line.hash == line.digest(line.seq + 1):
        return f"{_span(line.seq, line.seq)} removed, and the later lines were renumbered"
    if line.hash == line.digest(line.seq - 1):
        return f"{_span(line.seq - 1, line.seq - 1)} inserted, and the later lines were renumbered"
    return f"{_description(line)} was changed"


def _wrong_previous(line: JournalLine, before: JournalLine | None) -> str:
    if before is None:
        return f"{_description(line)} was changed" if line.previous else ""
    if line.previous == before.hash:
        return ""
    return f"{_description(before)} was changed, and its hash was recalculated"


def _wrong_end(transaction: Transaction, last: JournalLine | None) -> str:
    [(_, _, count, head)] = transaction.rows("read_state")
    end = last.seq if last else 0
    if end < count:
        return f"{_span(end + 1, count)} removed"
    if end > count:
        return f"{_span(count + 1, end)} inserted"
    if last and last.hash != head:
        return f"{_description(last)} was changed, and its hash was recalculated"
    return ""


def _missing_heads(transaction: Transaction, known: Iterable[str]) -> Iterator[str]:
    for head in known:
        if not transaction.one("has_hash", {"hash": head}):
            yield f"the journal has no line with the hash {head} any more: it was rewritten"


def _span(first: int, last: int) -> str:
    if first == last:
        return f"line {first} of the journal was"
    return f"lines {first} to {last} of the journal were"


def _description(line: JournalLine) -> str:
    subject = f"{line.kind} of change {line.change}" if line.kind == LineKind.ENTRY else line.kind
    run = f", run {line.run}" if line.run else ""
    return f"line {line.seq} of the journal ({subject}{run}, {line.at})"
