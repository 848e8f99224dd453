"""What entries and edits change in the state: written to the tables, and to the journal as a line.

The line holds links and pushed changes in full and a digest of applied values, so that `replay` can
compare each row of the tables with the journal. Rows are removed before others are added.
"""

import sqlite3
from datetime import datetime

from trueup.model.run import Effects
from trueup.state.sqlite.journal import Kind, NewLine, append, digest
from trueup.state.sqlite.rows import applied_row, link_row, pushed_row
from trueup.state.sqlite.statements import statement
from trueup.state.sqlite.values import canonical

NO_EFFECTS = Effects()
"""The effects of entries that change nothing in the state."""


def write_effects(connection: sqlite3.Connection, run: str, effects: Effects, at: datetime) -> None:
    """Applies effects inside a transaction; a row that is unlinked loses its applied values too."""
    if effects == NO_EFFECTS:
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
    append(connection, [NewLine(Kind.EFFECTS, at, text, run)])

    connection.executemany(statement("drop_link"), effects.unlink)
    connection.executemany(statement("drop_applied"), effects.unlink)
    connection.executemany(statement("drop_pushed"), effects.unpush)
    connection.executemany(statement("put_link"), links)
    connection.executemany(statement("put_applied"), applied)
    connection.executemany(statement("put_pushed"), pushed)
