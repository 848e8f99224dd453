"""Manual edits, statements about plans and lock takeovers as lines of the journal, and back.

An `edit` line holds who, host, reason and the edit as data:

- `{"kind": "forget", "mapping": …, "key": …, "name": …}`
- `{"kind": "settle", "changes": [{"change": …, "landed": …}]}`
- `{"kind": "close"}`: the run that is closed is the run of the line.
- `{"kind": "adopt"}`: the systems stand beside it, under `systems`.

An `approval` line holds who, host and reason as well, and the statement: `{"statement": "yes",
"plan": DIGEST, "amount": "120.50", "unknown": 0}`. It is no edit: the serial stays as it is.

A `lock` line holds how the lock was taken, by whom, and from whom. Edits that versions before 1.0
wrote hold only a text; `text_edits` reads those.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, assert_never

from trueup.model.approval import ApprovalStated, Statement
from trueup.model.audit import (
    AuditEntry,
    AuditEvent,
    ChangesSettled,
    Edit,
    LinkForgotten,
    LockTaken,
    RunClosed,
    SettledChange,
    SystemsAdopted,
)
from trueup.model.run import Entry, Lease, Step
from trueup.state.access import Transaction
from trueup.state.journal import LineKind, NewLine
from trueup.state.text_edits import read_text_edit
from trueup.state.values import canonical

_FORCED = "forced"
_LANDED = {Step.DONE: True, Step.NOT_LANDED: False}


def settlement(entries: Sequence[Entry]) -> ChangesSettled | RunClosed:
    """Returns the edit that these entries make: outcomes of changes in doubt, or a closed run."""
    changes = [
        SettledChange(entry.change, _LANDED[entry.step])
        for entry in entries
        if entry.step in _LANDED
    ]
    return ChangesSettled(tuple(changes)) if changes else RunClosed()


def edit_line(edit: Edit, lease: Lease, at: datetime, reason: str, run: str = "") -> NewLine:
    """A manual edit by the holder of the lease."""
    data: dict[str, Any] = {
        "edit": _edit_data(edit),
        "reason": reason,
        "who": lease.holder,
        "host": lease.host,
    }
    if isinstance(edit, SystemsAdopted):
        data["systems"] = dict(edit.systems)
    return NewLine(LineKind.EDIT, at, canonical(data), run)


def approval_line(event: ApprovalStated, lease: Lease, at: datetime, reason: str) -> NewLine:
    """Returns the line of a statement about a plan, by the holder of the lease."""
    data = {
        "statement": event.statement.value,
        "plan": event.plan,
        "amount": str(event.amount),
        "unknown": event.unknown,
        "reason": reason,
        "who": lease.holder,
        "host": lease.host,
    }
    return NewLine(LineKind.APPROVAL, at, canonical(data))


def lock_line(at: datetime, reason: str, by: Lease, before: Lease, *, forced: bool) -> NewLine:
    """A lock that `by` took from `before`."""
    data = {
        "how": _FORCED if forced else "taken over",
        "reason": reason,
        "by": {"holder": by.holder, "host": by.host, "pid": by.pid},
        "from": {
            "holder": before.holder,
            "host": before.host,
            "pid": before.pid,
            "since": before.since.isoformat(),
            "expires": before.expires.isoformat(),
        },
    }
    return NewLine(LineKind.LOCK, at, canonical(data))


def read_audit(transaction: Transaction) -> list[AuditEntry]:
    """Returns all manual edits, approvals and lock takeovers, oldest first."""
    rows = transaction.rows("read_audit")
    return [_audit_entry(transaction, row) for row in rows]


def _audit_entry(transaction: Transaction, row: tuple[Any, ...]) -> AuditEntry:
    seq, at, kind, run, text = row
    data = json.loads(text)
    moment = datetime.fromisoformat(at)
    if kind == LineKind.LOCK:
        by, before = data["by"], data["from"]
        taken = LockTaken(before["holder"], before["host"], forced=data["how"] == _FORCED)
        return AuditEntry(seq, moment, by["holder"], by["host"], data["reason"], taken)
    if kind == LineKind.APPROVAL:
        stated = _approval(data)
        return AuditEntry(seq, moment, data["who"], data["host"], data["reason"], stated)
    event = _event(data) or read_text_edit(transaction, seq, run, data["what"])
    return AuditEntry(seq, moment, data["who"], data["host"], data["reason"], event, run)


def _edit_data(edit: Edit) -> Mapping[str, object]:
    match edit:
        case LinkForgotten(mapping, key, name):
            return {"kind": "forget", "mapping": mapping, "key": key, "name": name}
        case ChangesSettled(changes):
            outcomes = [{"change": change.change, "landed": change.landed} for change in changes]
            return {"kind": "settle", "changes": outcomes}
        case RunClosed():
            return {"kind": "close"}
        case SystemsAdopted():
            return {"kind": "adopt"}
        case _:
            assert_never(edit)


def _approval(data: Mapping[str, Any]) -> ApprovalStated:
    try:
        amount = Decimal(data["amount"])
    except (ArithmeticError, TypeError) as error:
        raise ValueError(f"{data['amount']!r:.60} is not an amount") from error
    return ApprovalStated(Statement(data["statement"]), data["plan"], amount, data["unknown"])


def _event(data: Mapping[str, Any]) -> AuditEvent | None:
    """Returns the edit of a line; None for a line that has only a text."""
    if "systems" in data:  # in lines of all versions
        return SystemsAdopted(data["systems"])
    match data.get("edit"):
        case None:
            return None
        case {"kind": "forget", "mapping": mapping, "key": key, "name": name}:
            return LinkForgotten(mapping, key, name)
        case {"kind": "settle", "changes": changes}:
            settled = [SettledChange(change["change"], change["landed"]) for change in changes]
            return ChangesSettled(tuple(settled))
        case {"kind": "close"}:
            return RunClosed()
        case other:
            raise ValueError(f"{other!r:.60} is not an edit of this version")
