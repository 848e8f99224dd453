"""The peer that our diff is compared with: diffsync, on the same rows as `plans.plain`."""

import logging
from datetime import date
from decimal import Decimal

import structlog
from diffsync import Adapter, DiffSyncModel
from trueup.model.catalogue import Type

from tests.bench.measuring import cpu_seconds, peak_memory
from tests.bench.plain_rows import COLUMNS, column_types, plain_rows, sides

_PYTHON_TYPES = {Type.TEXT: str, Type.INTEGER: int, Type.DECIMAL: Decimal, Type.DAY: date}


def diff_by_peer(count: int) -> dict[str, float]:
    """Measures diffsync's diff of two adapters, without loading them."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    annotations = {name: _PYTHON_TYPES[kind] for name, kind in column_types().items()}
    body = {
        "_modelname": "thing",
        "_identifiers": ("id",),
        "_attributes": tuple(COLUMNS),
        "__annotations__": {"id": str, **annotations},
    }
    thing = type("Thing", (DiffSyncModel,), body)
    adapter = type("Side", (Adapter,), {"thing": thing, "top_level": ["thing"]})

    source, target = sides(plain_rows(count))
    left, right = adapter(), adapter()
    for side, rows in ((left, source), (right, target)):
        for row in rows:
            side.add(thing(**row))

    before = peak_memory()
    taken, _ = cpu_seconds(lambda: right.diff_from(left))
    return {"diff": taken, "diff_mb": peak_memory() - before}
