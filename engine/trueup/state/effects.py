"""Writes the effects of entries and edits to the tables, and to the journal as a line.

The line holds links and pushed changes in full and a digest of applied values, so that `replay` can
compare each row of the tables with the journal. Rows are removed before others are added.
"""

from collections.abc import Sequence
from datetime import datetime

from trueup.model.run import Effects
from trueup.state import journal
from trueup.state.access import Transaction
from trueup.state.journal import LineKind, NewLine, digest
from trueup.state.rows import applied_row, link_row, pushed_row
from trueup.state.values import canonical

NO_EFFECTS = Effects()
"""The effects of entries that change nothing in the state."""


def write_lines(
    transaction: Transaction,
    lines: Sequence[NewLine],
    run: str,
    effects: Effects,
    at: datetime,
) -> None:
    """Adds lines, then the effects with their line, inside a transaction.

    A row that is unlinked loses its applied values too.
    """
    if effects == NO_EFFECTS:
        journal.append(transaction, lines)
        return
    links = [link_row(link) for link in effects.links]
    applied = [applied_row(key, fields) for key, fields in effects.applied.items()]
    pushed = [pushed_row(change) for change in effects.pushed]

    data = {
        "unlink": effects.unlink,
        "unpush": effects.unpush,
        "links": links,
        "applied": [(mapping, key, digest(fields)) for mapping, key, fields in applied],
        "pushed": pushed,
    }
    text = canonical({name: items for name, items in data.items() if items})
    journal.append(transaction, [*lines, NewLine(LineKind.EFFECTS, at, text, run)])

    changes: Sequence[tuple[str, Sequence[Sequence[object]]]] = (
        ("drop_link", effects.unlink),
        ("drop_applied", effects.unlink),
        ("drop_pushed", effects.unpush),
        ("put_link", links),
        ("put_applied", applied),
        ("put_pushed", pushed),
    )
    for name, rows in changes:
        if rows:
            transaction.do_many(name, rows)
