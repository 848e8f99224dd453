"""Predicts the effect of a decision about a ledger line, without another plan.

By the law of the ledger, the billed units and all that is moved, held or corrected add up to the
quantity (docs/explanation/ledger.md). Other effects, such as on the next invoice, are in the effect
of a proposal (`trueup.operations.propose`).
"""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal

from msgspec import Struct

from trueup.model.plan import LedgerLine, Plan
from trueup.model.project import Project
from trueup.model.verdict import Verdict

Ways = Mapping[tuple[str, str], Collection[Verdict]]
"""By row: the decisions that the remedies of a plan name for it."""

_DIFFERS = "ledger-differs"
"""Code of changes that are held because the two sides differ: a correction sets them free."""


class Outlook(Struct, frozen=True):
    """The units and money after the next run, without a decision and with it."""

    mapping: str
    key: str  # of the row that is decided about
    verdict: Verdict
    before: Decimal  # units that are billed after a run without the decision
    after: Decimal  # and with it
    left: Decimal  # units that are still billed too little then; negative: too much
    monthly: Decimal | None  # money of what the decision moves; None: the price is unknown


def ways_of(plan: Plan) -> Ways:
    """Returns the useful decisions by row: a push does not send a change that a rule holds."""
    found: dict[tuple[str, str], set[Verdict]] = {}
    findings = [*plan.findings, *(one for row in plan.blocked for one in row.findings)]
    for finding in findings:
        for command in finding.commands:
            if command.verdict is not None:
                found.setdefault((command.mapping, command.key), set()).add(command.verdict)
    return found


def outlooks(project: Project, ways: Ways, line: LedgerLine) -> tuple[Outlook, ...]:
    """Returns the decisions that settle a difference of the line, or a change that it holds."""
    if not line.key or line.units is None or line.quantity is None:
        return ()
    return tuple(_outlooks(project, ways, line, line.units, line.quantity))


def _outlooks(
    project: Project, ways: Ways, line: LedgerLine, units: int, quantity: Decimal
) -> Iterator[Outlook]:
    """Yields what a correction leads to, and a push or an archive of each change that is held.

    A correction also settles the changes that are held because the ledger differs.
    """
    before = Decimal(units + line.moved)

    def leads(mapping: str, key: str, verdict: Verdict, moved: Decimal) -> Outlook:
        after = before + moved
        cost = line.unmoved_money if verdict is Verdict.CORRECT else line.money
        return Outlook(mapping, key, verdict, before, after, quantity - after, cost(moved))

    if line.difference:
        freed = sum((one.units for one in line.held if one.code == _DIFFERS), Decimal(0))
        yield leads(line.mapping, line.key, Verdict.CORRECT, line.difference + freed)
    spec = project.mappings.get(line.mapping)
    pending = spec.ledger.pending if spec and spec.ledger else ""
    for held in line.held:
        if held.row.mapping != pending or held.keys != (held.row.key,):
            continue
        possible = ways.get((pending, held.row.key), ())
        if Verdict.PUSH in possible:
            yield leads(pending, held.row.key, Verdict.PUSH, held.units)
        if Verdict.ARCHIVE in possible:
            yield leads(pending, held.row.key, Verdict.ARCHIVE, Decimal(0))
