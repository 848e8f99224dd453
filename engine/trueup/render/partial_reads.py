"""Renders the queries of a plan that read only what changed."""

from trueup.model.plan import PartialRead, Plan
from trueup.render.formatting import count, some
from trueup.render.sanitize import sanitize

LABEL = "In part"
"""The label of the lines in a plan's head."""


def partial_reads(plan: Plan) -> list[str]:
    """One line for each query of which only what changed was read."""
    return [_line(read) for read in plan.partial_reads]


def brief(plan: Plan) -> str:
    """What was read in part, and since when; "" if nothing was."""
    if not plan.partial_reads:
        return ""
    entities = some([*dict.fromkeys(read.entity for read in plan.partial_reads)])
    return f"{entities}: in full at {sanitize(min(read.full for read in plan.partial_reads))}"


def _line(read: PartialRead) -> str:
    """`Companies: 3 of 12,004 records changed since 2026-11-30T04:12:00Z; all read …`."""
    entity, since, full = map(sanitize, (read.entity, read.since, read.full))
    return (
        f"{entity}: of {count(read.records, 'record')} only the {read.changed:,} that "
        f"changed since {since} were read, all of them at {full}"
    )
