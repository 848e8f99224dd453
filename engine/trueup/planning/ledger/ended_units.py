"""Notes units that end with their contract and continue on another service.

A renewal may begin on the contract that follows, and a subscription may move to it. No adjustment
takes the former units away: the end of their contract does. The run rate counts only the difference
to them: twelve seats that follow ten are two more.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from trueup.model.units import units_on
from trueup.planning.ledger.halves import Pair
from trueup.planning.ledger.planned import EndedUnits, PlannedAdjustment, PlannedService
from trueup.planning.ledger.services import ServiceLedgers
from trueup.stages.ledger import ServiceLedger


def note_ended_units(
    planned: Mapping[str, PlannedService],
    pairs: Iterable[Pair],
    services: ServiceLedgers,
    as_of: date,
) -> None:
    """Adds ended units to the adjustments that begin other units in their place."""
    for pair in pairs:
        begins, old = pair.new.begins.sent, pair.old
        if begins and old.is_holder:
            _note(pair.new.service, begins, old.service.ledger, old.service.sent, as_of)
    for key, service in planned.items():
        left, line = services.left_behind(key), service.line
        begins = next((one for one in service.sent if one.adjustment.units > 0), None)
        if begins and left and line.units == 0:
            _note(service, begins, left, (), as_of)


def _note(
    service: PlannedService,
    begins: PlannedAdjustment,
    old: ServiceLedger,
    sent: Sequence[PlannedAdjustment],
    as_of: date,
) -> None:
    """Notes the units of the old service's last day, after all pending changes.

    Notes nothing if a change ends them, in this plan or before: then the run rate has it. Changes
    that are held count as well: the plan that handles them counts each by itself.
    """
    end = old.terms.end
    if end is None or end >= max(as_of, begins.adjustment.day):
        return
    units = units_on(old.rows, end)
    units += sum(int(change.units) for change in old.changes if change.day <= end)
    units += sum(int(one.adjustment.correction) for one in sent if one.adjustment.day <= end)
    if not units:
        return
    name, monthly = old.row.name or service.ledger.row.name, old.terms.monthly
    ended = EndedUnits(
        monthly=None if monthly is None else monthly * units,
        text=f"takes the place of {units} units of {name}, which end with their contract on {end}: "
        "the run rate counts the difference",
    )
    service.exchange(begins, replace(begins, takes_place_of=ended))
