"""What entries and edits change in the state: written to the tables, and told to the journal.

The journal keeps links and pushed logs in full and of applied values the digest, so that it can say of every
row of the tables whether it came about this way. What goes is written before what comes.
"""

import sqlite3
from datetime import datetime

from engine.model.run import Effects
from engine.state.journal import Kind, News, append, digest
from engine.state.rows import applied_row, link_row, pushed_row
from engine.state.statements import statement
from engine.state.values import canonical

NOTHING = Effects()
"""Entries that change nothing in the state."""


def write(connection: sqlite3.Connection, run: str, effects: Effects, at: datetime) -> None:
    """Applies effects inside a transaction; a row that is unlinked loses its applied values as well."""
    if effects == NOTHING:
        return
    links = [link_row(link) for link in effects.links]
    applied = [applied_row(key, fields) for key, fields in effects.applied.items()]
    pushed = [pushed_row(log) for log in effects.pushed]
    told = {
        "unlink": effects.unlink,
        "unpush": effects.unpush,
        "links": links,
        "applied": [(mapping, key, digest(fields)) for mapping, key, fields in applied],
        "pushed": pushed,
    }
    append(
        connection,
        [News(Kind.EFFECTS, at, canonical({name: item for name, item in told.items() if item}), run)],
    )
    connection.executemany(statement("drop_link"), effects.unlink)
    connection.executemany(statement("drop_applied"), effects.unlink)
    connection.executemany(statement("drop_pushed"), effects.unpush)
    connection.executemany(statement("put_link"), links)
    connection.executemany(statement("put_applied"), applied)
    connection.executemany(statement("put_pushed"), pushed)
